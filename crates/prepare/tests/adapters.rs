//! Floats and vectors that cross as integers.

mod common;

use aingle_wasm_prepare::{Adapters, PrepareConfig, prepare, reserved};
use aingle_wasm_types::meter;
use common::{DEPTH, Guest, Outcome};
use wasmi::Val;

fn adapted() -> PrepareConfig {
    PrepareConfig {
        adapters: Adapters::Bits,
        ..PrepareConfig::default()
    }
}

const LOW: i64 = 0x0123_4567_89ab_cdef;
const HIGH: i64 = -0x0fed_cba9_8765_4322;

#[test]
fn exported_functions_keep_every_bit() {
    let text = r#"(module
      (func (export "none") (param i32) (result i32) local.get 0)
      (func (export "swap") (param f32 i32 v128 f64) (result f64 v128 i32 f32)
        local.get 3 local.get 2 local.get 1 local.get 0)
      (func (export "halves") (param v128) (result i64 i64)
        local.get 0 i64x2.extract_lane 0 local.get 0 i64x2.extract_lane 1))"#;
    let mut guest = Guest::with(text, &adapted());
    let name = |position: u32| format!("{}{position}", reserved::EXACT);
    assert!(guest.instance.get_func(&guest.store, &name(0)).is_none());
    let (float, double) = (0x7fa1_2345_i32, 0x7ff4_0000_1234_5678_i64);
    let arguments = [
        Val::I32(float),
        Val::I32(-3),
        Val::I64(LOW),
        Val::I64(HIGH),
        Val::I64(double),
    ];
    let expected = [
        double as u64,
        LOW as u64,
        HIGH as u64,
        u64::from((-3_i32).cast_unsigned()),
        float as u64,
    ];
    assert_eq!(
        guest.cost(&name(1), &arguments),
        (expected.to_vec(), 4),
        "the adapter itself is free"
    );
    assert_eq!(
        guest.cost(&name(2), &[Val::I64(LOW), Val::I64(HIGH)]).0,
        [LOW as u64, HIGH as u64]
    );
}

#[test]
fn exported_globals_are_read_and_written() {
    let text = r#"(module
      (global (export "v") (mut v128) (v128.const i64x2 1 2)) (global (export "f") f32 (f32.const nan:0x212345))
      (global (export "i") (mut i32) (i32.const 0)) (func (export "read") (result i64) global.get 0 i64x2.extract_lane 1))"#;
    let mut guest = Guest::with(text, &adapted());
    let get = |position: u32| format!("{}{position}", reserved::EXACT_GET);
    let set = |position: u32| format!("{}{position}", reserved::EXACT_SET);
    assert_eq!(guest.cost(&get(0), &[]), (vec![1, 2], 0));
    guest.cost(&set(0), &[Val::I64(LOW), Val::I64(HIGH)]);
    assert_eq!(guest.cost("read", &[]).0, [HIGH as u64]);
    assert_eq!(guest.cost(&get(1), &[]).0, [0x7fa1_2345]);
    for name in [set(1), get(2), set(2)] {
        assert!(
            guest.instance.get_func(&guest.store, &name).is_none(),
            "{name}"
        );
    }
}

#[test]
fn imports_with_vectors_take_integers() {
    let text = r#"(module (import "env" "f" (func $f (param i32 v128) (result v128 f32)))
      (import "env" "g" (func $g (param f32) (result f32)))
      (table funcref (elem $f)) (export "f" (func $f))
      (func (export "direct") (result i64 f32) (local $r f32)
        i32.const 5 v128.const i64x2 7 8 call $f call $g local.set $r i64x2.extract_lane 1 local.get $r)
      (func (export "indirect") (result i64)
        i32.const 5 v128.const i64x2 7 8 i32.const 0 call_indirect (param i32 v128) (result v128 f32)
        drop i64x2.extract_lane 0))"#;
    let prepared = prepare(&wat::parse_str(text).unwrap(), &adapted()).unwrap();
    let engine = common::engine();
    let module = wasmi::Module::new(&engine, &prepared.bytes).unwrap();
    let mut store = wasmi::Store::new(&engine, ());
    let mut linker = wasmi::Linker::<()>::new(&engine);
    linker
        .func_wrap("env", "f", |number: i32, low: i64, high: i64| {
            (high, low + i64::from(number), 1.5_f32)
        })
        .unwrap()
        .func_wrap("env", "g", |value: f32| value * 2.0)
        .unwrap();
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    for (name, value) in [
        (meter::FUEL, Val::I64(1 << 40)),
        (meter::DEPTH, Val::I32(DEPTH)),
    ] {
        instance
            .get_global(&store, name)
            .unwrap()
            .set(&mut store, value)
            .unwrap();
    }
    let direct = instance
        .get_typed_func::<(), (i64, f32)>(&store, "direct")
        .unwrap();
    assert_eq!(direct.call(&mut store, ()).unwrap(), (12, 3.0));
    let indirect = instance
        .get_typed_func::<(), i64>(&store, "indirect")
        .unwrap();
    assert_eq!(indirect.call(&mut store, ()).unwrap(), 8);
    let exact = instance.get_typed_func::<(i32, i64, i64), (i64, i64, i32)>(
        &store,
        &format!("{}0", reserved::EXACT),
    );
    assert_eq!(
        exact.unwrap().call(&mut store, (1, 2, 3)).unwrap(),
        (3, 3, 0x3fc0_0000)
    );
}

#[test]
fn a_stop_inside_an_adapter_is_a_stop() {
    let text = r#"(module (func (export "f") (param f32) (result f32) loop br 0 end unreachable))"#;
    let mut guest = Guest::with(text, &adapted());
    let (outcome, _) = guest.call(&format!("{}0", reserved::EXACT), &[Val::I32(1)], 1_000);
    assert_eq!(outcome, Outcome::Stopped(meter::Stop::Fuel));
}
