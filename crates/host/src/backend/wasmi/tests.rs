//! What only this backend must show.

use aingle_wasm_prepare::prepare;
use aingle_wasm_types::meter::Stop;

use super::WasmiBackend;
use crate::backend::{Backend, BackendInstance, Interruption};
use crate::config::EngineConfig;
use crate::limits::{Limits, MAX_CALL_DEPTH};

fn instance(wat: &str) -> Box<dyn BackendInstance> {
    let config = EngineConfig {
        limits: Limits {
            call_depth: MAX_CALL_DEPTH,
            ..Limits::default()
        },
        ..EngineConfig::default()
    };
    let backend = WasmiBackend::new(&config);
    let mut form = config.prepare_config();
    backend.form(&mut form);
    let prepared = prepare(&wat::parse_str(wat).unwrap(), &form).unwrap();
    let compiled = backend.compile(&prepared.bytes).unwrap();
    compiled
        .instantiate(Vec::new(), Vec::new(), &[], None)
        .unwrap()
}

/// The status that endless recursion of `run` leaves.
fn status_of_recursion(wat: &str) -> i32 {
    let mut instance = instance(wat);
    let run = instance.function("run").unwrap();
    let guest = instance.guest();
    guest.arm(1 << 62, MAX_CALL_DEPTH);
    let outcome = guest.call(run, &mut [0; 16]);
    assert!(
        matches!(outcome, Err(Interruption::Trap { .. })),
        "{outcome:?}"
    );
    guest.status()
}

#[test]
fn the_guests_own_depth_ends_before_the_interpreters() {
    let vectors = "(param v128)".repeat(7);
    let zeros = "(v128.const i64x2 1 1)".repeat(7);
    let locals = "(local i64)".repeat(15);
    let operands = "(global.get 0)".repeat(60);
    let drops = "(drop)".repeat(60);
    let recursions = [
        r#"(module (func $f (export "run") (call $f)))"#.to_owned(),
        format!(r#"(module (func $f (export "run") {locals} (call $f)))"#),
        format!(r#"(module (func $f {vectors} (call $f {zeros})) (func (export "run") (call $f {zeros})))"#),
        format!(
            r#"(module (global i64 (i64.const 1))
            (func $f (export "run") {locals} {operands} (call $f) {drops}))"#
        ),
        r#"(module (func $f (export "run") (call $g)) (func $g (export "g") (call $f)))"#.to_owned(),
        r#"(module (table funcref (elem $f)) (func $f (export "run") (call_indirect (i32.const 0))))"#
            .to_owned(),
    ];
    for wat in recursions {
        assert_eq!(status_of_recursion(&wat), Stop::Depth.as_i32(), "{wat}");
    }
}

#[test]
fn a_function_that_the_interpreter_cannot_translate_is_an_error_each_time() {
    // More operands than the interpreter has slots in a frame.
    let (operands, drops) = (
        "(i64.load (local.get 0))".repeat(70_000),
        "(drop)".repeat(70_000),
    );
    let mut instance = instance(&format!(
        r#"(module (memory 1) (func (export "run") (param i32) {operands} {drops}))"#
    ));
    let run = instance.function("run").unwrap();
    for _ in 0..3 {
        instance.guest().arm(1 << 62, 100);
        let outcome = instance.guest().call(run, &mut [0]);
        assert!(
            matches!(outcome, Err(Interruption::Fault(_))),
            "{outcome:?}"
        );
    }
}
