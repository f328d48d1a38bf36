//! The outcome table: code, state, arena and fuel after every way a call can end.

use crate::BACKEND;
use crate::common::{self, ENVELOPE_GUEST, code_of, engine, instance, instance_with, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{Detail, ErrorKind, GuestErrorKind, InstanceState, TrapFrame, TrapKind};

const FUEL: u64 = 100_000;

fn guest(after_trap: AfterTrap) -> WasmInstance {
    let mut imports = Imports::new();
    imports.envelope_fn("double", |_, input| match input {
        b"fail" => Err(HostFunctionError::new("refused")),
        _ => Ok(input.to_vec()),
    });
    instance_with(
        ENVELOPE_GUEST,
        InstanceOptions {
            imports,
            after_trap,
            ..Default::default()
        },
    )
}

fn resets(guest: &mut WasmInstance) -> i32 {
    match guest
        .invoke("resets_seen", &[], CallOptions::default())
        .unwrap()[..]
    {
        [Value::I32(resets)] => resets,
        ref other => panic!("{other:?}"),
    }
}

/// A packed result for the guest's `answer`.
fn packed(ptr: u32, len: u32) -> [u8; 8] {
    (u64::from(ptr) << 32 | u64::from(len)).to_le_bytes()
}

/// What a call left behind.
#[derive(Debug, PartialEq)]
struct Left {
    code: Option<ErrorCode>,
    usable: bool,
    exact: bool,
}

fn outcome(after_trap: AfterTrap, export: &str, input: &[u8]) -> Left {
    let mut guest = guest(after_trap);
    let options = CallOptions {
        fuel: Some(FUEL),
        ..Default::default()
    };
    let result = guest.call(export, input, options);
    let code = result.as_ref().err().map(HostError::code);
    let receipt = *guest.receipt();
    assert_eq!(receipt.fuel_limit, FUEL);
    assert!(
        receipt.fuel_used > 0 && receipt.fuel_used <= FUEL,
        "{export} used {}",
        receipt.fuel_used
    );
    assert_eq!(guest.monitor().fuel_used(), receipt.fuel_used);
    let usable = guest.state() == InstanceState::Idle;
    if code == Some(ErrorCode::FuelExhausted) {
        assert_eq!(receipt.fuel_used, FUEL);
    }
    if usable {
        // The arena was reset exactly if the guest came back.
        assert_eq!(
            resets(&mut guest),
            i32::from(receipt.fuel_exact),
            "{export}"
        );
    } else {
        assert_eq!(guest.state(), InstanceState::Poisoned);
        let refused = guest.call_raw("empty", b"").unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InstancePoisoned);
        assert_eq!(
            refused.details(),
            [("reason", Detail::Str(code.unwrap().as_str().to_owned()))]
        );
        // Refused before it ran: fuel is as it was.
        assert_eq!(guest.fuel_used(), receipt.fuel_used);
    }
    Left {
        code,
        usable,
        exact: receipt.fuel_exact,
    }
}

#[test]
fn calls_that_return_leave_a_usable_instance_and_a_reset_arena() {
    let memory_end = 2 * 65_536;
    let cases: Vec<(&str, Vec<u8>, Option<ErrorCode>)> = vec![
        ("echo", b"text".to_vec(), None),
        ("empty", b"text".to_vec(), None),
        ("panic_survived", Vec::new(), None),
        ("answer", packed(64, 23).to_vec(), None),
        ("empty_error", Vec::new(), Some(ErrorCode::Guest)),
        ("text_error", Vec::new(), Some(ErrorCode::Guest)),
        ("flag_error", Vec::new(), Some(ErrorCode::Guest)),
        (
            "answer",
            packed(memory_end, 12).to_vec(),
            Some(ErrorCode::GuestPointer),
        ),
        (
            "answer",
            packed(memory_end - 11, 12).to_vec(),
            Some(ErrorCode::GuestPointer),
        ),
        (
            "answer",
            packed(0x7fff_ffff, u32::MAX).to_vec(),
            Some(ErrorCode::GuestPointer),
        ),
        (
            "answer",
            packed(64, 11).to_vec(),
            Some(ErrorCode::EnvelopeLength),
        ),
        (
            "answer",
            packed(64, 22).to_vec(),
            Some(ErrorCode::EnvelopeLength),
        ),
        (
            "answer",
            packed(64, 24).to_vec(),
            Some(ErrorCode::EnvelopeLength),
        ),
        (
            "answer",
            packed(128, 23).to_vec(),
            Some(ErrorCode::EnvelopeMagic),
        ),
        (
            "answer",
            packed(192, 23).to_vec(),
            Some(ErrorCode::EnvelopeVersion),
        ),
        (
            "answer",
            packed(256, 23).to_vec(),
            Some(ErrorCode::EnvelopeFlags),
        ),
        (
            "answer",
            packed(320, 23).to_vec(),
            Some(ErrorCode::EnvelopeLength),
        ),
        (
            "answer",
            packed(384, 23).to_vec(),
            Some(ErrorCode::EnvelopeChecksum),
        ),
        // "hell" as a size is over the default output limit, and so is refused before anything is allocated.
        (
            "answer",
            packed(448, 23).to_vec(),
            Some(ErrorCode::OutputLimit),
        ),
        (
            "answer",
            packed(512, 23).to_vec(),
            Some(ErrorCode::EnvelopeEncryption),
        ),
    ];
    for after_trap in [AfterTrap::Poison, AfterTrap::Keep] {
        for (export, input, code) in &cases {
            let expected = Left {
                code: *code,
                usable: true,
                exact: true,
            };
            assert_eq!(
                outcome(after_trap, export, input),
                expected,
                "{export} {input:?}"
            );
        }
    }
}

#[test]
fn calls_that_trap_poison_unless_the_instance_keeps() {
    let cases = [
        ("trap", &b""[..], ErrorCode::Trap),
        ("panic_report", b"", ErrorCode::Guest),
        ("panic_nowhere", b"", ErrorCode::Trap),
        ("forward", b"fail", ErrorCode::HostFunction),
    ];
    for (export, input, code) in cases {
        let left = |usable| Left {
            code: Some(code),
            usable,
            exact: false,
        };
        assert_eq!(
            outcome(AfterTrap::Poison, export, input),
            left(false),
            "{export}"
        );
        assert_eq!(
            outcome(AfterTrap::Keep, export, input),
            left(true),
            "{export}"
        );
    }
}

#[test]
fn stopped_calls_poison_always() {
    for after_trap in [AfterTrap::Poison, AfterTrap::Keep] {
        let left = Left {
            code: Some(ErrorCode::FuelExhausted),
            usable: false,
            exact: false,
        };
        assert_eq!(outcome(after_trap, "spin", b""), left);
    }
}

#[test]
fn guest_errors_carry_what_the_guest_said() {
    let mut guest = guest(AfterTrap::Keep);
    let text = guest.call_raw("text_error", b"").unwrap_err();
    assert_eq!(
        text.to_string(),
        "ERR_GUEST: the guest failed: \"failed to decode input\""
    );
    let empty = guest.call_raw("empty_error", b"").unwrap_err();
    assert_eq!(empty.details(), [("message", Detail::Str(String::new()))]);
    let panic = guest.call_raw("panic_report", b"").unwrap_err();
    let ErrorKind::Guest(error) = panic.kind() else {
        panic!("{panic:?}")
    };
    let origin = error.origin.as_ref().unwrap();
    assert_eq!(
        (error.message.as_str(), origin.file.as_str(), origin.line),
        ("no sensor", "src/lib.rs", 259)
    );
    assert_eq!(origin.kind, GuestErrorKind::Validation);
    // A report that no trap followed is forgotten.
    guest.call_raw("panic_survived", b"").unwrap();
    assert_eq!(
        guest.call_raw("trap", b"").unwrap_err().code(),
        ErrorCode::Trap
    );
}

#[test]
fn refused_calls_change_nothing() {
    let mut guest = guest(AfterTrap::Poison);
    guest.call_raw("echo", b"text").unwrap();
    let before = *guest.receipt();
    assert_eq!(
        guest.call_raw("no_such", b"").unwrap_err().code(),
        ErrorCode::ExportNotFound
    );
    assert_eq!(
        guest.call_raw("resets_seen", b"").unwrap_err().code(),
        ErrorCode::ExportNotFound
    );
    let other = instance("(module (func (export \"f\")))")
        .export_handle("f")
        .unwrap();
    let foreign = guest
        .call_with(other, b"", CallOptions::default(), <[u8]>::len)
        .unwrap_err();
    assert!(matches!(
        foreign.code(),
        ErrorCode::ExportNotFound | ErrorCode::InvalidArgValue
    ));
    assert_eq!(
        (*guest.receipt(), guest.state()),
        (before, InstanceState::Idle)
    );
    guest.close();
    guest.close();
    assert_eq!(
        guest.call_raw("echo", b"").unwrap_err().code(),
        ErrorCode::InstanceClosed
    );
    assert_eq!(
        guest.memory_read(0, 1).unwrap_err().code(),
        ErrorCode::InstanceClosed
    );
    assert_eq!(guest.state(), InstanceState::Closed);
}

#[test]
fn a_closed_engine_refuses_new_work() {
    let engine = engine();
    let module = module(&engine, "(module (func (export \"f\")))");
    let mut guest = WasmInstance::new(&engine, &module).unwrap();
    engine.close();
    engine.close();
    for error in [
        engine.compile(b"").unwrap_err(),
        engine.compile_cached(b"x", b"").unwrap_err(),
        WasmInstance::new(&engine, &module).unwrap_err(),
        guest.invoke("f", &[], CallOptions::default()).unwrap_err(),
        engine
            .pool()
            .submit(&engine.pool().lane(), |_| ())
            .unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::EngineClosed);
    }
}

/// One export for each kind of trap.
const TRAPS: &str = r#"(module
    (memory 1) (table $t 2 funcref) (elem (i32.const 0) $named_function)
    (type $other (func (param f64)))
    (func $named_function (export "unreachable") unreachable)
    (func (export "memory_out_of_bounds") (drop (i32.load (i32.const 65533))))
    (func (export "memory_fill") (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2)))
    (func (export "memory_copy") (memory.copy (i32.const -1) (i32.const 0) (i32.const 2)))
    (func (export "table_out_of_bounds") (drop (table.get $t (i32.const 2))))
    (func (export "table_call") (call_indirect (i32.const 2)))
    (func (export "integer_divide_by_zero") (drop (i32.div_s (i32.const 1) (i32.const 0))))
    (func (export "remainder") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
    (func (export "integer_overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
    (func (export "integer_overflow_64") (drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1))))
    (func (export "float_to_integer") (drop (i32.trunc_f32_s (f32.const nan))))
    (func (export "float_too_large") (drop (i64.trunc_f64_u (f64.const 1e300))))
    (func (export "indirect_call_mismatch") (call_indirect (type $other) (f64.const 0) (i32.const 0)))
    (func (export "null_call") (call_indirect (i32.const 1)))
    (func $inner (unreachable)) (func $outer (export "nested") (call $inner)))"#;

#[test]
fn every_kind_of_trap_is_told_apart() {
    let mut guest = instance_with(TRAPS, common::keep());
    let cases = [
        ("unreachable", TrapKind::Unreachable),
        ("memory_out_of_bounds", TrapKind::MemoryOutOfBounds),
        ("memory_fill", TrapKind::MemoryOutOfBounds),
        ("memory_copy", TrapKind::MemoryOutOfBounds),
        ("table_out_of_bounds", TrapKind::TableOutOfBounds),
        ("table_call", TrapKind::TableOutOfBounds),
        ("integer_divide_by_zero", TrapKind::IntegerDivideByZero),
        ("remainder", TrapKind::IntegerDivideByZero),
        ("integer_overflow", TrapKind::IntegerOverflow),
        ("integer_overflow_64", TrapKind::IntegerOverflow),
        ("float_to_integer", TrapKind::FloatToInteger),
        ("float_too_large", TrapKind::FloatToInteger),
        // After a conversion that trapped.
        ("integer_overflow", TrapKind::IntegerOverflow),
        ("indirect_call_mismatch", TrapKind::IndirectCallMismatch),
        ("null_call", TrapKind::IndirectCallMismatch),
    ];
    for (export, expected) in cases {
        let error = guest
            .invoke(export, &[], CallOptions::default())
            .unwrap_err();
        let ErrorKind::Trap { trap, .. } = error.kind() else {
            panic!("{export}: {error:?}")
        };
        assert_eq!(*trap, expected, "{export}");
        assert_eq!(error.phase().as_str(), "call");
    }
}

#[test]
fn traps_name_the_guests_functions_innermost_first() {
    let mut guest = instance(TRAPS);
    let error = guest
        .invoke("nested", &[], CallOptions::default())
        .unwrap_err();
    let ErrorKind::Trap { frames, .. } = error.kind() else {
        panic!("{error:?}")
    };
    match BACKEND {
        BackendKind::Wasmi => assert!(frames.is_empty(), "{frames:?}"),
        _ => {
            drop(guest);
            check_nested(&frames[..2]);
        }
    }
}

/// With their places in the author's module, after that is gone.
fn check_nested(frames: &[TrapFrame]) {
    let (inner, outer) = (14, 15);
    let wasm = wat::parse_str(TRAPS).unwrap();
    let bodies = [3, 0, 0x00, 0x0b, 4, 0, 0x10, inner as u8, 0x0b];
    let found = wasm.windows(bodies.len()).position(|part| part == bodies);
    let begin = found.expect("both functions") as u32;
    let seen: Vec<_> = frames
        .iter()
        .map(|frame| (frame.name(), frame.function(), frame.offset()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("inner"), inner, Some(begin + 2)),
            (Some("outer"), outer, Some(begin + 6))
        ]
    );
    let text = format!("inner (wasm-function[14]:{:#x})", begin + 2);
    assert_eq!(frames[0].to_string(), text);
}

#[test]
fn a_trap_while_an_instance_is_made_is_an_error_of_the_start_phase() {
    let engine = engine();
    for (wat, code) in [
        ("(module (func $s unreachable) (start $s))", ErrorCode::Trap),
        (
            "(module (func $s (loop (br 0))) (start $s))",
            ErrorCode::FuelExhausted,
        ),
        (
            "(module (func (export \"_initialize\") unreachable))",
            ErrorCode::Trap,
        ),
        (
            "(module (memory 1) (data (i32.const 65536) \"x\"))",
            ErrorCode::Trap,
        ),
        (
            "(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))",
            ErrorCode::Trap,
        ),
    ] {
        let error = WasmInstance::new(&engine, &module(&engine, wat)).unwrap_err();
        assert_eq!(
            (error.code(), error.phase().as_str()),
            (code, "start"),
            "{wat}"
        );
    }
    assert_eq!(engine.stats().instances, 0);
}

#[test]
fn start_and_initialize_run_once_in_order_under_the_budget_of_the_instantiation() {
    let wat = r#"(module (global $g (mut i32) (i32.const 1))
        (func $s (global.set $g (i32.mul (global.get $g) (i32.const 10))))
        (func (export "_initialize") (global.set $g (i32.add (global.get $g) (i32.const 7))))
        (func (export "get") (result i32) (global.get $g)) (start $s))"#;
    let engine = engine();
    let module = module(&engine, wat);
    let mut guest = WasmInstance::new(&engine, &module).unwrap();
    assert_eq!(guest.fuel_used(), 8);
    assert_eq!(
        guest.invoke("get", &[], CallOptions::default()).unwrap(),
        [17.into()]
    );
    let with_fuel = |fuel| {
        let options = InstanceOptions {
            fuel: Some(fuel),
            ..Default::default()
        };
        WasmInstance::with_options(&engine, &module, options).map(drop)
    };
    with_fuel(8).unwrap();
    assert_eq!(with_fuel(7).unwrap_err().code(), ErrorCode::FuelExhausted);
}

#[test]
fn a_guest_kit_from_the_future_is_refused() {
    let engine = engine();
    let wat = r#"(module (memory 1)
        (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.const 8))
        (func (export "__aingle_abi_version") (result i32) (i32.const 2)))"#;
    let module = module(&engine, wat);
    let error = WasmInstance::new(&engine, &module).unwrap_err();
    assert_eq!(
        (error.code(), error.phase().as_str()),
        (ErrorCode::FeatureDisabled, "link")
    );
    // The version is about envelopes only.
    let options = InstanceOptions {
        abi: AbiChoice::Bytes,
        ..Default::default()
    };
    WasmInstance::with_options(&engine, &module, options).unwrap();
}

#[test]
fn a_failing_or_lying_allocator_is_a_guest_pointer_error() {
    for answer in ["0", "65536", "65530", "-1", "-12"] {
        let wat = format!(
            r#"(module (memory 1)
            (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.const {answer}))
            (func (export "run") (param i32 i32) (result i64) (unreachable)))"#
        );
        let mut guest = instance(&wat);
        let error = guest.call_raw("run", b"0123456789").unwrap_err();
        assert_eq!(error.code(), ErrorCode::GuestPointer, "{answer}");
        assert_eq!(guest.state(), InstanceState::Idle);
    }
}

#[test]
fn a_trap_in_the_reset_wins_over_the_result() {
    let wat = r#"(module (memory 1)
        (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.const 8))
        (func (export "__aingle_guest_reset_arena") (unreachable))
        (func (export "empty") (param i32 i32) (result i64) (i64.const 0)))"#;
    let mut guest = instance(wat);
    assert_eq!(
        guest.call_raw("empty", b"").unwrap_err().code(),
        ErrorCode::Trap
    );
    assert_eq!(guest.state(), InstanceState::Poisoned);
}

#[test]
fn kept_instances_go_on_with_their_memory_as_it_is() {
    let wat = r#"(module (global $g (mut i32) (i32.const 0))
        (func (export "count_and_trap") (global.set $g (i32.add (global.get $g) (i32.const 1))) (unreachable))
        (func (export "get") (result i32) (global.get $g)))"#;
    let mut guest = instance_with(wat, common::keep());
    for _ in 0..3 {
        assert_eq!(code_of(&mut guest, "count_and_trap", &[]), ErrorCode::Trap);
    }
    assert_eq!(
        guest.invoke("get", &[], CallOptions::default()).unwrap(),
        [3.into()]
    );
}
