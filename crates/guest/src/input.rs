//! What the host sent: from address and length to checked bytes, and from bytes to the parameter of an export.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use aingle_wasm_codec::{CodecError, Envelope, GuestError};
use aingle_wasm_types::{GuestErrorKind, flags};

use crate::{memory, panic, system};

/// The payload of the envelope that the host wrote for this call; header, length and checksum are checked.
///
/// The bytes belong to the call: they are overwritten after the exported function has returned, so keep a copy, not the
/// slice. A length of 0 is an empty payload without an envelope.
///
/// # Errors
/// - [`GuestErrorKind::Memory`] if the range is not one that the kit gave to the host.
/// - [`GuestErrorKind::Deserialization`] if it holds no sound envelope, or a compressed or encrypted one.
pub fn host_args(ptr: u32, len: u32) -> Result<&'static [u8], GuestError<'static>> {
    panic::install_hook();
    if len == 0 {
        return Ok(&[]);
    }
    let bytes = memory::read(ptr, len).ok_or_else(|| {
        GuestError::new(
            GuestErrorKind::Memory,
            "the input lies outside of the memory that was allocated for it",
        )
    })?;
    open(bytes).map(|(payload, _)| payload)
}

/// Payload and flags of a plain envelope.
pub(crate) fn open(bytes: &[u8]) -> Result<(&[u8], u8), GuestError<'static>> {
    let (payload, flags) = checked(bytes).map_err(|error| unreadable(error.to_string()))?;
    if flags & (flags::COMPRESSED | flags::ENCRYPTED) != 0 {
        return Err(unreadable(
            "the payload is compressed or encrypted, which this guest does not read",
        ));
    }
    Ok((payload, flags))
}

fn checked(bytes: &[u8]) -> Result<(&[u8], u8), CodecError> {
    let envelope = Envelope::parse(bytes, false)?;
    envelope.verify(system::checksum(envelope.payload()))?;
    Ok((envelope.payload(), envelope.header().flags))
}

pub(crate) fn unreadable(message: impl Into<Cow<'static, str>>) -> GuestError<'static> {
    GuestError::new(GuestErrorKind::Deserialization, message)
}

/// A parameter type that [`aingle_export`](crate::aingle_export) fills with the payload itself.
pub trait FromInput: Sized {
    /// The payload as `Self`.
    ///
    /// # Errors
    /// - [`GuestErrorKind::Deserialization`] if it is not text where text is asked for.
    fn from_input(payload: &'static [u8]) -> Result<Self, GuestError<'static>>;
}

impl FromInput for &[u8] {
    fn from_input(payload: &'static [u8]) -> Result<Self, GuestError<'static>> {
        Ok(payload)
    }
}

impl FromInput for Vec<u8> {
    fn from_input(payload: &'static [u8]) -> Result<Self, GuestError<'static>> {
        Ok(payload.to_owned())
    }
}

impl FromInput for &str {
    fn from_input(payload: &'static [u8]) -> Result<Self, GuestError<'static>> {
        core::str::from_utf8(payload)
            .map_err(|error| unreadable(alloc::format!("the input is not UTF-8: {error}")))
    }
}

impl FromInput for String {
    fn from_input(payload: &'static [u8]) -> Result<Self, GuestError<'static>> {
        <&str>::from_input(payload).map(ToOwned::to_owned)
    }
}
