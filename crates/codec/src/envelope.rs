//! A parsed, not yet verified envelope: for callers that hash the payload themselves, because they copy it anyway or
//! have a faster checksum at hand.

use aingle_wasm_types::{HEADER_LEN, Header};

use crate::error::CodecError;

/// The parts of an envelope whose header and length are right. Its checksum has not been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    header: Header,
    payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes `bytes` apart. With `allow_trailing`, bytes behind the payload are ignored.
    ///
    /// # Errors
    /// In the order of the checks:
    /// - [`CodecError::TooShort`] if there is no whole header.
    /// - [`CodecError::SwappedMagic`], [`CodecError::Magic`], [`CodecError::Version`], [`CodecError::Flags`].
    /// - [`CodecError::Length`] if the payload is not as long as the header says.
    pub fn parse(bytes: &'a [u8], allow_trailing: bool) -> Result<Self, CodecError> {
        let (header, rest) =
            bytes
                .split_first_chunk::<HEADER_LEN>()
                .ok_or(CodecError::TooShort {
                    actual: bytes.len(),
                })?;
        let header = Header::decode(header)?;
        let payload = payload_of(rest, header.payload_len, allow_trailing)?;
        Ok(Self { header, payload })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The payload as sent. Not to be believed before [`verify`](Self::verify).
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Compares `actual`, the checksum that the caller computed over the payload, with the header's.
    ///
    /// # Errors
    /// - [`CodecError::Checksum`] if they differ.
    pub const fn verify(&self, actual: u32) -> Result<(), CodecError> {
        if actual == self.header.checksum {
            return Ok(());
        }
        Err(CodecError::Checksum {
            expected: self.header.checksum,
            actual,
        })
    }
}

/// The first `expected` bytes of `rest`, compared in 64 bits because `usize` may have 32.
fn payload_of(rest: &[u8], expected: u32, allow_trailing: bool) -> Result<&[u8], CodecError> {
    let wrong = CodecError::Length {
        expected,
        actual: rest.len(),
    };
    let found = rest.len() as u64;
    if found > u64::from(expected) && !allow_trailing {
        return Err(wrong);
    }
    rest.get(..expected as usize).ok_or(wrong)
}
