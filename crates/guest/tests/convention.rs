//! The call convention as a host sees it, run natively: every export here is called with an envelope in the arena.

use std::fmt::Write;

use aingle_wasm_codec::{DecodeOptions, ErrorPayload};
use aingle_wasm_guest::native::call;
use aingle_wasm_guest::prelude::*;
use aingle_wasm_types::PackedResult;
use proptest::prelude::*;

extern "C" fn echo(ptr: u32, len: u32) -> u64 {
    return_ok(try_result!(host_args(ptr, len)))
}

extern "C" fn echo_in_place(ptr: u32, len: u32) -> u64 {
    let input = try_result!(host_args(ptr, len));
    let mut output = Output::with_capacity(input.len());
    output.extend_from_slice(input);
    return_output(output)
}

#[aingle_export]
fn bytes(input: &[u8]) -> Vec<u8> {
    input.iter().rev().copied().collect()
}

#[aingle_export]
fn text(input: String) -> Result<String, std::num::ParseIntError> {
    let number: i32 = input.parse()?;
    Ok(format!("{}", number + 1))
}

#[aingle_export]
fn nothing() {}

#[aingle_export]
fn constant() -> &'static str {
    "constant"
}

#[aingle_export]
fn checked(input: &str) -> Result<(), GuestError<'static>> {
    match input {
        "" => Err(wasm_error!(GuestErrorKind::Validation, "empty {}", "input")),
        _ => Err(wasm_error!("anything")),
    }
}

#[aingle_export]
fn written(input: &str) -> Output {
    let mut output = Output::new();
    write!(output, "<{input}>").unwrap();
    output[0] = b'(';
    output.extend(*b"!");
    output
}

extern "C" fn silent_error(_: u32, _: u32) -> u64 {
    return_err(b"")
}

extern "C" fn plain_error(_: u32, _: u32) -> u64 {
    return_err(b"failed to decode input")
}

extern "C" fn replaced_error(_: u32, _: u32) -> u64 {
    let _: u8 = try_result!("x".parse::<u8>(), "not a number");
    return_ok(b"unreachable")
}

extern "C" fn wild_pointer(_: u32, _: u32) -> u64 {
    PackedResult::ok(0x7fff_0000, 12).into_raw()
}

extern "C" fn input_as_result(ptr: u32, len: u32) -> u64 {
    PackedResult::ok(ptr, len).into_raw()
}

extern "C" fn many_host_calls(ptr: u32, len: u32) -> u64 {
    let input = try_result!(host_args(ptr, len));
    for _ in 0..1000 {
        let answer = try_result!(call_host!(echo, vec![7_u8; 100_000]));
        assert_eq!(answer.len(), 100_000);
    }
    return_ok(&try_result!(call_host!(echo, input)))
}

extern "C" fn failing_host_call(_: u32, _: u32) -> u64 {
    host_externs!(missing);
    return_ok(&try_result!(call_host!(missing, "request")))
}

#[test]
fn payloads_of_every_size_come_back() {
    for len in [0, 1, 11, 4084, 4096, 65_536, 65_537, 10_000_000] {
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        assert_eq!(call(echo, &payload).unwrap(), payload);
        assert_eq!(call(echo_in_place, &payload).unwrap(), payload);
    }
}

#[test]
fn exported_functions_take_and_return_plain_types() {
    assert_eq!(call(__aingle_export_bytes, b"abc").unwrap(), b"cba");
    assert_eq!(call(__aingle_export_text, b"41").unwrap(), b"42");
    assert_eq!(call(__aingle_export_nothing, b"ignored").unwrap(), b"");
    assert_eq!(call(__aingle_export_constant, b"").unwrap(), b"constant");
    assert_eq!(call(__aingle_export_written, b"x").unwrap(), b"(x>!");
    assert_eq!(text("1".into()).unwrap(), "2");
}

#[test]
fn errors_arrive_with_what_is_known_of_them() {
    let text_of = |export: extern "C" fn(u32, u32) -> u64, input: &[u8]| {
        call(export, input).unwrap_err().message.into_owned()
    };
    assert_eq!(text_of(plain_error, b""), "failed to decode input");
    assert_eq!(text_of(silent_error, b""), "failed without a message");
    assert_eq!(text_of(replaced_error, b""), "not a number");
    assert_eq!(
        text_of(__aingle_export_text, b"x"),
        "invalid digit found in string"
    );
    assert!(text_of(__aingle_export_text, b"\xff").contains("UTF-8"));

    let error = call(__aingle_export_checked, b"").unwrap_err();
    assert_eq!(error.kind, GuestErrorKind::Validation);
    assert_eq!(error.message, "empty input");
    assert!(error.file.ends_with("tests/convention.rs"));
    assert!(error.line > 0);
    let error = call(__aingle_export_checked, b"x").unwrap_err();
    assert_eq!(
        (error.kind, &*error.message),
        (GuestErrorKind::Unknown, "anything")
    );
}

#[test]
fn results_that_point_nowhere_are_found() {
    let error = call(wild_pointer, b"").unwrap_err();
    assert_eq!(error.kind, GuestErrorKind::Deserialization);
    assert_eq!(call(input_as_result, b"abc").unwrap(), b"abc");
}

#[test]
fn host_calls_give_their_memory_back_and_their_errors_on() {
    assert_eq!(call(many_host_calls, b"last").unwrap(), b"last");
    let error = call(failing_host_call, b"").unwrap_err();
    assert_eq!(error.kind, GuestErrorKind::HostCall);
    assert!(error.message.contains("missing"));
}

#[test]
fn arguments_outside_of_the_arena_are_refused() {
    for (ptr, len) in [(8, 1), (0, 12), (u32::MAX, u32::MAX), (1 << 20, 40)] {
        assert_eq!(
            host_args(ptr, len).unwrap_err().kind,
            GuestErrorKind::Memory
        );
    }
    assert_eq!(host_args(12345, 0).unwrap(), b"");
}

#[test]
fn error_replies_carry_both_marks() {
    // The request is a reply at the same time: what a guest returned is what this export is called with.
    extern "C" fn flags_of_reply(_: u32, _: u32) -> u64 {
        let packed = PackedResult::from_raw(return_err(b"why"));
        assert!(packed.is_error());
        let payload = host_args(packed.ptr(), packed.len()).unwrap();
        assert!(matches!(ErrorPayload::decode(payload), ErrorPayload::Text(text) if text == "why"));
        // Without bit 63 the flag alone still makes it an error.
        PackedResult::ok(packed.ptr(), packed.len()).into_raw()
    }
    assert_eq!(call(flags_of_reply, b"").unwrap_err().message, "why");
}

#[test]
fn envelopes_are_the_codecs() {
    let envelope = aingle_wasm_codec::encode(b"x", &Default::default()).unwrap();
    let decoded = aingle_wasm_codec::decode(&envelope, &DecodeOptions::default()).unwrap();
    assert_eq!(call(echo, &decoded.payload).unwrap(), b"x");
}

proptest! {
    #[test]
    fn any_bytes_come_back(payload in prop::collection::vec(any::<u8>(), 0..5000)) {
        prop_assert_eq!(&call(echo, &payload).unwrap(), &payload);
        let reversed: Vec<u8> = payload.iter().rev().copied().collect();
        prop_assert_eq!(call(__aingle_export_bytes, &payload).unwrap(), reversed);
    }
}
