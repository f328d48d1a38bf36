//! Calls that run in slices of fuel.

use std::sync::{Arc, Mutex};

use crate::common::engine;
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{CompileOptions, Slice, SliceDecision, SliceOptions};

const WORK: &str = r#"(module
    (func (export "count") (param i32) (result i32) (local i32)
      (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 1) (local.get 0))))
      (local.get 1))
    (func $fib (export "fib") (param i32) (result i32)
      (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                       (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#;

fn sliceable(engine: &WasmEngine) -> WasmInstance {
    let wasm = wat::parse_str(WORK).unwrap();
    let options = CompileOptions { sliceable: true };
    let module = engine.compile_with(&wasm, options).unwrap();
    WasmInstance::new(engine, &module).unwrap()
}

/// Runs `fib(15)` and answers how it ended, the fuel used, and the slices that were seen.
fn run(
    limit: u64,
    slice: u64,
    decide: impl Fn(Slice) -> SliceDecision + Send + Sync + 'static,
) -> (Result<Vec<Value>, ErrorCode>, u64, Vec<Slice>) {
    let engine = engine();
    let mut guest = sliceable(&engine);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let slices = SliceOptions {
        fuel: slice,
        decide: Arc::new(move |caller, slice| {
            assert_eq!(caller.fuel_left(), slice.left);
            note.lock().unwrap().push(slice);
            Ok(decide(slice))
        }),
    };
    let options = CallOptions {
        fuel: Some(limit),
        slices: Some(&slices),
        ..Default::default()
    };
    let result = guest.invoke("fib", &[15.into()], options);
    let seen = seen.lock().unwrap().clone();
    (
        result.map_err(|error| error.code()),
        guest.fuel_used(),
        seen,
    )
}

fn unsliced() -> u64 {
    let engine = engine();
    let mut guest = sliceable(&engine);
    let options = CallOptions::default();
    assert_eq!(
        guest.invoke("fib", &[15.into()], options).unwrap(),
        [610.into()]
    );
    guest.fuel_used()
}

#[test]
fn slices_change_neither_results_nor_counts() {
    let cost = unsliced();
    for slice in [1, 100, 5_000, cost, 2 * cost] {
        let (result, used, seen) = run(1 << 40, slice, |_| SliceDecision::Continue(0));
        assert_eq!((result, used), (Ok(vec![610.into()]), cost), "{slice}");
        assert!(
            seen.iter()
                .zip(1..)
                .all(|(slice, count)| slice.count == count)
        );
        assert!(seen.windows(2).all(|pair| pair[0].used < pair[1].used));
        assert!(seen.iter().all(|slice| slice.used + slice.left == 1 << 40));
        assert_eq!(seen.is_empty(), slice >= cost, "{slice}");
    }
}

#[test]
fn fuel_equal_to_the_cost_passes_and_one_less_fails() {
    let cost = unsliced();
    for slice in [7, 1_000] {
        let ends = |limit| {
            let (result, used, _) = run(limit, slice, |_| SliceDecision::Continue(0));
            (result.is_ok(), used)
        };
        assert_eq!(ends(cost), (true, cost));
        assert_eq!(ends(cost - 1), (false, cost - 1));
    }
}

#[test]
fn fuel_can_be_added_when_there_is_none_left() {
    let cost = unsliced();
    let add = |slice: Slice| SliceDecision::Continue(if slice.left == 0 { 1_000 } else { 0 });
    let (result, used, _) = run(500, 100, add);
    assert_eq!((result, used), (Ok(vec![610.into()]), cost));
}

#[test]
fn a_guest_can_be_stopped_between_slices() {
    let stop = |slice: Slice| match slice.count {
        3 => SliceDecision::Stop,
        _ => SliceDecision::Continue(0),
    };
    let (result, _, seen) = run(1 << 40, 100, stop);
    assert_eq!((result, seen.len()), (Err(ErrorCode::Aborted), 3));
}

#[test]
fn a_module_that_was_not_compiled_for_it_is_refused() {
    let engine = engine();
    let module = engine.compile(&wat::parse_str(WORK).unwrap()).unwrap();
    let mut guest = WasmInstance::new(&engine, &module).unwrap();
    let slices = SliceOptions {
        fuel: 1,
        decide: Arc::new(|_, _| Ok(SliceDecision::Stop)),
    };
    let options = CallOptions {
        slices: Some(&slices),
        ..Default::default()
    };
    let error = guest.invoke("fib", &[1.into()], options).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgValue);
}

#[test]
fn the_cache_tells_sliceable_modules_from_others() {
    let engine = engine();
    let wasm = wat::parse_str(WORK).unwrap();
    for sliceable in [false, true, false, true] {
        let options = CompileOptions { sliceable };
        let module = engine.compile_cached_with(b"m", &wasm, options).unwrap();
        assert_eq!(module.is_sliceable(), sliceable);
    }
    assert_eq!(engine.cache_stats().misses, 2);
}
