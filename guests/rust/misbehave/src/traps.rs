//! Exports that trap or panic.

use core::arch::wasm32;
use core::hint::black_box;

use aingle_wasm_guest::prelude::*;

/// Executes `unreachable`.
#[aingle_export]
fn unreachable() {
    wasm32::unreachable()
}

/// Reads behind the end of the memory.
#[aingle_export]
fn out_of_bounds() -> String {
    let end = black_box(wasm32::memory_size(0) * 65_536);
    // SAFETY: none; the address is outside of the memory, so the access traps before it can do harm.
    let byte = unsafe { core::ptr::with_exposed_provenance::<u8>(end).read_volatile() };
    byte.to_string()
}

/// Overwrites all of the guest's own memory, the kit's state included, and then returns.
#[aingle_export]
fn overwrite_everything() -> String {
    let end = wasm32::memory_size(0) * 65_536;
    // SAFETY: none; this is what a guest gone wrong does. Only the guest itself can be harmed.
    unsafe { core::ptr::with_exposed_provenance_mut::<u8>(16).write_bytes(0xff, end - 16) };
    "still here".to_owned()
}

/// Panics with a constant message.
#[aingle_export]
fn panic() {
    panic!("this guest panics on purpose");
}

/// Panics with a message made of the input.
#[aingle_export]
fn panic_with(input: &str) {
    panic!("panicked over {input:?}");
}

/// Panics in the standard library: an index out of range.
#[aingle_export]
fn index_out_of_range() -> String {
    let numbers = black_box([1, 2, 3]);
    numbers[black_box(7)].to_string()
}

/// Panics as Rust does when dividing by zero; the operator's own trap is in `guests/wat/traps.wat`.
#[aingle_export]
fn divide_by_zero() -> String {
    (black_box(1) / black_box(0)).to_string()
}
