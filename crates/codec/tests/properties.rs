//! What holds for every payload: round trips in every form, and no panic on any bytes.

use aingle_wasm_codec::{
    Cipher, CipherError, DecodeOptions, EncodeOptions, ErrorPayload, GuestError, decode, encode,
};
use aingle_wasm_types::{GuestErrorKind, flags};
use proptest::collection::vec;
use proptest::prelude::*;

/// Reverses the payload and appends the header: enough to see order, arguments and refusals.
struct Mirror;

impl Cipher for Mirror {
    fn seal(&self, payload: &[u8], header: &[u8; 4]) -> Result<Vec<u8>, CipherError> {
        Ok(payload.iter().rev().chain(header).copied().collect())
    }

    fn open(&self, sealed: &[u8], header: &[u8; 4]) -> Result<Vec<u8>, CipherError> {
        let body = sealed.strip_suffix(header).ok_or(CipherError)?;
        Ok(body.iter().rev().copied().collect())
    }
}

/// Bytes that compress and bytes that do not.
fn payloads() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..3000),
        (vec(any::<u8>(), 1..8), 0..600_usize).prop_map(|(unit, times)| unit.repeat(times)),
    ]
}

proptest! {
    #[test]
    fn payload_comes_back_in_every_form(
        payload in payloads(),
        compress: bool,
        encrypt: bool,
        compression_threshold in 0..2000_usize,
        caller_flags in prop::sample::select(vec![0, flags::EXPECTS_RESPONSE, flags::ERROR, 12]),
    ) {
        let cipher = encrypt.then_some(&Mirror as &dyn Cipher);
        let options = EncodeOptions { flags: caller_flags, compress, compression_threshold, cipher };
        let envelope = encode(&payload, &options).unwrap();
        let decoded = decode(&envelope, &DecodeOptions { cipher, ..Default::default() }).unwrap();

        prop_assert_eq!(&*decoded.payload, &payload[..]);
        prop_assert_eq!(decoded.flags & (flags::EXPECTS_RESPONSE | flags::ERROR), caller_flags);
        prop_assert_eq!(decoded.flags & flags::ENCRYPTED != 0, encrypt);
        let sealed_by = if encrypt { 4 } else { 0 };
        if decoded.flags & flags::COMPRESSED != 0 {
            prop_assert!(compress && payload.len() >= compression_threshold);
            prop_assert!(envelope.len() < 12 + payload.len() + sealed_by);
        } else {
            prop_assert_eq!(envelope.len(), 12 + payload.len() + sealed_by);
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic_or_exceed_the_limit(
        mut bytes in vec(any::<u8>(), 0..200),
        plausible: bool,
        flag_bits in 0..16_u8,
        max_bytes in 0..400_usize,
    ) {
        if plausible && bytes.len() >= 12 {
            let payload_len = (bytes.len() - 12) as u32;
            let checksum = aingle_wasm_codec::checksum(&bytes[12..]);
            bytes[..4].copy_from_slice(&[0x49, 0x41, 1, flag_bits]);
            bytes[4..8].copy_from_slice(&payload_len.to_le_bytes());
            bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        }
        let options = DecodeOptions { max_bytes, cipher: Some(&Mirror), ..Default::default() };
        if let Ok(decoded) = decode(&bytes, &options) {
            prop_assert!(decoded.payload.len() <= max_bytes);
        }
    }

    #[test]
    fn structured_errors_come_back(
        kind in prop::sample::select(GuestErrorKind::ALL),
        line: u32,
        file in "\\PC{0,40}",
        message in "\\PC{0,200}",
    ) {
        let error = GuestError::new(kind, message).at(file, line);
        let payload = error.encode();
        prop_assert_eq!(ErrorPayload::decode(&payload), ErrorPayload::Structured(error));
    }

    #[test]
    fn any_error_payload_is_readable(payload in vec(any::<u8>(), 0..64)) {
        let _: &str = ErrorPayload::decode(&payload).message();
    }
}

#[test]
fn compressed_and_encrypted_is_compressed_first() {
    let payload = b"reading,".repeat(400);
    let options = EncodeOptions {
        compress: true,
        cipher: Some(&Mirror),
        ..Default::default()
    };
    let envelope = encode(&payload, &options).unwrap();
    assert_eq!(envelope[3], flags::COMPRESSED | flags::ENCRYPTED);
    // The sealed block is the mirrored size prefix and LZ4 block: the size stands at its end, before the seal.
    let size_mirrored = &envelope[envelope.len() - 8..envelope.len() - 4];
    assert_eq!(size_mirrored, (payload.len() as u32).to_be_bytes());
}
