//! Bits of the envelope's flags byte. Bits that are not listed here are refused by the decoder.

/// The payload is an LZ4 block behind a `u32` little-endian uncompressed size.
pub const COMPRESSED: u8 = 0x01;
/// The payload was sealed by the codec's cipher hook.
pub const ENCRYPTED: u8 = 0x02;
/// The sender waits for a reply. Set by the host on calls; a reply never has it.
pub const EXPECTS_RESPONSE: u8 = 0x04;
/// The payload is an error: UTF-8 text, or a structured error when its first byte is 0.
pub const ERROR: u8 = 0x08;

/// Every defined bit.
pub const ALL: u8 = COMPRESSED | ENCRYPTED | EXPECTS_RESPONSE | ERROR;
