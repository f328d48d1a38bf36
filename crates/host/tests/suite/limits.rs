//! Every limit, at its edge.

use crate::common::{self, code_of, engine, instance_with, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{Detail, InstanceLimits, MAX_CALL_DEPTH, StaticMemoryBound};

fn limited(wat: &str, limits: InstanceLimits) -> WasmInstance {
    instance_with(
        wat,
        InstanceOptions {
            limits,
            ..common::keep()
        },
    )
}

fn i32_of(instance: &mut WasmInstance, name: &str, args: &[Value]) -> i32 {
    match instance.invoke(name, args, CallOptions::default()).unwrap()[..] {
        [Value::I32(value)] => value,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn fuel_equal_to_the_cost_passes_and_one_less_fails() {
    let engine = engine();
    let fib = r#"(module (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
          (then (local.get 0))
          (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                         (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#;
    let module = module(&engine, fib);
    let run = |fuel| {
        let mut guest = WasmInstance::new(&engine, &module).unwrap();
        let results = guest.invoke(
            "fib",
            &[15.into()],
            CallOptions {
                fuel: Some(fuel),
                ..Default::default()
            },
        );
        (results.map_err(|error| error.code()), guest.fuel_used())
    };
    let (results, cost) = run(1 << 62);
    assert_eq!(results.unwrap(), [610.into()]);
    assert_eq!(run(cost), (Ok(vec![610.into()]), cost));
    assert_eq!(run(cost - 1), (Err(ErrorCode::FuelExhausted), cost - 1));
    assert_eq!(run(1), (Err(ErrorCode::FuelExhausted), 1));
}

#[test]
fn memory_grows_to_the_limit_and_no_page_further() {
    let wat = r#"(module (memory (export "m") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let mut guest = limited(
        wat,
        InstanceLimits {
            memory_bytes: Some(4 << 16),
            ..Default::default()
        },
    );
    assert_eq!(i32_of(&mut guest, "grow", &[4.into()]), -1);
    assert_eq!(i32_of(&mut guest, "grow", &[2.into()]), 1);
    assert_eq!(guest.memory_grow(1).unwrap(), 3);
    let refused = guest.memory_grow(1).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::MemoryLimit);
    assert_eq!(
        refused.details(),
        [
            ("limit", Detail::U64(4 << 16)),
            ("value", Detail::U64(5 << 16))
        ]
    );
    assert_eq!(
        guest.memory_grow(u32::MAX).unwrap_err().code(),
        ErrorCode::MemoryLimit
    );
    assert_eq!(i32_of(&mut guest, "grow", &[1.into()]), -1);
    assert_eq!(guest.memory_grow(0).unwrap(), 4);
    guest.memory_write((4 << 16) - 1, &[1]).unwrap();
    assert_eq!(
        guest.memory_write(4 << 16, &[1]).unwrap_err().code(),
        ErrorCode::OutOfRange
    );
}

#[test]
fn a_guest_that_begins_above_a_limit_is_not_made() {
    let engine = engine();
    let begins = module(&engine, "(module (memory 3))");
    let limits = InstanceLimits {
        memory_bytes: Some(2 << 16),
        ..Default::default()
    };
    let options = InstanceOptions {
        limits,
        ..Default::default()
    };
    let error = WasmInstance::with_options(&engine, &begins, options).unwrap_err();
    assert_eq!(
        (error.code(), error.phase().as_str()),
        (ErrorCode::MemoryLimit, "link")
    );
    let begins = module(&engine, "(module (table 5 funcref) (table 6 externref))");
    let with_elements = |elements| {
        let limits = InstanceLimits {
            table_elements: Some(elements),
            ..Default::default()
        };
        let options = InstanceOptions {
            limits,
            ..Default::default()
        };
        WasmInstance::with_options(&engine, &begins, options).map(drop)
    };
    with_elements(11).unwrap();
    let error = with_elements(10).unwrap_err();
    assert_eq!(
        (error.code(), error.phase().as_str()),
        (ErrorCode::TableLimit, "link")
    );
    assert_eq!(
        error.details(),
        [("limit", Detail::U64(10)), ("value", Detail::U64(11))]
    );
    let wasm = wat::parse_str("(module (memory 40000))").unwrap();
    assert_eq!(
        engine.compile(&wasm).unwrap_err().code(),
        ErrorCode::MemoryLimit
    );
    let wasm = wat::parse_str("(module (table 2000000 funcref))").unwrap();
    assert_eq!(
        engine.compile(&wasm).unwrap_err().code(),
        ErrorCode::TableLimit
    );
}

#[test]
fn tables_grow_together_to_the_limit() {
    let wat = r#"(module (table $a 1 funcref) (table $b 1 externref)
        (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
        (func (export "b") (param i32) (result i32) (table.grow $b (ref.null extern) (local.get 0))))"#;
    let mut guest = limited(
        wat,
        InstanceLimits {
            table_elements: Some(10),
            ..Default::default()
        },
    );
    assert_eq!(i32_of(&mut guest, "a", &[5.into()]), 1);
    assert_eq!(i32_of(&mut guest, "b", &[4.into()]), -1);
    assert_eq!(i32_of(&mut guest, "b", &[3.into()]), 1);
    assert_eq!(i32_of(&mut guest, "a", &[1.into()]), -1);
}

#[test]
fn depth_ends_recursion_at_the_same_frame_whatever_the_limit() {
    let wat = r#"(module (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
          (else (i32.const 0)))))"#;
    for depth in [10, 100, MAX_CALL_DEPTH / 10] {
        let engine = WasmEngine::new(EngineConfig {
            limits: Limits {
                call_depth: depth,
                ..Default::default()
            },
            ..common::config()
        })
        .unwrap();
        let module = module(&engine, wat);
        let mut guest = WasmInstance::with_options(&engine, &module, common::keep()).unwrap();
        let deepest = (0..=2 * depth).rev().find(|n| {
            guest
                .invoke("down", &[(*n as i32).into()], CallOptions::default())
                .is_ok()
        });
        let frames = deepest.unwrap() + 1;
        assert!(
            frames <= depth && frames + 1 >= depth,
            "{frames} frames at a depth of {depth}"
        );
        let error = guest
            .invoke("down", &[(frames as i32).into()], CallOptions::default())
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::StackOverflow);
        assert_eq!(error.details(), [("limit", Detail::U64(depth.into()))]);
    }
}

#[test]
fn the_native_stack_lasts_for_the_largest_depth_and_its_end_is_an_error() {
    // 100 locals that stay alive: a frame of 8 bytes each.
    let locals = "(local i64)".repeat(100);
    let sets: String = (2..102)
        .map(|i| format!("(local.set {i} (i64.add (local.get 1) (i64.const {i})))"))
        .collect();
    let sums: String = (2..102)
        .map(|i| format!("(local.set 1 (i64.add (local.get 1) (local.get {i})))"))
        .collect();
    let wat = format!(
        r#"(module (func $down (export "down") (param i32) (param i64) (result i64) {locals}
        {sets} (if (local.get 0) (then (local.set 1 (call $down (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))))
        {sums} (local.get 1)))"#
    );
    let limits = Limits {
        call_depth: MAX_CALL_DEPTH,
        ..Default::default()
    };
    let engine = WasmEngine::new(EngineConfig {
        limits,
        ..common::config()
    })
    .unwrap();
    let mut guest =
        WasmInstance::with_options(&engine, &module(&engine, &wat), common::keep()).unwrap();
    // 102 slots weigh 7: as deep as the limit admits.
    let frames = MAX_CALL_DEPTH as i32 / 7 - 1;
    guest
        .invoke(
            "down",
            &[frames.into(), 1_i64.into()],
            CallOptions::default(),
        )
        .unwrap();
    assert_eq!(
        code_of(&mut guest, "down", &[(frames + 2).into(), 1_i64.into()]),
        ErrorCode::StackOverflow
    );

    // Operands that stay alive across a call weigh nothing: here the native stack ends first.
    let operands = "(i64.load (local.get 0))".repeat(2_000);
    let adds = "(i64.add)".repeat(2_000);
    let wat = format!(
        r#"(module (memory 1) (func $down (export "down") (param i32) (result i64)
        {operands} (call $down (i32.add (local.get 0) (i32.const 1))) {adds}))"#
    );
    let mut guest = WasmInstance::new(&engine, &module(&engine, &wat)).unwrap();
    assert_eq!(
        code_of(&mut guest, "down", &[0.into()]),
        ErrorCode::StackOverflow
    );
}

#[test]
fn output_passes_at_the_limit_and_not_above() {
    let wat = r#"(module (memory (export "m") 4)
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "free") (param i32))
        (func (export "run") (param i32 i32) (result i64) (i64.load (local.get 0))))"#;
    let mut guest = limited(
        wat,
        InstanceLimits {
            output_bytes: Some(1_000),
            ..Default::default()
        },
    );
    assert_eq!(
        guest
            .call_raw("run", &(1_000_u64).to_le_bytes())
            .unwrap()
            .len(),
        1_000
    );
    let error = guest
        .call_raw("run", &(1_001_u64).to_le_bytes())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutputLimit);
    assert_eq!(
        error.details(),
        [("limit", Detail::U64(1_000)), ("value", Detail::U64(1_001))]
    );
}

#[test]
fn host_calls_are_counted_for_each_call() {
    let wat = r#"(module (import "m" "f" (func $f))
        (func (export "run") (param i32) (loop (call $f)
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;
    let mut imports = Imports::new();
    imports.function("m", "f", HostFunction::new(|_, _, _| Ok(())));
    let limits = InstanceLimits {
        host_calls: Some(5),
        ..Default::default()
    };
    let mut guest = instance_with(
        wat,
        InstanceOptions {
            imports,
            limits,
            ..common::keep()
        },
    );
    for _ in 0..3 {
        guest
            .invoke("run", &[5.into()], CallOptions::default())
            .unwrap();
        assert_eq!(guest.receipt().host_calls, 5);
    }
    let error = guest
        .invoke("run", &[6.into()], CallOptions::default())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::HostCallLimit);
    assert_eq!(guest.receipt().host_calls, 5);
}

#[test]
fn guest_and_host_nest_sixteen_deep() {
    // The allocator calls a host function of bytes, whose reply needs the allocator.
    let wat = r#"(module (import "env" "f" (func $f (param i32 i32) (result i64))) (memory 1)
        (func (export "malloc") (param i32) (result i32)
          (drop (call $f (i32.const 0) (i32.const 1))) (i32.const 1024))
        (func (export "free") (param i32))
        (func (export "run") (param i32 i32) (result i64) (call $f (i32.const 0) (i32.const 1))))"#;
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
    assert_eq!(error.code(), ErrorCode::CallDepth);
    assert_eq!(
        error.details(),
        [("limit", Detail::U64(16)), ("value", Detail::U64(18))]
    );
    // The innermost host function still gets its reply allocated, which here calls once more.
    assert_eq!(guest.receipt().host_calls, 17);
}

#[test]
fn live_instances_are_limited_and_dropping_gives_the_place_back() {
    let limits = Limits {
        instances: 2,
        ..Default::default()
    };
    let engine = WasmEngine::new(EngineConfig {
        limits,
        ..common::config()
    })
    .unwrap();
    let module = module(&engine, "(module (memory 1))");
    let first = WasmInstance::new(&engine, &module).unwrap();
    let _second = WasmInstance::new(&engine, &module).unwrap();
    let refused = WasmInstance::new(&engine, &module).unwrap_err();
    assert_eq!(
        (refused.code(), refused.retryable()),
        (ErrorCode::OutOfMemory, true)
    );
    drop(first);
    let mut third = WasmInstance::new(&engine, &module).unwrap();
    // Closing frees the memory and the place.
    third.close();
    assert_eq!(engine.stats().instances, 1);
}

#[test]
fn options_are_checked_against_their_ranges() {
    let refused = |config: EngineConfig| WasmEngine::new(config).map(drop).unwrap_err();
    let limits = |limits: Limits| EngineConfig {
        limits,
        ..common::config()
    };
    for config in [
        EngineConfig {
            metering_limit: 0,
            ..common::config()
        },
        EngineConfig {
            metering_limit: (1 << 62) + 1,
            ..common::config()
        },
        EngineConfig {
            static_memory_bound: StaticMemoryBound::Pages(65_537),
            ..common::config()
        },
        EngineConfig {
            threads: 1_025,
            ..common::config()
        },
        limits(Limits {
            memory_bytes: 1 << 31,
            ..Default::default()
        }),
        limits(Limits {
            call_depth: 0,
            ..Default::default()
        }),
        limits(Limits {
            call_depth: MAX_CALL_DEPTH + 1,
            ..Default::default()
        }),
        limits(Limits {
            table_elements: 10_000_001,
            ..Default::default()
        }),
        limits(Limits {
            instances: 0,
            ..Default::default()
        }),
    ] {
        assert_eq!(
            refused(config.clone()).code(),
            ErrorCode::OutOfRange,
            "{config:?}"
        );
    }
    let odd = limits(Limits {
        memory_bytes: 65_537,
        ..Default::default()
    });
    assert_eq!(refused(odd).code(), ErrorCode::InvalidArgValue);

    let engine = engine();
    let module = module(&engine, "(module)");
    for limits in [
        InstanceLimits {
            memory_bytes: Some(257 << 20),
            ..Default::default()
        },
        InstanceLimits {
            table_elements: Some(1_000_001),
            ..Default::default()
        },
        InstanceLimits {
            call_depth: Some(u32::MAX),
            ..Default::default()
        },
        InstanceLimits {
            output_bytes: Some(65 << 20),
            ..Default::default()
        },
    ] {
        let options = InstanceOptions {
            limits: limits.clone(),
            ..Default::default()
        };
        let error = WasmInstance::with_options(&engine, &module, options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutOfRange, "{limits:?}");
    }
}
