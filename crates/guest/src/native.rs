//! Guests on other targets than wasm32: exports called as a host would call them, for tests.

use alloc::vec::Vec;

use aingle_wasm_codec::GuestError;
use aingle_wasm_types::GuestErrorKind;

use crate::host_call::exchange;
use crate::memory;
use crate::output::return_error;

/// Calls an exported function with `input` in an envelope, as a host does, and empties the arena after it.
///
/// Each thread has a memory of its own. Host functions do not exist here: [`call_host`](crate::call_host()) fails.
///
/// # Errors
/// - What the guest returned as an error: its own kind, or [`GuestErrorKind::Unknown`] for plain text.
/// - [`GuestErrorKind::Deserialization`] if its result is no sound envelope in the arena.
pub fn call(
    export: extern "C" fn(u32, u32) -> u64,
    input: &[u8],
) -> Result<Vec<u8>, GuestError<'static>> {
    let answer = exchange(export, input, GuestErrorKind::Unknown);
    memory::reset();
    answer
}

/// The answer of every host function.
#[doc(hidden)]
#[must_use]
pub fn missing_host_function(name: &str) -> u64 {
    return_error(GuestError::new(
        GuestErrorKind::HostCall,
        alloc::format!("the host function {name} exists inside WebAssembly only"),
    ))
}
