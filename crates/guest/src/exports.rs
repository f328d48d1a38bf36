//! The exports that the host looks for in every guest. Names and signatures are the convention's.

use aingle_wasm_types::{PackedResult, abi};

use crate::memory::{self, call_buffer};
use crate::panic;

/// `len` bytes of the arena; 0 = out of memory.
#[unsafe(export_name = "__aingle_guest_allocate")]
extern "C" fn allocate(len: u32) -> u32 {
    panic::install_hook();
    memory::allocate(len as usize).unwrap_or(0)
}

/// Takes back an allocation if it was the last; the reset takes back the others.
#[unsafe(export_name = "__aingle_guest_deallocate")]
extern "C" fn deallocate(ptr: u32, len: u32) {
    memory::deallocate(ptr, len as usize);
}

/// Takes back everything. The host calls it after each call.
#[unsafe(export_name = "__aingle_guest_reset_arena")]
extern "C" fn reset_arena() {
    memory::reset();
}

/// The arena's position.
#[unsafe(export_name = "__aingle_guest_mark")]
extern "C" fn mark() -> u32 {
    memory::mark()
}

/// Takes back everything allocated since a position.
#[unsafe(export_name = "__aingle_guest_release")]
extern "C" fn release(mark: u32) {
    memory::release(mark);
}

/// Where inputs that fit are written without an allocation. The host reads it once, before any other call.
#[unsafe(export_name = "__aingle_guest_call_buffer")]
extern "C" fn call_buffer() -> u64 {
    panic::install_hook();
    PackedResult::ok(call_buffer::address(), call_buffer::CAPACITY as u32).into_raw()
}

/// The version of the convention.
#[unsafe(export_name = "__aingle_abi_version")]
extern "C" fn abi_version() -> u32 {
    abi::ABI_VERSION
}
