//! Calls that are stopped from outside: by a deadline, by their ticket, by closing.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{self, engine, instance_with, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{InstanceState, StopReason, TimeLimit, Turn};

/// Endless work of every shape. A deadline must end each of them.
const ENDLESS: &str = r#"(module
    (memory (export "memory") 16)
    (table 1 funcref) (elem (i32.const 0) $through_the_table)
    (type $none (func))
    (func (export "empty") (loop (br 0)))
    (func (export "conditional") (local i32) (loop (br_if 0 (i32.eqz (local.get 0)))))
    (func (export "by_table") (loop (br_table 0 0 (i32.const 0))))
    (func (export "nested") (local i32 i32)
      (loop (local.set 1 (i32.const 0))
        (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
              (br_if 0 (i32.lt_u (local.get 1) (i32.const 1000000000))))
        (br 0)))
    (func (export "nested_with_stores") (local i32)
      (loop
        (loop (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
              (br_if 0 (i32.lt_u (i32.load (i32.const 8)) (i32.const 1000000000))))
        (i32.store (i32.const 8) (i32.const 0))
        (br 0)))
    (func (export "in_sequence") (local i32)
      (loop (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 0) (i32.const 100))))
      (loop (br 0)))
    (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "calls_in_a_loop") (local i32) (loop (local.set 0 (call $leaf (local.get 0))) (br 0)))
    (func $fork (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
        (else (i32.add (call $fork (i32.sub (local.get 0) (i32.const 1)))
                       (call $fork (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "recursion") (drop (call $fork (i32.const 200))))
    (func $through_the_table (call_indirect (type $none) (i32.const 0)))
    (func (export "indirect") (loop (call $once) (br 0)))
    (func $once)
    (func (export "bulk") (loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 1048576)) (br 0)))
    (func (export "deep") (loop (block (block (block (block (br 4)))))))
    (func (export "float") (local f64) (loop (local.set 0 (f64.add (local.get 0) (f64.const 1))) (br 0))))"#;

const SHAPES: [&str; 13] = [
    "empty",
    "conditional",
    "by_table",
    "nested",
    "nested_with_stores",
    "in_sequence",
    "calls_in_a_loop",
    "recursion",
    "indirect",
    "bulk",
    "deep",
    "float",
    "empty",
];

/// Nothing ends these but the stop.
fn unlimited() -> CallOptions<'static> {
    CallOptions {
        fuel: Some(1 << 62),
        time: TimeLimit::None,
        ..Default::default()
    }
}

#[test]
fn a_deadline_ends_every_shape_of_loop() {
    let engine = engine();
    let module = module(&engine, ENDLESS);
    for shape in SHAPES {
        let mut guest = WasmInstance::new(&engine, &module).unwrap();
        let options = CallOptions {
            time: TimeLimit::Milliseconds(20),
            ..unlimited()
        };
        let error = guest.invoke(shape, &[], options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{shape}: {error}");
        assert_eq!(guest.state(), InstanceState::Poisoned, "{shape}");
        assert!(!guest.receipt().fuel_exact, "{shape}");
    }
    assert_eq!(engine.stats().stopped, SHAPES.len() as u64);
}

#[test]
fn a_deadline_holds_in_the_start_function() {
    let engine = engine();
    let module = module(&engine, "(module (func $s (loop (br 0))) (start $s))");
    let options = InstanceOptions {
        time: TimeLimit::Milliseconds(20),
        fuel: Some(1 << 62),
        ..Default::default()
    };
    let error = WasmInstance::with_options(&engine, &module, options).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(error.phase(), aingle_wasm_host::Phase::Start);
}

#[test]
fn calls_within_their_time_are_left_alone() {
    let engine = engine();
    let module = module(
        &engine,
        "(module (func (export \"f\") (result i32) (i32.const 7)))",
    );
    let mut guest = WasmInstance::new(&engine, &module).unwrap();
    for limit in [1, 1_000, u64::MAX] {
        let options = CallOptions {
            time: TimeLimit::Milliseconds(limit),
            ..Default::default()
        };
        for _ in 0..1_000 {
            assert_eq!(guest.invoke("f", &[], options).unwrap(), [7.into()]);
        }
    }
    thread::sleep(Duration::from_millis(30));
    assert_eq!(guest.invoke("f", &[], unlimited()).unwrap(), [7.into()]);
}

#[test]
fn closing_the_engine_stops_what_runs_and_what_waits() {
    let engine = engine();
    let module = module(&engine, ENDLESS);
    let (sender, ends) = channel();
    let lane = engine.pool().lane();
    for _ in 0..3 {
        let (engine, module, sender) = (engine.clone(), module.clone(), sender.clone());
        let pool = engine.pool().clone();
        let job = move |turn| {
            let Turn::Run = turn else {
                return sender.send(turn_error(turn)).unwrap();
            };
            let called = WasmInstance::new(&engine, &module)
                .and_then(|mut guest| guest.invoke("nested", &[], unlimited()));
            sender.send(called.unwrap_err().code()).unwrap();
        };
        pool.submit(&lane, job).unwrap();
    }
    thread::sleep(Duration::from_millis(30));
    engine.close();
    drop(sender);
    assert_eq!(
        ends.iter().collect::<Vec<_>>(),
        [ErrorCode::EngineClosed; 3]
    );
}

fn turn_error(turn: Turn) -> ErrorCode {
    match turn {
        Turn::Run => unreachable!("it was stopped"),
        Turn::Stopped(reason) => reason.into_error(aingle_wasm_host::Phase::Call).code(),
    }
}

#[test]
fn a_ticket_stops_its_job_wherever_it_is() {
    let engine = engine();
    let module = module(&engine, ENDLESS);
    let (sender, ends) = channel();
    let lane = engine.pool().lane();
    let submit = |limit| {
        let (engine, module, sender) = (engine.clone(), module.clone(), sender.clone());
        let pool = engine.pool().clone();
        pool.submit_within(&lane, limit, move |turn, ticket| {
            let Turn::Run = turn else {
                return sender.send(turn_error(turn)).unwrap();
            };
            let options = CallOptions {
                ticket: Some(ticket),
                ..unlimited()
            };
            let called = WasmInstance::new(&engine, &module)
                .and_then(|mut guest| guest.invoke("nested", &[], options));
            sender.send(called.unwrap_err().code()).unwrap();
        })
        .unwrap()
    };
    let running = submit(None);
    let waiting = submit(None);
    let expiring = submit(Some(30));
    assert!(waiting.stop(StopReason::Aborted));
    assert_eq!(ends.recv().unwrap(), ErrorCode::Aborted);
    assert_eq!(ends.recv().unwrap(), ErrorCode::Timeout);
    assert!(running.stop(StopReason::Aborted));
    assert_eq!(ends.recv().unwrap(), ErrorCode::Aborted);
    assert!(expiring.stop(StopReason::Aborted), "it is over already");
    // The last one runs by its own deadline.
    let last = submit(Some(30));
    assert_eq!(ends.recv().unwrap(), ErrorCode::Timeout);
    drop((last, running));
    assert_eq!(engine.pool().waiting(), 0);
}

#[test]
fn a_stop_reaches_a_host_function_that_waits() {
    let engine = engine();
    let wat = r#"(module (import "env" "wait" (func $wait)) (func (export "f") (call $wait)))"#;
    let mut imports = Imports::new();
    let wait = HostFunction::new(|caller, _, _| {
        let woken = Arc::new((Mutex::new(false), Condvar::new()));
        let flag = Arc::clone(&woken);
        let _watch = caller.on_stop(Arc::new(move || {
            *flag.0.lock().unwrap() = true;
            flag.1.notify_all();
        }));
        let guard = woken.0.lock().unwrap();
        drop(woken.1.wait_while(guard, |woken| !*woken).unwrap());
        assert!(caller.is_stopping());
        Ok(())
    });
    imports.function("env", "wait", wait);
    let options = InstanceOptions {
        imports,
        ..common::keep()
    };
    let mut guest = WasmInstance::with_options(&engine, &module(&engine, wat), options).unwrap();
    let options = CallOptions {
        time: TimeLimit::Milliseconds(20),
        ..unlimited()
    };
    assert_eq!(
        guest.invoke("f", &[], options).unwrap_err().code(),
        ErrorCode::Timeout
    );
    assert_eq!(guest.state(), InstanceState::Poisoned, "a stop poisons");
}

#[test]
fn a_monitor_closes_the_instance_for_the_call_that_runs() {
    let mut guest = instance_with(ENDLESS, InstanceOptions::default());
    let monitor = guest.monitor();
    let closer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        monitor.close();
    });
    let error = guest.invoke("recursion", &[], unlimited()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InstanceClosed);
    closer.join().unwrap();
}

/// A guest that hands the work to its host, which calls it back.
const NESTED: &str = r#"(module
    (import "env" "back" (func $back (param i32 i32) (result i64)))
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "__aingle_guest_allocate") (param i32) (result i32)
      (global.get $top)
      (global.set $top (i32.and (i32.add (i32.add (global.get $top) (local.get 0)) (i32.const 7)) (i32.const -8))))
    (func (export "__aingle_guest_reset_arena") (global.set $top (i32.const 1024)))
    (func (export "__aingle_guest_mark") (result i32) (global.get $top))
    (func (export "__aingle_guest_release") (param i32) (global.set $top (local.get 0)))
    (func (export "down") (param i32 i32) (result i64) (call $back (local.get 0) (local.get 1)))
    (func (export "echo") (param i32 i32) (result i64)
      (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
    (func (export "top") (result i32) (global.get $top))
    (func (export "trap") (param i32 i32) (result i64) unreachable))"#;

fn nested(back: &'static str) -> WasmInstance {
    let mut imports = Imports::new();
    imports.envelope_fn("back", move |caller, input| Ok(caller.call(back, input)?));
    let options = InstanceOptions {
        imports,
        ..common::keep()
    };
    instance_with(NESTED, options)
}

#[test]
fn a_host_function_calls_the_guest_that_waits() {
    let mut guest = nested("echo");
    let direct = guest
        .call("echo", b"hello", CallOptions::default())
        .unwrap();
    let nested = guest
        .call("down", b"hello", CallOptions::default())
        .unwrap();
    assert_eq!(nested.bytes, b"hello");
    assert!(nested.receipt.fuel_used > 2 * direct.receipt.fuel_used);
    let top = guest.invoke("top", &[], CallOptions::default()).unwrap();
    assert_eq!(top, [1_024.into()], "memory was given back");
}

#[test]
fn guests_and_hosts_call_each_other_up_to_a_depth() {
    let codes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&codes);
    let mut imports = Imports::new();
    imports.envelope_fn("back", move |caller, input| {
        caller.call("down", input).map_err(|error| {
            seen.lock().unwrap().push(error.code());
            error.into()
        })
    });
    let options = InstanceOptions {
        imports,
        ..common::keep()
    };
    let mut guest = instance_with(NESTED, options);
    let error = guest.call("down", b"x", CallOptions::default());
    assert_eq!(error.unwrap_err().code(), ErrorCode::HostFunction);
    let codes = codes.lock().unwrap();
    assert_eq!(codes[0], ErrorCode::CallDepth, "the innermost call");
    assert_eq!(codes.len(), aingle_wasm_host::MAX_NESTING as usize);
}

#[test]
fn a_nested_trap_takes_all_fuel_with_it() {
    let mut imports = Imports::new();
    imports.envelope_fn("back", |caller, input| {
        assert_eq!(
            caller.call("trap", input).unwrap_err().code(),
            ErrorCode::Trap
        );
        assert_eq!(caller.fuel_left(), 0);
        Ok(Vec::new())
    });
    let options = InstanceOptions {
        imports,
        ..common::keep()
    };
    let mut guest = instance_with(NESTED, options);
    let error = guest
        .call("down", b"x", CallOptions::default())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::FuelExhausted);
}
