//! Byte calls in both conventions, core calls, host functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{self, ENVELOPE_GUEST, engine, instance, instance_with, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{Caller, FunctionType, InstanceState, ValueType};
use proptest::prelude::*;

/// The envelope guest with a host function that doubles its input.
fn envelope_guest() -> WasmInstance {
    let mut imports = Imports::new();
    imports.envelope_fn("double", |_, input| Ok([input, input].concat()));
    instance_with(
        ENVELOPE_GUEST,
        InstanceOptions {
            imports,
            ..Default::default()
        },
    )
}

fn i32_result(instance: &mut WasmInstance, name: &str) -> i32 {
    match instance.invoke(name, &[], CallOptions::default()).unwrap()[..] {
        [Value::I32(value)] => value,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn echoes_every_size_around_the_call_buffer_and_the_first_page() {
    let mut guest = envelope_guest();
    for len in [
        0,
        1,
        63,
        64,
        1_011,
        1_012,
        1_013,
        4_096,
        65_535,
        65_536,
        1 << 20,
    ] {
        let input: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
        assert_eq!(guest.call_raw("echo", &input).unwrap(), input, "{len}");
    }
    assert_eq!(i32_result(&mut guest, "resets_seen"), 11);
    // The buffer holds 1,012 bytes of payload behind the header: five inputs were larger.
    assert_eq!(i32_result(&mut guest, "allocations_seen"), 5);
}

proptest! {
    #[test]
    fn any_bytes_come_back_from_an_envelope_echo(input in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        let mut guest = envelope_guest();
        prop_assert_eq!(guest.call_raw("echo", &input).unwrap(), input);
    }
}

#[test]
fn a_host_function_of_bytes_gets_the_payload_and_its_reply_arrives() {
    let mut guest = envelope_guest();
    let output = guest
        .call("forward", b"ab", CallOptions::default())
        .unwrap();
    assert_eq!(output.bytes, b"abab");
    assert_eq!(
        (
            output.receipt.host_calls,
            output.receipt.bytes_in,
            output.receipt.bytes_out
        ),
        (1, 2, 4)
    );
    assert!(output.receipt.fuel_used > 0 && output.receipt.fuel_exact);
    assert!(output.receipt.host_ns <= output.receipt.wall_ns && output.receipt.wall_ns > 0);
    // An empty reply is an empty result, without an allocation.
    let before = i32_result(&mut guest, "allocations_seen");
    assert_eq!(guest.call_raw("forward", b"").unwrap(), b"");
    assert_eq!(i32_result(&mut guest, "allocations_seen"), before);
}

#[test]
fn the_host_computes_checksums_for_the_guest_and_charges_them() {
    let mut guest = envelope_guest();
    guest.memory_write(1_000, b"123456789").unwrap();
    let result = guest
        .invoke(
            "checksum",
            &[1_000.into(), 9.into()],
            CallOptions::default(),
        )
        .unwrap();
    assert_eq!(result, [Value::I32(0xcbf4_3926_u32.cast_signed())]);
    let base = guest.fuel_used();
    guest
        .invoke(
            "checksum",
            &[0.into(), 65_551.into()],
            CallOptions::default(),
        )
        .unwrap();
    assert_eq!(guest.fuel_used(), base + 4_096);
    let outside = guest
        .invoke(
            "checksum",
            &[0.into(), 131_073.into()],
            CallOptions::default(),
        )
        .unwrap_err();
    assert_eq!(
        (outside.code(), outside.phase().as_str()),
        (ErrorCode::GuestPointer, "host")
    );
    assert_eq!(guest.state(), InstanceState::Poisoned);
}

/// Bare bytes with `malloc` and `free` that count.
const MALLOC_GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (global $freed (mut i32) (i32.const 0))
    (func (export "malloc") (param $len i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.add (local.get $len) (i32.const 8)))))
    (func (export "free") (param $ptr i32)
      (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
    (func (export "freed") (result i32) (global.get $freed))
    (func $pack (param $ptr i32) (param $len i32) (result i64)
      (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))
    (func (export "in_place") (param i32 i32) (result i64) (call $pack (local.get 0) (local.get 1)))
    (func (export "inside") (param i32 i32) (result i64)
      (call $pack (i32.add (local.get 0) (i32.const 1)) (i32.sub (local.get 1) (i32.const 1))))
    (func (export "elsewhere") (param i32 i32) (result i64)
      (memory.copy (i32.const 40000) (local.get 0) (local.get 1))
      (call $pack (i32.const 40000) (local.get 1)))
    (func (export "nothing") (param i32 i32) (result i64) (i64.const 0))
    (func (export "fails") (param i32 i32) (result i64)
      (i64.or (i64.const 0x8000000000000000) (call $pack (local.get 0) (local.get 1)))))"#;

#[test]
fn bare_bytes_are_freed_once_each() {
    let freed = |export: &str, input: &[u8]| {
        let mut guest = instance(MALLOC_GUEST);
        let output = guest.call_raw(export, input);
        (
            output.map_err(|error| error.to_string()),
            i32_result(&mut guest, "freed"),
        )
    };
    assert_eq!(freed("in_place", b"abc"), (Ok(b"abc".to_vec()), 1));
    assert_eq!(freed("inside", b"abc"), (Ok(b"bc".to_vec()), 1));
    assert_eq!(freed("elsewhere", b"abc"), (Ok(b"abc".to_vec()), 2));
    assert_eq!(freed("nothing", b"abc"), (Ok(Vec::new()), 1));
    assert_eq!(freed("nothing", b""), (Ok(Vec::new()), 0));
    assert_eq!(
        freed("fails", b"oh no"),
        (Err("ERR_GUEST: the guest failed: \"oh no\"".to_owned()), 1)
    );
}

#[test]
fn sized_and_collected_allocators_are_found_by_their_exact_types() {
    let sized = r#"(module (memory (export "memory") 1) (global $freed (mut i32) (i32.const 0))
      (func (export "allocate") (param i32) (result i32) (i32.const 512))
      (func (export "deallocate") (param i32 i32) (global.set $freed (local.get 1)))
      (func (export "freed") (result i32) (global.get $freed))
      (func (export "run") (param i32 i32) (result i64) (i64.const 0)))"#;
    let mut guest = instance(sized);
    guest.call_raw("run", b"12345").unwrap();
    assert_eq!(i32_result(&mut guest, "freed"), 5);

    let collected = r#"(module (memory (export "memory") 1) (global $log (mut i32) (i32.const 0))
      (func $note (param i32) (global.set $log (i32.add (i32.mul (global.get $log) (i32.const 10)) (local.get 0))))
      (func (export "__new") (param i32 i32) (result i32)
        (call $note (i32.const 1)) (call $note (local.get 1)) (i32.const 512))
      (func (export "__pin") (param i32) (result i32) (call $note (i32.const 2)) (local.get 0))
      (func (export "__unpin") (param i32) (call $note (i32.const 3)))
      (func (export "log") (result i32) (global.get $log))
      (func (export "run") (param i32 i32) (result i64) (call $note (i32.const 4)) (i64.const 0)))"#;
    let mut guest = instance(collected);
    guest.call_raw("run", b"12345").unwrap();
    // new with class 1, pin, run, unpin
    assert_eq!(i32_result(&mut guest, "log"), 11_243);

    let mistyped = r#"(module (memory (export "memory") 1)
      (func (export "malloc") (param i64) (result i32) (i32.const 512))
      (func (export "run") (param i32 i32) (result i64) (i64.const 0)))"#;
    let mut guest = instance(mistyped);
    assert_eq!(
        guest.call_raw("run", b"1").unwrap_err().code(),
        ErrorCode::ExportNotFound
    );
    assert_eq!(guest.call_raw("run", b"").unwrap(), b"");
}

#[test]
fn core_values_of_all_types_cross_bit_by_bit() {
    let mut guest = instance(
        r#"(module
        (func (export "i32") (param i32) (result i32) (local.get 0))
        (func (export "i64") (param i64) (result i64) (local.get 0))
        (func (export "f32") (param f32) (result f32) (local.get 0))
        (func (export "f64") (param f64) (result f64) (local.get 0))
        (func (export "v128") (param v128) (result v128) (local.get 0))
        (func (export "funcref") (param funcref) (result funcref) (local.get 0))
        (func (export "externref") (param externref) (result externref) (local.get 0))
        (func (export "all") (param i32 i64 f32 f64 v128) (result v128 f64 f32 i64 i32)
          (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))"#,
    );
    let bytes = [255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 128];
    for value in [
        Value::I32(i32::MIN),
        Value::I32(-1),
        Value::I64(i64::MIN),
        Value::F32(0x7fa0_0001),
        Value::F64(0xfff4_0000_0000_0001),
        Value::V128(bytes),
        Value::FuncRef(None),
        Value::ExternRef(None),
    ] {
        let results = guest
            .invoke(value.ty().as_str(), &[value], CallOptions::default())
            .unwrap();
        assert_eq!(results, [value]);
    }
    let all = [
        Value::I32(-7),
        Value::I64(1 << 60),
        Value::F32(1),
        Value::F64(2),
        Value::V128(bytes),
    ];
    let mut reversed = guest.invoke("all", &all, CallOptions::default()).unwrap();
    reversed.reverse();
    assert_eq!(reversed, all);
}

#[test]
fn arguments_are_checked_before_anything_runs() {
    let mut guest = instance(r#"(module (func (export "f") (param i32 f64)))"#);
    let count = guest
        .invoke("f", &[1.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(count.code(), ErrorCode::InvalidArgValue);
    let ty = guest
        .invoke("f", &[1.into(), 1_i64.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(ty.code(), ErrorCode::InvalidArgType);
    assert_eq!(
        ty.to_string(),
        "ERR_INVALID_ARG_TYPE: args is i64 at 1, allowed is f64"
    );
    let missing = guest.invoke("g", &[], CallOptions::default()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "ERR_EXPORT_NOT_FOUND: the module exports no function \"g\"; did you mean \"f\"?"
    );
    let not_bytes = guest.call_raw("f", b"").unwrap_err();
    assert_eq!(not_bytes.code(), ErrorCode::ExportNotFound);
    for fuel in [0, (1 << 62) + 1, u64::MAX] {
        let options = CallOptions {
            fuel: Some(fuel),
            ..Default::default()
        };
        let refused = guest
            .invoke("f", &[1.into(), 1.0.into()], options)
            .unwrap_err();
        assert_eq!(refused.code(), ErrorCode::OutOfRange);
    }
    assert_eq!(guest.state(), InstanceState::Idle);
}

#[test]
fn host_functions_of_all_shapes_get_and_give_exact_values() {
    let types = |list: &[ValueType]| list.to_vec();
    use ValueType::{F32, F64, I32, I64, V128};
    // Several results, mixed kinds, and more values than are kept on the stack.
    let shapes: [(&[ValueType], &[ValueType]); 6] = [
        (&[], &[]),
        (&[I32], &[I32, I32]),
        (&[F32], &[F32, F32]),
        (&[I64, F64], &[I32, I64, F64]),
        (&[V128, I32], &[I32, V128, F32, I64]),
        (&[I32; 12], &[I64; 12]),
    ];
    let sample = |ty: ValueType, n: u64| match ty {
        I32 => Value::I32(n as i32 * -3),
        I64 => Value::I64(n as i64 * -5_000_000_000),
        F32 => Value::F32(0x7fc0_0000 | n as u32),
        F64 => Value::F64(0x4000_0000_0000_0000 | n),
        _ => Value::V128([n as u8; 16]),
    };
    let samples = |list: &[ValueType], from| -> Vec<Value> {
        list.iter()
            .zip(from..)
            .map(|(ty, n)| sample(*ty, n))
            .collect()
    };
    for (params, results) in shapes {
        let list = |types: &[ValueType]| {
            types
                .iter()
                .map(|ty| ty.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let gets: String = (0..params.len())
            .map(|i| format!("(local.get {i})"))
            .collect();
        let wat = format!(
            r#"(module (import "m" "f" (func $f (param {p}) (result {r})))
               (func (export "call") (param {p}) (result {r}) {gets} (call $f))
               (table funcref (elem $f)) (type $t (func (param {p}) (result {r})))
               (func (export "indirect") (param {p}) (result {r}) {gets} (call_indirect (type $t) (i32.const 0))))"#,
            p = list(params),
            r = list(results),
        );
        let (expected, answer) = (samples(params, 1), samples(results, 100));
        let given = (expected.clone(), answer.clone());
        let mut imports = Imports::new();
        let function = HostFunction::new(move |_, args, results| {
            assert_eq!(args, given.0);
            results.copy_from_slice(&given.1);
            Ok(())
        });
        let ty = FunctionType {
            params: types(params),
            results: types(results),
        };
        imports.function("m", "f", function.with_type(ty));
        let mut guest = instance_with(
            &wat,
            InstanceOptions {
                imports,
                ..Default::default()
            },
        );
        for export in ["call", "indirect"] {
            let got = guest.invoke(export, &expected, CallOptions::default());
            assert_eq!(got.unwrap(), answer, "{export} {params:?} {results:?}");
        }
    }
}

const CALLS_F: &str = r#"(module (import "m" "f" (func $f (param i32) (result i32)))
    (memory (export "memory") 1 4)
    (func (export "run") (param i32) (result i32) (call $f (local.get 0))))"#;

fn with_f(
    f: impl Fn(&mut Caller<'_>, &[Value], &mut [Value]) -> Result<(), HostFunctionError>
    + Send
    + Sync
    + 'static,
) -> WasmInstance {
    let mut imports = Imports::new();
    imports.function("m", "f", HostFunction::new(f));
    instance_with(
        CALLS_F,
        InstanceOptions {
            imports,
            ..Default::default()
        },
    )
}

#[test]
fn a_host_function_sees_and_changes_the_waiting_guest() {
    let mut guest = with_f(|caller, args, results| {
        assert_eq!(caller.memory_pages(), 1);
        assert_eq!(caller.memory_grow(2)?, 1);
        caller.memory_write(3 * 65_536 - 4, b"last")?;
        assert_eq!(caller.memory_read(3 * 65_536 - 4, 4)?, b"last");
        assert_eq!(
            caller.memory_read(3 * 65_536, 1).unwrap_err().code(),
            ErrorCode::OutOfRange
        );
        // The memory's own maximum is below the instance's limit.
        let limit = caller.memory_grow(2).unwrap_err();
        assert_eq!(limit.code(), ErrorCode::MemoryLimit);
        let left = caller.fuel_left();
        caller.charge(1_000)?;
        assert_eq!(caller.fuel_left(), left - 1_000);
        results[0] = args[0];
        Ok(())
    });
    assert_eq!(
        guest
            .invoke("run", &[5.into()], CallOptions::default())
            .unwrap(),
        [5.into()]
    );
    assert!(guest.fuel_used() > 1_000);
    assert_eq!(guest.memory_pages().unwrap(), 3);
}

#[test]
fn a_cost_is_charged_before_the_function_runs() {
    let ran = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&ran);
    let function = HostFunction::new(move |_, _, _| {
        seen.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let mut imports = Imports::new();
    imports.function("m", "f", function.with_cost(500));
    let mut guest = instance_with(
        CALLS_F,
        InstanceOptions {
            imports,
            ..Default::default()
        },
    );
    let mut call = |fuel| {
        guest.invoke(
            "run",
            &[1.into()],
            CallOptions {
                fuel: Some(fuel),
                ..Default::default()
            },
        )
    };
    // two operators and the cost
    call(502).unwrap();
    assert_eq!(call(501).unwrap_err().code(), ErrorCode::FuelExhausted);
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[test]
fn a_charge_beyond_the_fuel_ends_the_call_whatever_the_function_returns() {
    let mut guest = with_f(|caller, _, _| {
        assert_eq!(
            caller.charge(u64::MAX).unwrap_err().code(),
            ErrorCode::FuelExhausted
        );
        Ok(())
    });
    let error = guest
        .invoke("run", &[1.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::FuelExhausted);
    assert_eq!(guest.fuel_used(), 10_000_000);
}

#[test]
fn failures_of_host_functions_keep_their_payload() {
    let mut guest =
        with_f(|_, _, _| Err(HostFunctionError::new("no luck").with_payload(Box::new(41_u64))));
    let mut error = guest
        .invoke("run", &[1.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "ERR_HOST_FUNCTION: the host function \"f\" failed: \"no luck\""
    );
    assert_eq!(error.host_payload().unwrap().downcast_ref(), Some(&41_u64));
    assert_eq!(
        *error
            .take_host_payload()
            .unwrap()
            .downcast::<u64>()
            .unwrap(),
        41
    );
    assert!(error.host_payload().is_none());
}

#[test]
fn a_panicking_host_function_poisons_and_the_process_lives_on() {
    let mut guest = with_f(|_, _, _| panic!("a bug of the host"));
    let error = guest
        .invoke("run", &[1.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(error.to_string().contains("a bug of the host"), "{error}");
    assert_eq!(guest.state(), InstanceState::Poisoned);
}

#[test]
fn a_result_of_another_type_is_the_host_functions_fault() {
    let mut guest = with_f(|_, _, results| {
        results[0] = Value::I64(1);
        Ok(())
    });
    let error = guest
        .invoke("run", &[1.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::HostFunction);
}

#[test]
fn imports_that_do_not_fit_are_all_named_in_one_error() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (import "env" "add" (func (param i32 i32) (result i32)))
                   (import "env" "sub" (func (param i32)))
                   (import "env" "mem" (memory 1))
                   (import "aingle_v1" "crc32" (func (param i64))))"#,
    );
    let mut imports = Imports::new();
    imports.function("env", "ad", HostFunction::new(|_, _, _| Ok(())));
    let options = InstanceOptions {
        imports,
        ..Default::default()
    };
    let error = WasmInstance::with_options(&engine, &module, options).unwrap_err();
    assert_eq!(
        (error.code(), error.phase().as_str()),
        (ErrorCode::ImportMissing, "link")
    );
    let text = error.to_string();
    for part in [
        "\"env\".\"add\" (i32, i32) -> (i32); did you mean \"env.ad\"?",
        "\"sub\"",
        "\"env\".\"mem\" a memory of 1 or more pages",
        "crc32",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    let mut imports = Imports::new();
    let ty = FunctionType {
        params: vec![ValueType::I64],
        results: vec![],
    };
    imports.function("m", "f", HostFunction::new(|_, _, _| Ok(())).with_type(ty));
    let engine = common::engine();
    let options = InstanceOptions {
        imports,
        ..Default::default()
    };
    let error = WasmInstance::with_options(&engine, &common::module(&engine, CALLS_F), options)
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ImportType);
    assert!(
        error
            .to_string()
            .contains("(i32) -> (i32), given (i64) -> ()"),
        "{error}"
    );
}

#[test]
fn a_reply_that_the_allocator_has_no_room_for_is_an_error_of_the_host_phase() {
    let wat = r#"(module (import "env" "f" (func $f (param i32 i32) (result i64))) (memory 1)
        (func (export "malloc") (param i32) (result i32) (i32.const 65530))
        (func (export "free") (param i32))
        (func (export "run") (param i32 i32) (result i64) (call $f (i32.const 0) (i32.const 10))))"#;
    let mut imports = Imports::new();
    imports.envelope_fn("f", |_, input| Ok(input.to_vec()));
    let mut guest = instance_with(
        wat,
        InstanceOptions {
            imports,
            ..Default::default()
        },
    );
    let error = guest.call_raw("run", b"").unwrap_err();
    assert_eq!(
        (error.code(), error.phase().as_str()),
        (ErrorCode::GuestPointer, "host")
    );
}

#[test]
fn host_functions_of_bytes_work_from_the_start_function_on() {
    let wat = r#"(module (import "env" "f" (func $f (param i32 i32) (result i64))) (memory 1)
        (global $answer (mut i64) (i64.const 0))
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "free") (param i32))
        (func $start (global.set $answer (call $f (i32.const 0) (i32.const 3)))) (start $start)
        (func (export "answer") (result i64) (global.get $answer)))"#;
    let mut imports = Imports::new();
    imports.envelope_fn("f", |_, input| Ok(input.to_vec()));
    let mut guest = instance_with(
        wat,
        InstanceOptions {
            imports,
            ..Default::default()
        },
    );
    let answer = guest.invoke("answer", &[], CallOptions::default()).unwrap();
    assert_eq!(answer, [Value::I64(1_024 << 32 | 3)]);
}
