//! What can be wrong with an envelope: one member for each cause, with what was found and what was expected.

use core::fmt;

use aingle_wasm_types::header::{HEADER_LEN, MAGIC, VERSION};
use aingle_wasm_types::{ErrorCode, HeaderError, flags};

/// Why bytes could not be encoded or decoded. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// Fewer bytes than a header has.
    TooShort {
        /// Bytes given.
        actual: usize,
    },
    /// The magic number with its two bytes exchanged: written big-endian.
    SwappedMagic,
    /// Another magic number.
    Magic {
        /// The first two bytes, read little-endian.
        actual: u16,
    },
    /// Another version.
    Version {
        /// The version byte.
        actual: u8,
    },
    /// Flag bits that have no meaning, or that the caller may not set by hand.
    Flags {
        /// The flags byte.
        actual: u8,
    },
    /// The header's payload length and the bytes that follow it differ.
    Length {
        /// Payload length of the header.
        expected: u32,
        /// Bytes that follow the header.
        actual: usize,
    },
    /// The payload does not have the header's checksum.
    Checksum {
        /// Checksum of the header.
        expected: u32,
        /// Checksum of the payload.
        actual: u32,
    },
    /// The payload is encrypted and no cipher was given.
    CipherMissing,
    /// The cipher refused the payload.
    CipherRefused,
    /// The LZ4 block, or its size prefix, is damaged.
    Compression,
    /// The payload is, or would become, larger than the caller allows.
    Limit {
        /// The caller's limit.
        limit: usize,
        /// Size of the payload.
        actual: usize,
    },
    /// The payload is longer than a header can say.
    TooLong {
        /// Size of the payload.
        actual: usize,
    },
    /// The output buffer is shorter than the envelope.
    BufferTooSmall {
        /// Size of the envelope.
        needed: usize,
        /// Size of the buffer.
        actual: usize,
    },
    /// There is no memory for the result.
    OutOfMemory {
        /// Size of the allocation that failed.
        needed: usize,
    },
}

impl CodecError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::SwappedMagic | Self::Magic { .. } => ErrorCode::EnvelopeMagic,
            Self::Version { .. } => ErrorCode::EnvelopeVersion,
            Self::Flags { .. } => ErrorCode::EnvelopeFlags,
            Self::TooShort { .. }
            | Self::Length { .. }
            | Self::TooLong { .. }
            | Self::BufferTooSmall { .. } => ErrorCode::EnvelopeLength,
            Self::Checksum { .. } => ErrorCode::EnvelopeChecksum,
            Self::CipherMissing | Self::CipherRefused => ErrorCode::EnvelopeEncryption,
            Self::Compression => ErrorCode::EnvelopeCompression,
            Self::Limit { .. } => ErrorCode::EnvelopeLimit,
            Self::OutOfMemory { .. } => ErrorCode::OutOfMemory,
        }
    }

    /// `details.expected` and `details.actual` of the error, where it has two such numbers. For flags, what is expected
    /// are the bits that exist.
    #[must_use]
    pub const fn expected_and_actual(&self) -> Option<(u64, u64)> {
        Some(match *self {
            Self::TooShort { actual } => (HEADER_LEN as u64, actual as u64),
            Self::SwappedMagic => (MAGIC as u64, MAGIC.swap_bytes() as u64),
            Self::Magic { actual } => (MAGIC as u64, actual as u64),
            Self::Version { actual } => (VERSION as u64, actual as u64),
            Self::Flags { actual } => (flags::ALL as u64, actual as u64),
            Self::Length { expected, actual } => (expected as u64, actual as u64),
            Self::Checksum { expected, actual } => (expected as u64, actual as u64),
            Self::Limit { limit, actual } => (limit as u64, actual as u64),
            Self::TooLong { actual } => (u32::MAX as u64, actual as u64),
            Self::BufferTooSmall { needed, actual } => (needed as u64, actual as u64),
            Self::CipherMissing
            | Self::CipherRefused
            | Self::Compression
            | Self::OutOfMemory { .. } => return None,
        })
    }
}

impl From<HeaderError> for CodecError {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Magic { actual } if actual == MAGIC.swap_bytes() => Self::SwappedMagic,
            HeaderError::Magic { actual } => Self::Magic { actual },
            HeaderError::Version { actual } => Self::Version { actual },
            HeaderError::Flags { actual } => Self::Flags { actual },
        }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { actual } => write!(
                f,
                "an envelope has at least {HEADER_LEN} bytes, found {actual}"
            ),
            Self::SwappedMagic => {
                f.write_str("the envelope's magic number is byte-swapped: write it little-endian")
            }
            Self::Magic { actual } => write!(
                f,
                "an envelope begins with the magic number {MAGIC:#06x}, found {actual:#06x}"
            ),
            Self::Version { actual } => {
                write!(f, "envelope version {actual}, only {VERSION} is known")
            }
            Self::Flags { actual } => write!(
                f,
                "envelope flags {actual:#04x} have bits outside {:#04x}",
                flags::ALL
            ),
            Self::Length { expected, actual } => write!(
                f,
                "the envelope announces {expected} bytes of payload, {actual} follow"
            ),
            Self::Checksum { expected, actual } => write!(
                f,
                "the envelope's checksum is {expected:#010x}, its payload has {actual:#010x}"
            ),
            Self::CipherMissing => f.write_str("the payload is encrypted and no cipher was given"),
            Self::CipherRefused => f.write_str("the cipher refused the payload"),
            Self::Compression => f.write_str("the compressed payload is damaged"),
            Self::Limit { limit, actual } => {
                write!(f, "the payload has {actual} bytes, {limit} are allowed")
            }
            Self::TooLong { actual } => write!(
                f,
                "the payload has {actual} bytes, an envelope holds {}",
                u32::MAX
            ),
            Self::BufferTooSmall { needed, actual } => {
                write!(
                    f,
                    "the envelope needs {needed} bytes, the buffer has {actual}"
                )
            }
            Self::OutOfMemory { needed } => write!(f, "no memory for {needed} bytes"),
        }
    }
}

impl core::error::Error for CodecError {}
