//! Payloads to whole envelopes.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use aingle_wasm_types::{HEADER_LEN, Header, flags};

use crate::checksum::{append_with_checksum, copy_with_checksum};
use crate::cipher::Cipher;
use crate::compression::compress;
use crate::decode::authenticated;
use crate::error::CodecError;

/// Payloads below this many bytes are not worth compressing.
pub const DEFAULT_COMPRESSION_THRESHOLD: usize = 1024;

/// Flags that a caller sets by hand; the others follow from what was done to the payload.
const CALLERS_FLAGS: u8 = flags::EXPECTS_RESPONSE | flags::ERROR;

/// How [`encode`] builds an envelope.
#[derive(Clone, Copy)]
pub struct EncodeOptions<'a> {
    /// [`flags::EXPECTS_RESPONSE`] and [`flags::ERROR`], or neither. Default 0.
    pub flags: u8,
    /// Whether the payload is compressed if it reaches the threshold and becomes smaller. Default `false`.
    pub compress: bool,
    /// Smallest payload, in bytes, that is compressed. Default [`DEFAULT_COMPRESSION_THRESHOLD`].
    pub compression_threshold: usize,
    /// Encrypts the payload, after compression. Default `None`.
    pub cipher: Option<&'a dyn Cipher>,
}

impl Default for EncodeOptions<'_> {
    fn default() -> Self {
        Self {
            flags: 0,
            compress: false,
            compression_threshold: DEFAULT_COMPRESSION_THRESHOLD,
            cipher: None,
        }
    }
}

impl fmt::Debug for EncodeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodeOptions")
            .field("flags", &self.flags)
            .field("compress", &self.compress)
            .field("compression_threshold", &self.compression_threshold)
            .field("cipher", &self.cipher.is_some())
            .finish()
    }
}

/// The envelope of `payload`: compressed, encrypted and hashed, in this order and as far as asked for.
///
/// # Errors
/// - [`CodecError::Flags`] if `options.flags` has a flag that follows from the other options.
/// - [`CodecError::TooLong`] if the payload, as sent, is longer than `u32::MAX`.
/// - [`CodecError::CipherRefused`] if the cipher cannot seal it.
/// - [`CodecError::OutOfMemory`] if there is no memory for the result.
pub fn encode(payload: &[u8], options: &EncodeOptions<'_>) -> Result<Vec<u8>, CodecError> {
    if options.flags & !CALLERS_FLAGS != 0 {
        return Err(CodecError::Flags {
            actual: options.flags,
        });
    }
    let mut flags = options.flags;
    let mut body = Cow::Borrowed(payload);
    if options.compress
        && payload.len() >= options.compression_threshold
        && let Some(compressed) = compress(payload)?
    {
        flags |= flags::COMPRESSED;
        body = Cow::Owned(compressed);
    }
    if let Some(cipher) = options.cipher {
        flags |= flags::ENCRYPTED;
        let sealed = cipher.seal(&body, &authenticated(flags));
        body = Cow::Owned(sealed.map_err(|_| CodecError::CipherRefused)?);
    }
    envelope_of(&body, flags)
}

/// A new vector with the envelope of a payload that is in its final form.
fn envelope_of(body: &[u8], flags: u8) -> Result<Vec<u8>, CodecError> {
    let needed = encoded_len(body.len())?;
    let mut out = Vec::new();
    out.try_reserve_exact(needed)
        .map_err(|_| CodecError::OutOfMemory { needed })?;
    out.extend_from_slice(&[0; HEADER_LEN]);
    let checksum = append_with_checksum(body, &mut out);
    write_header(&mut out, flags, body.len(), checksum)?;
    Ok(out)
}

/// Bytes of the envelope of a payload of `payload_len` bytes.
///
/// # Errors
/// - [`CodecError::TooLong`] if a header cannot say `payload_len`, or the sum is no `usize`.
pub const fn encoded_len(payload_len: usize) -> Result<usize, CodecError> {
    if payload_len as u64 <= u32::MAX as u64
        && let Some(len) = payload_len.checked_add(HEADER_LEN)
    {
        return Ok(len);
    }
    Err(CodecError::TooLong {
        actual: payload_len,
    })
}

/// Writes `payload` as one envelope into `out` and returns the bytes written (12 + payload length).
///
/// `flags` are sent as given; the checksum is computed while the payload is copied.
///
/// # Errors
/// - [`CodecError::BufferTooSmall`] if `out` is shorter than the envelope.
/// - [`CodecError::TooLong`] if `payload` is longer than `u32::MAX`.
pub fn encode_into(payload: &[u8], flags: u8, out: &mut [u8]) -> Result<usize, CodecError> {
    let needed = encoded_len(payload.len())?;
    if out.len() < needed {
        return Err(CodecError::BufferTooSmall {
            needed,
            actual: out.len(),
        });
    }
    let checksum = copy_with_checksum(payload, &mut out[HEADER_LEN..]);
    write_header(out, flags, payload.len(), checksum)?;
    Ok(needed)
}

/// Writes the header of an envelope whose payload already stands at `envelope[12..]`, to the end of the slice.
///
/// `checksum_of` hashes the payload where it stands, so that a caller with a faster checksum can bring it;
/// [`checksum`](crate::checksum()) is ours. `flags` are sent as given.
///
/// # Errors
/// - [`CodecError::BufferTooSmall`] if there is no room for the header.
/// - [`CodecError::TooLong`] if the payload is longer than `u32::MAX`.
pub fn seal_in_place(
    envelope: &mut [u8],
    flags: u8,
    checksum_of: impl FnOnce(&[u8]) -> u32,
) -> Result<(), CodecError> {
    let Some(payload) = envelope.get(HEADER_LEN..) else {
        return Err(CodecError::BufferTooSmall {
            needed: HEADER_LEN,
            actual: envelope.len(),
        });
    };
    let (payload_len, checksum) = (payload.len(), checksum_of(payload));
    write_header(envelope, flags, payload_len, checksum)
}

fn write_header(
    envelope: &mut [u8],
    flags: u8,
    payload_len: usize,
    checksum: u32,
) -> Result<(), CodecError> {
    let payload_len = u32::try_from(payload_len).map_err(|_| CodecError::TooLong {
        actual: payload_len,
    })?;
    let header = Header {
        flags,
        payload_len,
        checksum,
    };
    envelope[..HEADER_LEN].copy_from_slice(&header.encode());
    Ok(())
}
