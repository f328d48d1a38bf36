//! Exports whose result is a damaged envelope, one for each check of the decoder.

use aingle_wasm_codec::{checksum, encode_into};
use aingle_wasm_types::{HEADER_LEN, PackedResult, flags};

const PAYLOAD: &[u8] = b"a payload of thirty-one bytes..";

/// Address and length of a sound envelope that is never freed.
pub(crate) fn place(payload: &[u8], flags: u8) -> (u32, u32) {
    let mut bytes = vec![0; HEADER_LEN + payload.len()];
    encode_into(payload, flags, &mut bytes).expect("the buffer fits");
    leak(bytes)
}

fn leak(bytes: Vec<u8>) -> (u32, u32) {
    let bytes = bytes.leak();
    (
        bytes.as_ptr().expose_provenance() as u32,
        bytes.len() as u32,
    )
}

/// The packed result of an envelope of `PAYLOAD` after `damage`.
fn damaged(damage: impl FnOnce(&mut Vec<u8>)) -> u64 {
    let mut bytes = vec![0; HEADER_LEN + PAYLOAD.len()];
    encode_into(PAYLOAD, 0, &mut bytes).expect("the buffer fits");
    damage(&mut bytes);
    let (ptr, len) = leak(bytes);
    PackedResult::ok(ptr, len).into_raw()
}

/// Replaces the payload and makes length and checksum fit it.
fn reseal(bytes: &mut Vec<u8>, flag_bits: u8, payload: &[u8]) {
    *bytes = vec![0; HEADER_LEN + payload.len()];
    encode_into(payload, flag_bits, bytes).expect("the buffer fits");
    debug_assert_eq!(bytes[8..12], checksum(payload).to_le_bytes());
}

macro_rules! damaged_exports {
    ($($(#[$doc:meta])* $name:ident: $damage:expr;)+) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(_ptr: u32, _len: u32) -> u64 {
                damaged($damage)
            }
        )+
    };
}

damaged_exports! {
    /// Shorter than a header.
    envelope_short: |bytes| bytes.truncate(11);
    /// Another magic number.
    envelope_magic: |bytes| bytes[0] = 0;
    /// The magic number big-endian.
    envelope_swapped: |bytes| bytes.swap(0, 1);
    /// Version 0.
    envelope_version: |bytes| bytes[2] = 0;
    /// A flag that does not exist.
    envelope_flags: |bytes| bytes[3] = 0x80;
    /// A payload length that is one too large.
    envelope_length_over: |bytes| bytes[4] += 1;
    /// A payload length that is one too small, so that a byte trails.
    envelope_length_under: |bytes| bytes[4] -= 1;
    /// A payload length near 2^32.
    envelope_length_huge: |bytes| bytes[4..8].fill(0xff);
    /// A payload with one bit changed.
    envelope_checksum: |bytes| bytes[HEADER_LEN] ^= 1;
    /// A compressed payload that is no LZ4 block.
    envelope_compression: |bytes| reseal(bytes, flags::COMPRESSED, b"\x08\x00\x00\x00\xf0\xff");
    /// A compressed payload that says it becomes 4 GiB.
    envelope_bomb: |bytes| reseal(bytes, flags::COMPRESSED, b"\xff\xff\xff\xff\x1f\x00\x01\x00\xff");
    /// An encrypted payload, for which nobody has a key.
    envelope_encrypted: |bytes| bytes[3] = flags::ENCRYPTED;
}
