//! What the guest returns: envelopes in the arena, and the packed word that points at them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::Any;
use core::fmt::Display;
use core::ops::{Deref, DerefMut};

use aingle_wasm_codec::{GuestError, encoded_len, seal_in_place};
use aingle_wasm_types::{HEADER_LEN, Header, PackedResult, flags};

use crate::{memory, system};

/// Returns `payload` to the host: `return return_ok(&bytes)`.
///
/// The payload is copied into the arena once; [`return_output`] does without that copy. Without memory for it the
/// result is an error without a message.
#[must_use]
pub fn return_ok(payload: &[u8]) -> u64 {
    if payload.is_empty() {
        return PackedResult::EMPTY.into_raw();
    }
    packed(envelope(payload, 0), 0)
}

/// Returns an error to the host: UTF-8 text, or what [`GuestError::encode`] gives.
///
/// Bit 63 of the result and the envelope's error flag are both set.
#[must_use]
pub fn return_err(message: &[u8]) -> u64 {
    if message.is_empty() {
        return PackedResult::err(0, 0).into_raw();
    }
    packed(envelope(message, flags::ERROR), flags::ERROR)
}

/// Returns any error to the host: a [`GuestError`] with its kind, file and line, another one as its text.
#[must_use]
pub fn return_error<E: Display + 'static>(error: E) -> u64 {
    match (&error as &dyn Any).downcast_ref::<GuestError<'static>>() {
        Some(structured) => return_err(&structured.encode()),
        None => return_err(error.to_string().as_bytes()),
    }
}

/// Returns what was written to `output`, where it stands: the checksum is computed once, and nothing is copied.
#[must_use]
pub fn return_output(output: Output) -> u64 {
    if output.is_empty() {
        return PackedResult::EMPTY.into_raw();
    }
    packed(output.seal(), 0)
}

/// Bytes to return, with room for the envelope's header in front of them.
///
/// ```
/// use aingle_wasm_guest::prelude::*;
/// use std::fmt::Write;
///
/// #[aingle_export]
/// fn squares(input: &str) -> Result<Output, std::num::ParseIntError> {
///     let mut output = Output::new();
///     for n in 0..input.parse::<u64>()? {
///         writeln!(output, "{}", n * n).expect("writing to memory does not fail");
///     }
///     Ok(output)
/// }
/// # assert_eq!(&*squares("3").unwrap(), b"0\n1\n4\n");
/// ```
#[derive(Clone, Debug)]
pub struct Output {
    /// The header's room, then the payload.
    envelope: Vec<u8>,
}

impl Output {
    /// An empty output.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty output with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let mut envelope = Vec::with_capacity(capacity.saturating_add(HEADER_LEN));
        envelope.extend_from_slice(&[0; HEADER_LEN]);
        Self { envelope }
    }

    /// Appends `bytes`.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.envelope.extend_from_slice(bytes);
    }

    /// Address and length of the finished envelope.
    fn seal(mut self) -> Option<(u32, u32)> {
        seal_in_place(&mut self.envelope, 0, system::checksum).ok()?;
        let len = u32::try_from(self.envelope.len()).ok()?;
        Some((memory::adopt(self.envelope)?, len))
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Output {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.envelope[HEADER_LEN..]
    }
}

impl DerefMut for Output {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.envelope[HEADER_LEN..]
    }
}

impl core::fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(feature = "std")]
impl std::io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Extend<u8> for Output {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.envelope.extend(bytes);
    }
}

/// A type that an exported function may return as the payload itself.
pub trait IntoReply {
    /// The packed word of the reply.
    fn into_reply(self) -> u64;
}

impl IntoReply for () {
    fn into_reply(self) -> u64 {
        return_ok(&[])
    }
}

impl IntoReply for &[u8] {
    fn into_reply(self) -> u64 {
        return_ok(self)
    }
}

impl IntoReply for &str {
    fn into_reply(self) -> u64 {
        return_ok(self.as_bytes())
    }
}

impl IntoReply for Vec<u8> {
    fn into_reply(self) -> u64 {
        return_ok(&self)
    }
}

impl IntoReply for String {
    fn into_reply(self) -> u64 {
        return_ok(self.as_bytes())
    }
}

impl IntoReply for Output {
    fn into_reply(self) -> u64 {
        return_output(self)
    }
}

/// Address and length of an envelope in the arena, or `None` without memory for it.
fn envelope(payload: &[u8], flags: u8) -> Option<(u32, u32)> {
    let len = encoded_len(payload.len()).ok()?;
    let header = Header {
        flags,
        payload_len: u32::try_from(payload.len()).ok()?,
        checksum: system::checksum(payload),
    };
    let address = memory::allocate(len)?;
    let written = memory::write(address, &header.encode())
        && memory::write(address + HEADER_LEN as u32, payload);
    written.then_some((address, u32::try_from(len).ok()?))
}

fn packed(envelope: Option<(u32, u32)>, flags: u8) -> u64 {
    match envelope {
        Some((address, len)) if flags & flags::ERROR == 0 => PackedResult::ok(address, len),
        Some((address, len)) => PackedResult::err(address, len),
        None => PackedResult::err(0, 0),
    }
    .into_raw()
}
