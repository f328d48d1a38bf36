//! The module cache: same bytes, same module; least recently used goes first; one compilation for many threads.

use std::sync::Barrier;

use crate::common;
use aingle_wasm_host::CacheStats;
use aingle_wasm_host::prelude::*;

/// A module of its own for each `n`.
fn wasm(n: u32) -> Vec<u8> {
    wat::parse_str(format!(
        "(module (func (export \"n\") (result i32) i32.const {n}))"
    ))
    .unwrap()
}

fn engine(cache_size: u64) -> WasmEngine {
    WasmEngine::new(EngineConfig {
        cache_size,
        ..common::config()
    })
    .unwrap()
}

/// Bytes that one of these modules takes.
fn one() -> u64 {
    let engine = engine(1 << 30);
    engine.compile_cached(b"", &wasm(0)).unwrap();
    engine.cache_stats().bytes
}

fn hits_and_misses(engine: &WasmEngine) -> (u64, u64) {
    let CacheStats { hits, misses, .. } = engine.cache_stats();
    (hits, misses)
}

fn run(engine: &WasmEngine, module: &Module) -> Vec<Value> {
    let mut guest = WasmInstance::new(engine, module).unwrap();
    guest.invoke("n", &[], CallOptions::default()).unwrap()
}

#[test]
fn the_same_bytes_are_compiled_once_under_any_label() {
    let engine = engine(1 << 30);
    let first = engine.compile_cached(b"a", &wasm(1)).unwrap();
    let again = engine.compile_cached(b"a", &wasm(1)).unwrap();
    let other = engine.compile_cached(b"b", &wasm(1)).unwrap();
    assert_eq!(hits_and_misses(&engine), (2, 1));
    assert_eq!(engine.stats().compiled, 1);
    // One module: its handles are good for all.
    let handle = first.export_handle("n").unwrap();
    for module in [again, other] {
        let mut guest = WasmInstance::new(&engine, &module).unwrap();
        guest
            .invoke_with(handle, &[], CallOptions::default(), &mut Vec::new())
            .unwrap();
    }
    assert_eq!(first.digest().len(), 64);
}

#[test]
fn a_label_never_stands_for_other_bytes() {
    let engine = engine(1 << 30);
    for n in [1, 2, 1, 3, 2] {
        let module = engine.compile_cached(b"label", &wasm(n)).unwrap();
        assert_eq!(run(&engine, &module), [Value::I32(n.cast_signed())]);
    }
    assert_eq!(hits_and_misses(&engine), (2, 3));
}

#[test]
fn the_least_recently_used_module_goes_first() {
    let engine = engine(one() * 3 + one() / 2);
    for n in [1, 2, 3] {
        engine
            .compile_cached(&n.to_string().into_bytes(), &wasm(n))
            .unwrap();
    }
    engine.compile_cached(b"1", &wasm(1)).unwrap();
    engine.compile_cached(b"4", &wasm(4)).unwrap();
    assert_eq!(engine.cache_stats().entries, 3);
    let misses = |n: u32| {
        let before = hits_and_misses(&engine).1;
        engine
            .compile_cached(&n.to_string().into_bytes(), &wasm(n))
            .unwrap();
        hits_and_misses(&engine).1 - before
    };
    assert_eq!([misses(1), misses(3), misses(4)], [0, 0, 0]);
    // 2 had not been used for longest; its return costs 1 its place.
    assert_eq!([misses(2), misses(1)], [1, 1]);
    assert!(engine.cache_stats().bytes <= one() * 4);
}

#[test]
fn what_a_label_no_longer_stands_for_goes_before_older_modules() {
    let engine = engine(one() * 3 + one() / 2);
    engine.compile_cached(b"old", &wasm(1)).unwrap();
    engine.compile_cached(b"app", &wasm(2)).unwrap();
    engine.compile_cached(b"app", &wasm(3)).unwrap();
    engine.compile_cached(b"new", &wasm(4)).unwrap();
    engine.compile_cached(b"old", &wasm(1)).unwrap();
    assert_eq!(
        hits_and_misses(&engine),
        (1, 4),
        "2 went, though 1 was older"
    );
}

#[test]
fn labels_without_number_take_no_place() {
    let engine = engine(1 << 30);
    for n in 0..1_000_u32 {
        engine
            .compile_cached(&n.to_le_bytes(), &wasm(n % 2))
            .unwrap();
    }
    assert_eq!(engine.cache_stats().entries, 2);
    assert_eq!(hits_and_misses(&engine), (998, 2));
}

#[test]
fn a_cache_of_nothing_still_compiles_and_cleared_modules_still_run() {
    let none = engine(0);
    let module = none.compile_cached(b"a", &wasm(1)).unwrap();
    none.compile_cached(b"a", &wasm(1)).unwrap();
    assert_eq!(
        none.cache_stats(),
        CacheStats {
            misses: 2,
            ..CacheStats::default()
        }
    );
    assert_eq!(run(&none, &module), [Value::I32(1)]);

    let engine = engine(1 << 30);
    let module = engine.compile_cached(b"a", &wasm(1)).unwrap();
    engine.clear_cache();
    assert_eq!(
        (engine.cache_stats().bytes, engine.cache_stats().entries),
        (0, 0)
    );
    assert_eq!(run(&engine, &module), [Value::I32(1)]);
}

#[test]
fn threads_that_ask_for_the_same_bytes_share_one_compilation() {
    let engine = engine(1 << 30);
    let wasm = wasm(7);
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                let module = engine.compile_cached(b"shared", &wasm).unwrap();
                assert_eq!(run(&engine, &module), [Value::I32(7)]);
            });
        }
    });
    assert_eq!(engine.stats().compiled, 1);
    assert_eq!(hits_and_misses(&engine), (7, 1));
}

#[test]
fn a_failed_compilation_is_every_callers_own_and_leaves_nothing() {
    let engine = engine(1 << 30);
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                let error = engine.compile_cached(b"bad", b"\0asm").unwrap_err();
                assert_eq!(error.code(), ErrorCode::ModuleMalformed);
            });
        }
    });
    assert_eq!(
        (engine.cache_stats().entries, engine.stats().compiled),
        (0, 0)
    );
}

#[test]
fn custom_sections_and_info_are_the_authors() {
    let mut bytes = wasm(1);
    for contents in [&b"one"[..], b"two"] {
        bytes.extend([0, 5 + contents.len() as u8, 4]);
        bytes.extend(b"note");
        bytes.extend(contents);
    }
    let module = common::engine().compile(&bytes).unwrap();
    assert_eq!(module.custom_sections("note"), [b"one", b"two"]);
    assert!(module.custom_sections("other").is_empty());
    assert_eq!(module.info().exports.len(), 1);
}
