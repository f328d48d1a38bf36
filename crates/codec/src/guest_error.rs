//! Errors that a guest returns: plain text, or `0x00`, kind u8, line u32, file length u16, file, message.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use aingle_wasm_types::GuestErrorKind;

use crate::cursor::{Decoder, Encoder, EndOfInput};

/// First byte of a structured error. Text never begins with it.
const STRUCTURED: u8 = 0;
const FIXED_LEN: usize = 8;

/// An error with its kind and the place in the guest's source where it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestError<'a> {
    /// What the error is about.
    pub kind: GuestErrorKind,
    /// Source file, relative; empty = unknown. At most `u16::MAX` bytes are sent.
    pub file: Cow<'a, str>,
    /// Line in that file, from 1; 0 = unknown.
    pub line: u32,
    /// What went wrong, for people.
    pub message: Cow<'a, str>,
}

impl<'a> GuestError<'a> {
    /// An error without a place.
    #[must_use]
    pub fn new(kind: GuestErrorKind, message: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind,
            file: Cow::Borrowed(""),
            line: 0,
            message: message.into(),
        }
    }

    /// The same error with the place where it was made.
    #[must_use]
    pub fn at(mut self, file: impl Into<Cow<'a, str>>, line: u32) -> Self {
        self.file = file.into();
        self.line = line;
        self
    }

    /// The payload of an envelope with the error flag.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (file, file_len) = sendable(&self.file);
        let mut out = Encoder::with_capacity(FIXED_LEN + file.len() + self.message.len());
        out.write_u8(STRUCTURED)
            .write_u8(self.kind.as_u8())
            .write_u32(self.line)
            .write_u16(file_len)
            .write_bytes(file.as_bytes())
            .write_bytes(self.message.as_bytes());
        out.finish()
    }
}

/// The longest beginning of `file` that the length field can announce, and its length.
fn sendable(file: &str) -> (&str, u16) {
    let longest = file.len().min(usize::from(u16::MAX));
    let cut = (0..=longest).rev().find(|at| file.is_char_boundary(*at));
    let file = &file[..cut.unwrap_or(0)];
    (file, file.len() as u16)
}

impl fmt::Display for GuestError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.file.is_empty() {
            write!(f, " ({}:{})", self.file, self.line)?;
        }
        Ok(())
    }
}

impl core::error::Error for GuestError<'_> {}

/// The payload of an envelope with the error flag, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorPayload<'a> {
    /// Plain text; bytes that are not UTF-8 are replaced. Also what a damaged structured error is read as.
    Text(Cow<'a, str>),
    /// A structured error.
    Structured(GuestError<'a>),
}

impl<'a> ErrorPayload<'a> {
    /// Reads any payload: an error from a guest must not fail to be reported.
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Self {
        match payload.first() {
            Some(&STRUCTURED) => structured(payload).map_or_else(
                |_| Self::Text(String::from_utf8_lossy(payload)),
                Self::Structured,
            ),
            _ => Self::Text(String::from_utf8_lossy(payload)),
        }
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Text(message) => message,
            Self::Structured(error) => &error.message,
        }
    }
}

fn structured(payload: &[u8]) -> Result<GuestError<'_>, EndOfInput> {
    let mut input = Decoder::new(payload);
    input.read_u8()?;
    let kind = GuestErrorKind::from_u8(input.read_u8()?);
    let line = input.read_u32()?;
    let file_len = input.read_u16()?;
    let file = String::from_utf8_lossy(input.read_bytes(file_len.into())?);
    let message = String::from_utf8_lossy(input.remaining_slice());
    Ok(GuestError {
        kind,
        file,
        line,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_error_has_the_documented_bytes_and_reads_back() {
        let error = GuestError::new(GuestErrorKind::Validation, "no sensor").at("src/lib.rs", 259);
        let bytes = error.encode();
        assert_eq!(
            bytes,
            b"\x00\x06\x03\x01\x00\x00\x0a\x00src/lib.rsno sensor"
        );
        assert_eq!(
            ErrorPayload::decode(&bytes),
            ErrorPayload::Structured(error)
        );
    }

    #[test]
    fn text_is_text_even_if_it_is_not_utf8() {
        let text = |bytes| match ErrorPayload::decode(bytes) {
            ErrorPayload::Text(text) => text.into_owned(),
            ErrorPayload::Structured(error) => panic!("{error}"),
        };
        assert_eq!(text(b"failed"), "failed");
        assert_eq!(text(b""), "");
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn damaged_structured_error_is_still_reported() {
        let bytes = GuestError::new(GuestErrorKind::Panic, "m")
            .at("f", 1)
            .encode();
        for len in 1..FIXED_LEN + 1 {
            let read = ErrorPayload::decode(&bytes[..len]);
            assert!(matches!(read, ErrorPayload::Text(_)), "{len}");
        }
        let mut file_too_long = bytes.clone();
        file_too_long[6] = 200;
        assert!(matches!(
            ErrorPayload::decode(&file_too_long),
            ErrorPayload::Text(_)
        ));
    }

    #[test]
    fn overlong_file_is_cut_between_characters() {
        let error = GuestError::new(GuestErrorKind::Unknown, "m").at("é".repeat(40_000), 1);
        let bytes = error.encode();
        let ErrorPayload::Structured(read) = ErrorPayload::decode(&bytes) else {
            panic!("not structured");
        };
        assert_eq!(read.file, "é".repeat(32_767));
        assert_eq!(read.message, "m");
    }
}
