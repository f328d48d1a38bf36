//! The frozen bytes of version 1, and the order in which a decoder complains.

use aingle_wasm_codec::{
    CodecError, DecodeOptions, EncodeOptions, decode, encode, encode_into, seal_in_place,
};
use aingle_wasm_types::{ErrorCode, flags};

const GOLDEN: [(&[u8], u8, [u8; 12]); 4] = [
    (b"", 0, *b"\x49\x41\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    (
        b"hello world",
        0,
        *b"\x49\x41\x01\x00\x0b\x00\x00\x00\x85\x11\x4a\x0d",
    ),
    (
        b"123456789",
        flags::EXPECTS_RESPONSE,
        *b"\x49\x41\x01\x04\x09\x00\x00\x00\x26\x39\xf4\xcb",
    ),
    (
        b"failed to decode input",
        flags::ERROR,
        *b"\x49\x41\x01\x08\x16\x00\x00\x00\x7b\xda\xa7\xee",
    ),
];

fn hello() -> Vec<u8> {
    encode(b"hello world", &EncodeOptions::default()).unwrap()
}

fn refusal(bytes: &[u8]) -> CodecError {
    decode(bytes, &DecodeOptions::default()).unwrap_err()
}

#[test]
fn every_encoder_writes_the_golden_bytes() {
    for (payload, flags, header) in GOLDEN {
        let golden = [&header, payload].concat();
        let options = EncodeOptions {
            flags,
            ..Default::default()
        };
        assert_eq!(encode(payload, &options).unwrap(), golden);

        let mut out = vec![0xaa; golden.len() + 2];
        assert_eq!(encode_into(payload, flags, &mut out), Ok(golden.len()));
        assert_eq!(out, [&golden[..], &[0xaa; 2]].concat());

        let mut in_place = [&[0xaa; 12], payload].concat();
        seal_in_place(&mut in_place, flags, aingle_wasm_codec::checksum).unwrap();
        assert_eq!(in_place, golden);
    }
}

#[test]
fn golden_bytes_decode_without_a_copy() {
    for (payload, flags, header) in GOLDEN {
        let golden = [&header, payload].concat();
        let decoded = decode(&golden, &DecodeOptions::default()).unwrap();
        assert_eq!((&*decoded.payload, decoded.flags), (payload, flags));
        assert!(matches!(decoded.payload, std::borrow::Cow::Borrowed(_)));
    }
}

#[test]
fn each_cause_has_its_error_code_and_numbers() {
    let changed = |index: usize, value: u8| {
        let mut bytes = hello();
        bytes[index] = value;
        bytes
    };
    let swapped = [&[0x41, 0x49], &hello()[2..]].concat();
    let cases = [
        (vec![], ErrorCode::EnvelopeLength, Some((12, 0))),
        (
            hello()[..11].to_vec(),
            ErrorCode::EnvelopeLength,
            Some((12, 11)),
        ),
        (
            changed(0, 0),
            ErrorCode::EnvelopeMagic,
            Some((0x4149, 0x4100)),
        ),
        (swapped, ErrorCode::EnvelopeMagic, Some((0x4149, 0x4941))),
        (changed(2, 2), ErrorCode::EnvelopeVersion, Some((1, 2))),
        (
            changed(3, 0x90),
            ErrorCode::EnvelopeFlags,
            Some((0x0f, 0x90)),
        ),
        (
            hello()[..22].to_vec(),
            ErrorCode::EnvelopeLength,
            Some((11, 10)),
        ),
        (
            [hello(), vec![0]].concat(),
            ErrorCode::EnvelopeLength,
            Some((11, 12)),
        ),
        (
            changed(7, 0xff),
            ErrorCode::EnvelopeLength,
            Some((0xff00_000b, 11)),
        ),
        (
            changed(8, 0x84),
            ErrorCode::EnvelopeChecksum,
            Some((0x0d4a_1184, 0x0d4a_1185)),
        ),
        (
            changed(3, flags::ENCRYPTED),
            ErrorCode::EnvelopeEncryption,
            None,
        ),
        (
            changed(3, flags::COMPRESSED),
            ErrorCode::EnvelopeLimit,
            Some((64 << 20, 0x6c6c_6568)),
        ),
    ];
    for (bytes, code, numbers) in cases {
        let error = refusal(&bytes);
        assert_eq!(
            (error.code(), error.expected_and_actual()),
            (code, numbers),
            "{error}"
        );
    }
}

#[test]
fn the_first_of_several_faults_is_reported() {
    // Every field is wrong; mending one after the other uncovers the next.
    let mut bytes = *b"XX\x09\xf1\x63\x00\x00\x00\x00\x00\x00\x00ab";
    let mut codes = vec![refusal(&bytes[..5]).code()];
    for mend in [
        &b""[..],
        b"\x49\x41",
        b"\x49\x41\x01",
        b"\x49\x41\x01\x01",
        b"\x49\x41\x01\x01\x02",
    ] {
        bytes[..mend.len()].copy_from_slice(mend);
        codes.push(refusal(&bytes).code());
    }
    let sum = aingle_wasm_codec::checksum(b"ab").to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
    codes.push(refusal(&bytes).code());
    assert_eq!(
        codes,
        [
            ErrorCode::EnvelopeLength,
            ErrorCode::EnvelopeMagic,
            ErrorCode::EnvelopeVersion,
            ErrorCode::EnvelopeFlags,
            ErrorCode::EnvelopeLength,
            ErrorCode::EnvelopeChecksum,
            ErrorCode::EnvelopeCompression,
        ]
    );
}

#[test]
fn trailing_bytes_and_limits_follow_the_options() {
    let trailing = [hello(), vec![1, 2, 3]].concat();
    let tolerant = DecodeOptions {
        allow_trailing: true,
        ..Default::default()
    };
    assert_eq!(
        *decode(&trailing, &tolerant).unwrap().payload,
        *b"hello world"
    );
    let truncated = decode(&hello()[..22], &tolerant).unwrap_err();
    assert_eq!(truncated.code(), ErrorCode::EnvelopeLength);

    let limited = |max_bytes| DecodeOptions {
        max_bytes,
        ..Default::default()
    };
    assert!(decode(&hello(), &limited(11)).is_ok());
    assert_eq!(
        decode(&hello(), &limited(10)),
        Err(CodecError::Limit {
            limit: 10,
            actual: 11
        })
    );
}

#[test]
fn encoders_refuse_what_does_not_fit() {
    let options = EncodeOptions {
        flags: flags::COMPRESSED,
        ..Default::default()
    };
    assert_eq!(encode(b"", &options), Err(CodecError::Flags { actual: 1 }));
    assert_eq!(
        encode_into(b"abc", 0, &mut [0; 14]),
        Err(CodecError::BufferTooSmall {
            needed: 15,
            actual: 14
        })
    );
    assert_eq!(
        seal_in_place(&mut [0; 11], 0, aingle_wasm_codec::checksum)
            .unwrap_err()
            .code(),
        ErrorCode::EnvelopeLength
    );
    assert!(aingle_wasm_codec::encoded_len(u32::MAX as usize).is_ok());
    assert!(aingle_wasm_codec::encoded_len(u32::MAX as usize + 1).is_err());
}

#[test]
fn every_single_bit_flip_is_refused() {
    const FLAG_BITS: std::ops::Range<usize> = 24..28;
    for len in 0..=256_usize {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        let mut bytes = encode(&payload, &EncodeOptions::default()).unwrap();
        for bit in (0..bytes.len() * 8).filter(|bit| !FLAG_BITS.contains(bit)) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                decode(&bytes, &DecodeOptions::default()).is_err(),
                "{len} bytes, bit {bit}"
            );
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
