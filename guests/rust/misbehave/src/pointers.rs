//! Exports whose result points where it should not.

use core::arch::wasm32;

use aingle_wasm_types::PackedResult;

macro_rules! packed_exports {
    ($($(#[$doc:meta])* $name:ident: $packed:expr;)+) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(_ptr: u32, _len: u32) -> u64 {
                $packed
            }
        )+
    };
}

fn memory_end() -> u32 {
    (wasm32::memory_size(0) * 65_536) as u32
}

packed_exports! {
    /// Begins at the end of the memory.
    pointer_at_end: PackedResult::ok(memory_end(), 12).into_raw();
    /// Begins in the memory and ends one byte behind it.
    pointer_across_end: PackedResult::ok(memory_end() - 20, 21).into_raw();
    /// The largest pointer and length.
    pointer_wild: PackedResult::ok(0x7fff_ffff, u32::MAX).into_raw();
    /// Pointer plus length is 2^32 + 8: a sum of 32 bits wraps to 8.
    pointer_wraps: PackedResult::ok(0x7fff_fff8, 0x8000_0010).into_raw();
    /// All of the memory: in bounds, and no envelope.
    pointer_whole_memory: PackedResult::ok(0, memory_end()).into_raw();
    /// The null page.
    pointer_null: PackedResult::ok(0, 12).into_raw();
    /// An error whose message lies outside of the memory.
    pointer_error_wild: PackedResult::err(0x7fff_0000, 64).into_raw();
    /// Every bit set.
    pointer_all_ones: u64::MAX;
    /// A pointer without length: an empty result, and not an error.
    pointer_without_length: PackedResult::ok(0x7fff_ffff, 0).into_raw();
}
