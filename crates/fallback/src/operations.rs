//! The operations on plain slices, without any ABI.

use aingle_wasm_codec::{CodecError, DecodeOptions, EncodeOptions, decode as open, encode as seal};
use aingle_wasm_prepare::json::{
    config_from_json, error_to_json, function_type_from_json, info_to_json,
};
use aingle_wasm_prepare::{Adapters, FunctionType, OffsetMap, PrepareConfig, PrepareError, bridge};
use aingle_wasm_types::ErrorCode;
use serde_json::json;

use crate::answer::Answer;

/// Prepares a module: the prepared bytes, then the description as JSON.
pub(crate) fn prepare(wasm: &[u8], config: &[u8]) -> Answer {
    with_config(config, |config| {
        let prepared = aingle_wasm_prepare::prepare(wasm, config)?;
        let info = info_to_json(&prepared.info).into_bytes();
        Ok(Answer::done(prepared.bytes, info))
    })
}

/// The way from a prepared module back to its author's: [`OffsetMap::words`], little-endian.
pub(crate) fn offset_map(wasm: &[u8], config: &[u8]) -> Answer {
    with_config(config, |config| {
        let map = OffsetMap::new(wasm, config)?;
        let bytes = map.words().flat_map(u32::to_le_bytes).collect();
        Ok(Answer::done(bytes, Vec::new()))
    })
}

/// What an operation answers that takes a configuration as JSON.
fn with_config(
    config: &[u8],
    operation: impl FnOnce(&PrepareConfig) -> Result<Answer, PrepareError>,
) -> Answer {
    let config = std::str::from_utf8(config).map_err(|error| error.to_string());
    let config = config.and_then(|text| config_from_json(text).map_err(|error| error.to_string()));
    match config {
        Ok(config) => {
            operation(&config).unwrap_or_else(|error| Answer::refused(error_to_json(&error)))
        }
        Err(reason) => fault(&reason),
    }
}

/// A bridge for function references of a type given as JSON: what makes one of a host's function, or what calls one.
pub(crate) fn make_bridge(calls: bool, ty: &[u8]) -> Answer {
    let make: fn(&FunctionType, Adapters) -> Vec<u8> =
        if calls { bridge::call } else { bridge::given };
    let ty = std::str::from_utf8(ty).map_err(|error| error.to_string());
    match ty.and_then(|text| function_type_from_json(text).map_err(|error| error.to_string())) {
        Ok(ty) => Answer::done(make(&ty, Adapters::Vectors), Vec::new()),
        Err(reason) => fault(&reason),
    }
}

/// What the facade passes it has checked or made itself, so this is a fault of ours.
fn fault(reason: &str) -> Answer {
    Answer::refused_with(ErrorCode::Internal.as_str(), &json!({ "reason": reason }))
}

/// The envelope of a payload, compressed if asked for, large enough and smaller that way.
pub(crate) fn encode(payload: &[u8], flags: u8, compress: bool) -> Answer {
    let options = EncodeOptions {
        flags,
        compress,
        ..EncodeOptions::default()
    };
    answer(seal(payload, &options))
}

/// The payload of an envelope, decompressed, of at most `max_bytes`.
pub(crate) fn decode(envelope: &[u8], max_bytes: usize) -> Answer {
    let options = DecodeOptions {
        max_bytes,
        ..DecodeOptions::default()
    };
    answer(open(envelope, &options).map(|decoded| decoded.payload.into_owned()))
}

fn answer(result: Result<Vec<u8>, CodecError>) -> Answer {
    match result {
        Ok(bytes) => Answer::done(bytes, Vec::new()),
        Err(error) => {
            let numbers = error.expected_and_actual();
            let details = numbers.map_or_else(
                || json!({}),
                |(expected, actual)| json!({ "expected": expected, "actual": actual }),
            );
            Answer::refused_with(error.code().as_str(), &details)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn error(answer: &Answer) -> Value {
        assert!(answer.is_refused());
        serde_json::from_slice(answer.part(0)).expect("errors are JSON")
    }

    #[test]
    fn a_module_is_prepared_and_described() {
        let answer = prepare(b"\0asm\x01\0\0\0", b"{}");
        assert!(!answer.is_refused());
        assert!(answer.part(0).starts_with(b"\0asm"));
        let info: Value = serde_json::from_slice(answer.part(1)).expect("the description is JSON");
        assert_eq!(info["imports"], json!([]));
        assert_eq!(answer.part(2), b"");
    }

    #[test]
    fn bad_modules_and_bad_configurations_are_told_apart() {
        assert_eq!(
            error(&prepare(b"no", b"{}"))["code"],
            "ERR_MODULE_MALFORMED"
        );
        for config in [&b"{\"unknown\":1}"[..], b"[", b"\xff"] {
            assert_eq!(
                error(&prepare(b"\0asm\x01\0\0\0", config))["code"],
                "ERR_INTERNAL"
            );
        }
    }

    #[test]
    fn offsets_of_a_module_are_words() {
        let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x05\x01\x03\0\0\x0b";
        let answer = offset_map(wasm, b"{}");
        assert!(!answer.is_refused());
        let words: Vec<u32> = answer
            .part(0)
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        let map = OffsetMap::new(wasm, &PrepareConfig::default()).expect("it is valid");
        assert!(words.len() >= 4 && words.iter().copied().eq(map.words()));
        assert_eq!(error(&offset_map(wasm, b"["))["code"], "ERR_INTERNAL");
        assert_eq!(
            error(&offset_map(b"no", b"{}"))["code"],
            "ERR_MODULE_MALFORMED"
        );
    }

    #[test]
    fn bridges_are_modules() {
        let ty = br#"{"params":["v128","funcref"],"results":["externref"]}"#;
        for calls in [false, true] {
            assert!(make_bridge(calls, ty).part(0).starts_with(b"\0asm"));
            assert_eq!(error(&make_bridge(calls, b"{}"))["code"], "ERR_INTERNAL");
        }
    }

    #[test]
    fn a_compressed_envelope_comes_back() {
        let payload = [7; 5_000];
        let envelope = encode(&payload, 4, true);
        assert!(envelope.part(0).len() < 100);
        assert_eq!(decode(envelope.part(0), 5_000).part(0), payload);
        let refused = error(&decode(envelope.part(0), 4_999));
        assert_eq!(
            refused,
            json!({ "code": "ERR_ENVELOPE_LIMIT", "details": { "expected": 4_999, "actual": 5_000 } })
        );
    }
}
