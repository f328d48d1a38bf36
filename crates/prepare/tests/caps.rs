//! Every complexity cap at its value and one above.

use aingle_wasm_prepare::{ComplexityCaps, ErrorKind, PrepareConfig, prepare};
use aingle_wasm_types::ErrorCode;

/// Name of the cap and a module that has exactly `n` of what it counts.
type Case = (&'static str, fn(usize) -> String);

const CASES: &[Case] = &[
    ("functions", |n| {
        format!(
            r#"(module (import "a" "b" (func)) {})"#,
            "(func)".repeat(n - 1)
        )
    }),
    ("locals", |n| {
        format!(
            "(module (func (param i32) (local {}) (local i32)))",
            "i64 ".repeat(n - 1)
        )
    }),
    ("params", |n| {
        format!("(module (type (func (param {}))))", "i32 ".repeat(n))
    }),
    ("results", |n| {
        format!("(module (type (func (result {}))))", "i32 ".repeat(n))
    }),
    ("nesting", |n| {
        format!(
            "(module (func {} {}))",
            "block loop ".repeat(n / 2),
            "end ".repeat(n / 2 * 2)
        )
    }),
    ("branchTargets", |n| {
        format!(
            "(module (func block i32.const 0 br_table {} end))",
            "0 ".repeat(n)
        )
    }),
    ("types", |n| {
        format!("(module {})", "(type (func))".repeat(n))
    }),
    ("imports", |n| {
        format!("(module {})", r#"(import "a" "b" (func))"#.repeat(n))
    }),
    ("exports", |n| {
        let exports: String = (0..n)
            .map(|i| format!(r#"(export "{i}" (func 0))"#))
            .collect();
        format!("(module (func) {exports})")
    }),
    ("globals", |n| {
        format!(
            r#"(module (import "a" "b" (global i32)) {})"#,
            "(global i32 (i32.const 0))".repeat(n - 1)
        )
    }),
    ("elements", |n| {
        format!("(module (func) {})", "(elem func 0)".repeat(n))
    }),
    ("dataSegments", |n| {
        format!("(module {})", r#"(data "a")"#.repeat(n))
    }),
    ("nameBytes", |n| {
        format!(r#"(module (func (export "{}")))"#, "x".repeat(n))
    }),
    ("nameBytes", |n| {
        format!(r#"(module (import "{}" "" (func)))"#, "x".repeat(n))
    }),
    ("nameBytes", |n| {
        format!(r#"(module (import "" "{}" (func)))"#, "x".repeat(n))
    }),
    ("nameBytes", |n| {
        format!(r#"(module (@custom "{}" "abc"))"#, "x".repeat(n))
    }),
];

fn config(cap: &str, max: u64) -> PrepareConfig {
    let mut complexity = ComplexityCaps::default();
    *complexity.get_mut(cap).expect(cap) = max;
    PrepareConfig {
        complexity,
        ..PrepareConfig::default()
    }
}

fn check(cap: &str, wasm: &[u8], value: u64) {
    prepare(wasm, &config(cap, value)).unwrap_or_else(|error| panic!("{cap} at {value}: {error}"));
    let error = prepare(wasm, &config(cap, value - 1)).expect_err(cap);
    assert_eq!(error.code(), ErrorCode::ModuleTooComplex);
    let ErrorKind::TooComplex {
        cap: name,
        value: found,
        max,
    } = *error.kind()
    else {
        panic!("{error:?}")
    };
    assert_eq!((name, found, max), (cap, value, value - 1));
    assert!(error.to_string().contains(cap), "{error}");
}

#[test]
fn counts_pass_at_the_cap_and_fail_above() {
    for (cap, module) in CASES {
        let value = 40;
        check(cap, &wat::parse_str(module(value)).unwrap(), value as u64);
    }
}

#[test]
fn sizes_in_bytes_pass_at_the_cap_and_fail_above() {
    let wasm = wat::parse_str(r#"(module (memory 1) (table 1 funcref) (elem (i32.const 0) 0) (func i32.const 5 drop) (data "abcdef"))"#)
        .unwrap();
    check("moduleBytes", &wasm, wasm.len() as u64);
    // Count of local groups, i32.const 5, drop, end.
    check("bodyBytes", &wasm, 5);
    // Elements: count, flags, i32.const 0, end, count, index = 7; data: count, flags, length, 6 bytes = 9.
    check("segmentBytes", &wasm, 16);
}

#[test]
fn every_cap_has_a_case() {
    let mut tested: Vec<&str> = CASES.iter().map(|(cap, _)| *cap).collect();
    tested.extend(["moduleBytes", "bodyBytes", "segmentBytes"]);
    for name in ComplexityCaps::NAMES {
        assert!(tested.contains(name), "{name}");
    }
}

#[test]
fn what_is_over_the_parsers_own_limits_is_too_complex_and_not_malformed() {
    let modules = [
        (
            "params",
            format!("(module (type (func (param {}))))", "i32 ".repeat(1_001)),
        ),
        (
            "results",
            format!("(module (type (func (result {}))))", "i32 ".repeat(1_001)),
        ),
        (
            "nameBytes",
            format!(r#"(module (func (export "{}")))"#, "x".repeat(100_001)),
        ),
        (
            "locals",
            format!("(module (func (local {})))", "i32 ".repeat(50_001)),
        ),
    ];
    for (name, text) in modules {
        let error =
            prepare(&wat::parse_str(text).unwrap(), &PrepareConfig::default()).expect_err(name);
        assert_eq!(error.code(), ErrorCode::ModuleTooComplex, "{error}");
        let ErrorKind::TooComplex { cap, value, max } = *error.kind() else {
            panic!("{error:?}")
        };
        assert!(cap == name && value > max, "{error}");
    }
}

#[test]
fn tables_are_capped_too() {
    let tables = |count: usize| {
        wat::parse_str(format!("(module {})", "(table 0 funcref)".repeat(count))).unwrap()
    };
    prepare(&tables(100), &PrepareConfig::default()).expect("100 tables");
    let error = prepare(&tables(101), &PrepareConfig::default()).expect_err("101 tables");
    assert_eq!(error.code(), ErrorCode::ModuleTooComplex);
}

#[test]
fn the_defaults_admit_what_they_promise() {
    let config = PrepareConfig::default();
    let targets = "0 ".repeat(4_096);
    let wide = format!("(module (func block i32.const 0 br_table {targets} end))");
    prepare(&wat::parse_str(wide).unwrap(), &config).expect("4,096 targets");
    // A body of exactly 1 MiB: one byte for the locals, one for the end.
    let long = format!("(module (func {}))", "nop ".repeat(1_048_574));
    prepare(&wat::parse_str(long).unwrap(), &config).expect("a body of 1 MiB");
}
