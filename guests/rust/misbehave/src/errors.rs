//! Exports that return errors, in every form the convention has.

use aingle_wasm_guest::prelude::*;
use aingle_wasm_types::{PackedResult, flags};

use crate::envelopes::place;

/// An error as text.
#[aingle_export]
fn error_text() -> Result<(), &'static str> {
    Err("no such sensor")
}

/// An error with kind, file and line.
#[aingle_export]
fn error_structured() -> Result<(), GuestError<'static>> {
    Err(wasm_error!(
        GuestErrorKind::PermissionDenied,
        "the sensor is locked"
    ))
}

/// An error without a message.
#[unsafe(no_mangle)]
pub extern "C" fn error_empty(_ptr: u32, _len: u32) -> u64 {
    return_err(b"")
}

/// The input as an error's payload, whatever bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn error_with(ptr: u32, len: u32) -> u64 {
    return_err(try_result!(host_args(ptr, len)))
}

/// Only bit 63 is set, not the envelope's flag.
#[unsafe(no_mangle)]
pub extern "C" fn error_bit_only(_ptr: u32, _len: u32) -> u64 {
    let (ptr, len) = place(b"bit 63 only", 0);
    PackedResult::err(ptr, len).into_raw()
}

/// Only the envelope's flag is set, not bit 63.
#[unsafe(no_mangle)]
pub extern "C" fn error_flag_only(_ptr: u32, _len: u32) -> u64 {
    let (ptr, len) = place(b"flag only", flags::ERROR);
    PackedResult::ok(ptr, len).into_raw()
}
