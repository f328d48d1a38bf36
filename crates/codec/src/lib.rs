//! The aingle-wasm envelope: strict decoder, CRC-32, LZ4, cipher hook, and a cursor for structured data.
//!
//! An envelope is a 12-byte [`Header`](aingle_wasm_types::Header) and a payload. [`encode`] and [`decode`] do all of it;
//! [`Envelope`] and [`copy_with_checksum`] are the pieces for callers that copy anyway, such as a host reading a guest's
//! memory. CRC-32 finds damage; it is not authentication. For that, give a [`Cipher`].
//!
//! ```
//! use aingle_wasm_codec::{decode, encode, DecodeOptions, EncodeOptions};
//!
//! let bytes = encode(b"hello world", &EncodeOptions::default())?;
//! assert_eq!(bytes[..12], [0x49, 0x41, 1, 0, 11, 0, 0, 0, 0x85, 0x11, 0x4a, 0x0d]);
//! assert_eq!(*decode(&bytes, &DecodeOptions::default())?.payload, *b"hello world");
//! # Ok::<(), aingle_wasm_codec::CodecError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "chacha20poly1305")]
mod chacha;
mod checksum;
mod cipher;
mod compression;
mod cursor;
mod decode;
mod encode;
mod envelope;
mod error;
mod guest_error;

#[cfg(feature = "chacha20poly1305")]
pub use chacha::ChaChaCipher;
pub use checksum::{append_with_checksum, checksum, copy_with_checksum};
pub use cipher::{Cipher, CipherError};
pub use cursor::{Decoder, Encoder, EndOfInput};
pub use decode::{DEFAULT_MAX_BYTES, DecodeOptions, Decoded, decode};
pub use encode::{
    DEFAULT_COMPRESSION_THRESHOLD, EncodeOptions, encode, encode_into, encoded_len, seal_in_place,
};
pub use envelope::Envelope;
pub use error::CodecError;
pub use guest_error::{ErrorPayload, GuestError};
