//! Exports that take all they can get.

use core::arch::wasm32;
use core::fmt::Write;
use core::hint::black_box;

use aingle_wasm_guest::prelude::*;

/// Loops for ever.
#[aingle_export]
fn loop_forever() {
    loop {
        black_box(());
    }
}

/// Calls itself for ever, with something on the stack each time.
#[aingle_export]
fn recurse() -> String {
    #[expect(unconditional_recursion, reason = "the point of this guest")]
    fn deeper(depth: u64) -> u64 {
        black_box(deeper(black_box(depth) + 1)) + black_box([depth; 4])[1]
    }
    deeper(0).to_string()
}

/// Grows the memory page by page until it is refused, then says how many pages there are.
#[aingle_export]
fn grow_until_refused() -> Output {
    // Allocated first: after it there is nothing left.
    let mut pages = Output::with_capacity(16);
    while wasm32::memory_grow(0, 1) != usize::MAX {}
    let _ = write!(pages, "{}", wasm32::memory_size(0));
    pages
}

/// Asks for more memory for ever, refused or not.
#[aingle_export]
fn grow_forever() {
    loop {
        black_box(wasm32::memory_grow(0, 1));
    }
}

/// Allocates and keeps until the allocator gives up, which ends in a trap.
#[aingle_export]
fn allocate_forever() {
    loop {
        core::mem::forget(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Returns as many bytes as the input, a number, says.
#[aingle_export]
fn large_output(count: &str) -> Result<Vec<u8>, core::num::ParseIntError> {
    Ok(vec![b'x'; count.parse()?])
}
