//! Whole envelopes to payloads, strictly.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use aingle_wasm_types::{Header, flags};

use crate::checksum::checksum;
use crate::cipher::Cipher;
use crate::compression::decompress;
use crate::envelope::Envelope;
use crate::error::CodecError;

/// Largest payload that [`decode`] gives out unless told otherwise: 64 MiB.
pub const DEFAULT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// How [`decode`] treats an envelope.
#[derive(Clone, Copy)]
pub struct DecodeOptions<'a> {
    /// Largest payload in bytes, after decompression. Default [`DEFAULT_MAX_BYTES`].
    pub max_bytes: usize,
    /// Whether bytes behind the payload are ignored instead of refused. Default `false`.
    pub allow_trailing: bool,
    /// Opens encrypted payloads, which are refused without it. Default `None`.
    pub cipher: Option<&'a dyn Cipher>,
}

impl Default for DecodeOptions<'_> {
    fn default() -> Self {
        Self {
            max_bytes: DEFAULT_MAX_BYTES,
            allow_trailing: false,
            cipher: None,
        }
    }
}

impl fmt::Debug for DecodeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeOptions")
            .field("max_bytes", &self.max_bytes)
            .field("allow_trailing", &self.allow_trailing)
            .field("cipher", &self.cipher.is_some())
            .finish()
    }
}

/// What an envelope held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The payload, borrowed unless it was compressed or encrypted.
    pub payload: Cow<'a, [u8]>,
    /// The flags byte as sent; see [`aingle_wasm_types::flags`].
    pub flags: u8,
}

/// Checks the envelope in `bytes` and gives out its payload, decrypted and decompressed.
///
/// # Errors
/// In the order of the checks:
/// - everything [`Envelope::parse`] refuses.
/// - [`CodecError::Checksum`] if the payload as sent is damaged.
/// - [`CodecError::CipherMissing`], [`CodecError::CipherRefused`] if it is encrypted.
/// - [`CodecError::Compression`] if it is compressed and damaged.
/// - [`CodecError::Limit`] if it is larger than [`DecodeOptions::max_bytes`].
/// - [`CodecError::OutOfMemory`] if there is no memory to decompress it.
pub fn decode<'a>(bytes: &'a [u8], options: &DecodeOptions<'_>) -> Result<Decoded<'a>, CodecError> {
    let envelope = Envelope::parse(bytes, options.allow_trailing)?;
    envelope.verify(checksum(envelope.payload()))?;
    let header = envelope.header();
    let mut payload = Cow::Borrowed(envelope.payload());
    if header.flags & flags::ENCRYPTED != 0 {
        payload = Cow::Owned(open(&payload, header, options)?);
    }
    if header.flags & flags::COMPRESSED != 0 {
        payload = Cow::Owned(decompress(&payload, options.max_bytes)?);
    }
    if payload.len() > options.max_bytes {
        return Err(CodecError::Limit {
            limit: options.max_bytes,
            actual: payload.len(),
        });
    }
    Ok(Decoded {
        payload,
        flags: header.flags,
    })
}

fn open(sealed: &[u8], header: Header, options: &DecodeOptions<'_>) -> Result<Vec<u8>, CodecError> {
    let cipher = options.cipher.ok_or(CodecError::CipherMissing)?;
    cipher
        .open(sealed, &authenticated(header.flags))
        .map_err(|_| CodecError::CipherRefused)
}

/// The bytes of a header that a cipher authenticates: magic, version and flags.
pub(crate) fn authenticated(flags: u8) -> [u8; 4] {
    let header = Header {
        flags,
        payload_len: 0,
        checksum: 0,
    };
    let [m0, m1, version, flags, ..] = header.encode();
    [m0, m1, version, flags]
}
