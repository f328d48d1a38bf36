//! What is refused, with which code, and where.

use aingle_wasm_prepare::{ErrorKind, PrepareConfig, PrepareError, prepare};
use aingle_wasm_types::ErrorCode;

fn refusal(wasm: &[u8]) -> PrepareError {
    prepare(wasm, &PrepareConfig::default()).expect_err("the module is refused")
}

fn refused_text(text: &str) -> PrepareError {
    refusal(&wat::parse_str(text).expect("the test's module is well-formed"))
}

#[test]
fn bytes_that_are_no_module_are_malformed() {
    let cases: [&[u8]; 9] = [
        b"",
        b"\0as",
        b"\0asn\x01\0\0\0",
        b"\0asm\x02\0\0\0",
        b"\0asm\x01\0\0",
        b"not a module at all",
        b"\0asm\x01\0\0\0\x01",
        b"\0asm\x01\0\0\0\x01\x02\x01",
        b"\0asm\x01\0\0\0\x40\x00",
    ];
    for wasm in cases {
        let error = refusal(wasm);
        assert_eq!(
            error.code(),
            ErrorCode::ModuleMalformed,
            "{wasm:x?}: {error}"
        );
    }
}

#[test]
fn a_wrong_magic_number_is_shown_in_one_line() {
    let message = refusal(b"\x7fELF\x02\x01\x01\0").to_string();
    assert_eq!(
        message,
        "malformed module at offset 0: the first bytes are [7f, 45, 4c, 46], those of a module are [00, 61, 73, 6d]"
    );
}

#[test]
fn every_truncation_of_a_module_is_malformed_or_a_smaller_module() {
    let wasm = wat::parse_str(
        r#"(module (import "a" "b" (func (param i32))) (memory 1) (data (i32.const 0) "abc")
          (table 3 funcref) (elem (i32.const 0) 0) (global i32 (i32.const 5))
          (func (export "f") (result i32) i32.const 5 call 0 i32.const 1000))"#,
    )
    .unwrap();
    let mut refused = 0;
    for length in 0..wasm.len() {
        if let Err(error) = prepare(&wasm[..length], &PrepareConfig::default()) {
            assert_eq!(
                error.code(),
                ErrorCode::ModuleMalformed,
                "{length}: {error}"
            );
            refused += 1;
        }
    }
    assert!(refused > wasm.len() / 2);
}

#[test]
fn modules_that_do_not_validate_are_invalid_with_the_place() {
    let cases = [
        "(module (func (result i32)))",
        "(module (func i32.add drop))",
        "(module (func local.get 0 drop))",
        "(module (func call 7))",
        "(module (func br 1))",
        "(module (func i32.const 0 i32.load drop))",
        r#"(module (export "a" (func 0)))"#,
        r#"(module (func) (export "a" (func 0)) (export "a" (func 0)))"#,
        "(module (memory 65537))",
        "(module (memory 2 1))",
        "(module (start 0) (func (param i32)))",
        "(module (func i64.const 0 if end))",
    ];
    for text in cases {
        let error = refused_text(text);
        assert_eq!(error.code(), ErrorCode::ModuleInvalid, "{text}: {error}");
        let ErrorKind::Invalid { offset, .. } = *error.kind() else {
            panic!("{error:?}")
        };
        assert!(offset >= 8, "{text}: {error}");
    }
}

#[test]
fn switched_off_proposals_are_named() {
    let cases = [
        ("(module (memory 1) (memory 1))", "multi-memory"),
        ("(module (memory 1 2 shared))", "threads"),
        (
            "(module (memory 1) (func i32.const 0 i32.const 0 i32.atomic.store))",
            "threads",
        ),
        ("(module (func $f return_call $f))", "tail-call"),
        ("(module (tag (param i32)))", "exceptions"),
        ("(module (tag $t) (func throw $t))", "exceptions"),
        ("(module (memory i64 1))", "memory64"),
        ("(module (table i64 1 funcref))", "memory64"),
        (
            "(module (func (param v128 v128) (result v128) local.get 0 local.get 1 i8x16.relaxed_swizzle))",
            "relaxed-simd",
        ),
        (
            "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
            "extended-const",
        ),
        ("(module (type (struct (field i32))))", "gc"),
        ("(module (func (param anyref)))", "gc"),
        (
            "(module (type $t (func)) (func (param (ref null $t)) local.get 0 call_ref $t))",
            "function-references",
        ),
        (
            "(module (type $t (func)) (func (param (ref $t))))",
            "function-references",
        ),
        ("(module (memory 1 (pagesize 1)))", "custom-page-sizes"),
        (
            "(module (func (param i64 i64 i64 i64) (result i64 i64)
               local.get 0 local.get 1 local.get 2 local.get 3 i64.add128))",
            "wide-arithmetic",
        ),
        ("(component)", "component-model"),
        // Two at one place: the first in the table.
        (
            "(module (memory i64 0xFFFF_FFFF_FFFF_FFFF (pagesize 1)))",
            "memory64",
        ),
    ];
    for (text, name) in cases {
        let error = refused_text(text);
        assert_eq!(error.code(), ErrorCode::FeatureDisabled, "{text}: {error}");
        let ErrorKind::FeatureDisabled {
            feature, offset, ..
        } = *error.kind()
        else {
            panic!("{error:?}")
        };
        assert_eq!(feature, name, "{text}");
        assert!((4..200).contains(&offset), "{text}: {offset}");
    }
}

#[test]
fn a_disabled_proposal_after_a_real_mistake_is_not_blamed_for_it() {
    let error = refused_text("(module (func i32.add drop) (func $f return_call $f))");
    assert_eq!(error.code(), ErrorCode::ModuleInvalid, "{error}");
}

#[test]
fn webassembly_2_is_admitted() {
    let all = r#"(module
      (type $pair (func (param i32) (result i32 i64)))
      (import "env" "g" (global $g (mut i32)))
      (table $t 2 funcref) (table $x 2 externref) (memory 1) (data $d "abc") (elem $e func $f)
      (func $f (type $pair) local.get 0 i32.extend8_s i64.const 3)
      (func (export "s") (param f64 v128) (result i32 v128)
        local.get 0 i32.trunc_sat_f64_s global.set $g
        i32.const 0 i32.const 0 i32.const 1 memory.init $d data.drop $d
        i32.const 0 i32.const 0 i32.const 1 table.init $t $e elem.drop $e
        i32.const 0 ref.null extern table.set $x
        i32.const 0 i32.const 0 call_indirect $t (type $pair) drop
        local.get 1 local.get 1 i8x16.swizzle))"#;
    prepare(&wat::parse_str(all).unwrap(), &PrepareConfig::default()).expect("WebAssembly 2.0");
}

#[test]
fn reserved_names_are_refused() {
    for text in [
        r#"(module (import "__aingle_meter" "poll" (func)))"#,
        r#"(module (import "env" "__aingle_meter_fuel" (global i64)))"#,
        r#"(module (func (export "__aingle_meter_fuel")))"#,
        r#"(module (func (export "__aingle_meter")))"#,
    ] {
        let error = refused_text(text);
        assert_eq!(error.code(), ErrorCode::ModuleInvalid);
        assert!(error.to_string().contains("reserved"), "{error}");
    }
    let near = wat::parse_str(
        r#"(module (func (export "__aingle_mete")) (func (export "a__aingle_meter")))"#,
    )
    .unwrap();
    prepare(&near, &PrepareConfig::default()).expect("only the prefix is reserved");
}

#[test]
fn text_of_the_module_is_escaped_and_cut_in_messages() {
    let name = format!("\\1b[31m{}", "é".repeat(400));
    let error = refused_text(&format!(
        r#"(module (func) (export "{name}" (func 0)) (export "{name}" (func 0)))"#
    ));
    let message = error.to_string();
    assert!(
        !message.contains('\u{1b}') && message.chars().count() < 300,
        "{message:?}"
    );
}
