//! Exports that take and return values of serde types, as JSON.

use alloc::format;

use aingle_wasm_codec::GuestError;
use aingle_wasm_types::GuestErrorKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::output::{Output, return_error, return_output};

/// The value of an input.
///
/// # Errors
/// - [`GuestErrorKind::Deserialization`] with line and column of the fault.
pub fn json_input<T: DeserializeOwned>(payload: &[u8]) -> Result<T, GuestError<'static>> {
    serde_json::from_slice(payload).map_err(|error| {
        let message = format!("the input is not the JSON expected: {error}");
        GuestError::new(GuestErrorKind::Deserialization, message)
    })
}

/// The reply with a value, written behind its header at once.
#[must_use]
pub fn json_reply<T: Serialize>(value: &T) -> u64 {
    let mut output = Output::new();
    match serde_json::to_writer(&mut output, value) {
        Ok(()) => return_output(output),
        Err(error) => return_error(GuestError::new(
            GuestErrorKind::Serialization,
            format!("the result has no JSON form: {error}"),
        )),
    }
}
