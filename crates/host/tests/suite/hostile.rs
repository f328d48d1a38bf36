//! Guests that mean harm, a thousand times each in one process, and every order of letting go.

use crate::common::{self, engine, module};
use aingle_wasm_host::prelude::*;

const ROUNDS: usize = 1_000;

/// Calls `run` on a fresh instance again and again; every call must end with `code`.
fn repeat(wat: &str, code: ErrorCode) {
    let engine = engine();
    let module = module(&engine, wat);
    for round in 0..ROUNDS {
        let mut guest = WasmInstance::with_options(&engine, &module, host_functions()).unwrap();
        let options = CallOptions {
            fuel: Some(20_000),
            ..Default::default()
        };
        let error = guest.invoke("run", &[], options).unwrap_err();
        assert_eq!(error.code(), code, "round {round}");
    }
    assert_eq!(engine.stats().instances, 0);
    assert_eq!(engine.stats().calls, ROUNDS as u64);
}

fn host_functions() -> InstanceOptions {
    let mut imports = Imports::new();
    imports.function("m", "nop", HostFunction::new(|_, _, _| Ok(())));
    imports.function(
        "m",
        "fail",
        HostFunction::new(|_, _, _| Err(HostFunctionError::new("no"))),
    );
    InstanceOptions {
        imports,
        ..Default::default()
    }
}

macro_rules! hostile {
    ($($name:ident: $code:ident, $wat:literal;)+) => { $(
        #[test]
        fn $name() {
            repeat($wat, ErrorCode::$code);
        }
    )+ };
}

hostile! {
    endless_loop: FuelExhausted, r#"(module (func (export "run") (loop (br 0))))"#;
    endless_recursion: StackOverflow, r#"(module (func $f (export "run") (call $f)))"#;
    mutual_recursion: StackOverflow, r#"(module (func $f (export "run") (call $g)) (func $g (call $f)))"#;
    indirect_recursion: StackOverflow, r#"(module (table funcref (elem $f))
        (func $f (export "run") (call_indirect (i32.const 0))))"#;
    memory_bomb: FuelExhausted, r#"(module (memory 1)
        (func (export "run") (loop (drop (memory.grow (i32.const 1))) (br 0))))"#;
    table_bomb: FuelExhausted, r#"(module (table $t 1 externref)
        (func (export "run") (loop (drop (table.grow $t (ref.null extern) (i32.const 100))) (br 0))))"#;
    failing_growth: FuelExhausted, r#"(module (memory 1 1)
        (func (export "run") (loop (drop (memory.grow (i32.const -1))) (br 0))))"#;
    fill_bomb: FuelExhausted, r#"(module (memory 16)
        (func (export "run") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576)) (br 0))))"#;
    host_call_flood: FuelExhausted, r#"(module (import "m" "nop" (func $f))
        (func (export "run") (loop (call $f) (br 0))))"#;
    unreachable_code: Trap, r#"(module (func (export "run") unreachable))"#;
    wild_pointer: Trap, r#"(module (memory 1) (func (export "run") (drop (i32.load (i32.const -4)))))"#;
    division_by_zero: Trap, r#"(module (func (export "run") (drop (i32.div_u (i32.const 1) (i32.const 0)))))"#;
    failing_host_function: HostFunction, r#"(module (import "m" "fail" (func $f)) (func (export "run") (call $f)))"#;
}

#[test]
fn a_kept_instance_traps_a_thousand_times_and_works_in_between() {
    let wat = r#"(module (memory 1)
        (func (export "run") (drop (i32.load (i32.const -4))))
        (func (export "fine") (result i32) (i32.const 7)))"#;
    let mut guest = common::instance_with(wat, common::keep());
    for _ in 0..ROUNDS {
        assert_eq!(common::code_of(&mut guest, "run", &[]), ErrorCode::Trap);
        assert_eq!(
            guest.invoke("fine", &[], CallOptions::default()).unwrap(),
            [7.into()]
        );
    }
}

/// Growing must leave nothing on the native stack, and what grew must be there.
#[test]
fn a_million_growths_fit_on_a_small_stack() {
    let wat = r#"(module (memory 1 2) (table $t 1 2 funcref) (table $u 1 2 externref)
        (func (export "run") (param i32) (result i32)
          (i32.store (i32.const 65532) (memory.grow (i32.const 1)))
          (i32.store (i32.const 131068) (table.grow $t (ref.null func) (i32.const 1)))
          (table.set $u (table.grow $u (ref.null extern) (i32.const 1)) (ref.null extern))
          (loop
            (drop (memory.grow (i32.const 1)))
            (drop (table.grow $t (ref.null func) (i32.const 1)))
            (drop (table.grow $u (ref.null extern) (i32.const 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (i32.add (i32.add (memory.size) (i32.load (i32.const 65532)))
            (i32.add (i32.add (table.size $t) (table.size $u)) (i32.load (i32.const 131068))))))"#;
    let engine = engine();
    let module = module(&engine, wat);
    let mut guest = WasmInstance::new(&engine, &module).unwrap();
    let run = move || {
        let options = CallOptions {
            fuel: Some(1 << 40),
            ..Default::default()
        };
        guest.invoke("run", &[1_000_000.into()], options).unwrap()
    };
    let small = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .unwrap();
    assert_eq!(small.join().unwrap(), [(2 + 1 + 2 + 2 + 1).into()]);
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    let engine = engine();
    let whole =
        wat::parse_str("(module (memory 1) (func (export \"f\") (result i32) i32.const 1))")
            .unwrap();
    for cut in 0..whole.len() {
        if let Err(error) = engine.compile(&whole[..cut]) {
            assert!(
                matches!(
                    error.code(),
                    ErrorCode::ModuleMalformed | ErrorCode::ModuleInvalid
                ),
                "{error}"
            );
        }
    }
    for bytes in [&b""[..], b"not wasm", b"\0asm\x02\0\0\0", &[0; 100]] {
        assert_eq!(
            engine.compile(bytes).unwrap_err().code(),
            ErrorCode::ModuleMalformed
        );
        assert_eq!(
            engine.validate(bytes).unwrap_err().code(),
            ErrorCode::ModuleMalformed
        );
    }
}

#[test]
fn deep_nesting_compiles_or_is_refused() {
    let engine = engine();
    for depth in [1_000, 9_999, 20_000] {
        let outcome = engine
            .compile(&nested(depth))
            .map(drop)
            .map_err(|error| error.code());
        let expected = if depth < 10_000 {
            Ok(())
        } else {
            Err(ErrorCode::ModuleTooComplex)
        };
        assert_eq!(outcome, expected, "{depth}");
    }
}

/// A function of `depth` nested blocks, in binary, because the text parser is recursive.
fn nested(depth: usize) -> Vec<u8> {
    let mut body = vec![0];
    body.extend([0x02, 0x40].repeat(depth));
    body.extend([0x0b].repeat(depth + 1));
    let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
    let mut code = vec![1];
    code.extend(leb(body.len()));
    code.extend(body);
    wasm.push(10);
    wasm.extend(leb(code.len()));
    wasm.extend(code);
    wasm
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn engine_module_and_instance_may_be_dropped_in_any_order() {
    let make = || {
        let engine = engine();
        let module = module(
            &engine,
            r#"(module (memory 1) (func (export "f") (result i32) i32.const 3))"#,
        );
        let guest = WasmInstance::new(&engine, &module).unwrap();
        (engine, module, guest)
    };
    let works = |guest: &mut WasmInstance| {
        assert_eq!(
            guest.invoke("f", &[], CallOptions::default()).unwrap(),
            [3.into()]
        );
    };
    for _ in 0..50 {
        let (engine, module, mut guest) = make();
        drop(engine);
        works(&mut guest);
        drop(module);
        works(&mut guest);

        let (engine, module, mut guest) = make();
        drop(module);
        works(&mut guest);
        drop(engine);
        works(&mut guest);

        let (engine, module, guest) = make();
        drop(guest);
        drop(engine);
        assert_eq!(module.info().exports.len(), 1);
    }
}

#[test]
fn instances_move_between_threads() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (func (export "trap") unreachable) (func (export "f")))"#,
    );
    let mut guest = WasmInstance::with_options(&engine, &module, common::keep()).unwrap();
    for _ in 0..20 {
        guest = std::thread::spawn(move || {
            assert_eq!(common::code_of(&mut guest, "trap", &[]), ErrorCode::Trap);
            guest.invoke("f", &[], CallOptions::default()).unwrap();
            guest
        })
        .join()
        .unwrap();
    }
}

#[test]
fn many_threads_trap_at_once() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (memory 1) (func $f (export "deep") (call $f))
        (func (export "wild") (drop (i32.load (i32.const -4)))) (func (export "spin") (loop (br 0))))"#,
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    for (export, code) in [
                        ("deep", ErrorCode::StackOverflow),
                        ("wild", ErrorCode::Trap),
                        ("spin", ErrorCode::FuelExhausted),
                    ] {
                        let mut guest = WasmInstance::new(&engine, &module).unwrap();
                        let options = CallOptions {
                            fuel: Some(10_000),
                            ..Default::default()
                        };
                        assert_eq!(guest.invoke(export, &[], options).unwrap_err().code(), code);
                    }
                }
            });
        }
    });
}
