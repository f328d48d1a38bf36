//! Memory, tables and call depth: what is clamped, what growing does at and above a cap, where recursion stops.

mod common;

use aingle_wasm_prepare::{
    ErrorKind, ExternType, MemoryType, PrepareConfig, TableType, ValueType, prepare,
};
use aingle_wasm_types::ErrorCode;
use aingle_wasm_types::meter::{self, Stop};
use common::{DEPTH, Guest, Outcome};
use wasmi::Val;

const REFUSED: u64 = 0xffff_ffff;

fn small() -> PrepareConfig {
    PrepareConfig {
        memory_pages: 10,
        table_elements: 100,
        ..PrepareConfig::default()
    }
}

const GROWING: &str = r#"(module (memory (export "memory") 2) (table $a 10 funcref) (table $b 20 30 externref)
  (func (export "memory_grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "pages") (result i32) memory.size)
  (func (export "a") (param i32) (result i32) ref.null func local.get 0 table.grow $a)
  (func (export "b") (param i32) (result i32) ref.null extern local.get 0 table.grow $b)
  (func (export "elements") (result i32 i32) table.size $a table.size $b))"#;

fn value(guest: &mut Guest, name: &str, argument: i32) -> u64 {
    guest.cost(name, &[Val::I32(argument)]).0[0]
}

#[test]
fn memory_grows_to_the_cap_and_not_past_it() {
    let mut guest = Guest::with(GROWING, &small());
    assert_eq!(value(&mut guest, "memory_grow", 9), REFUSED);
    assert_eq!(value(&mut guest, "memory_grow", -1), REFUSED);
    assert_eq!(value(&mut guest, "memory_grow", 8), 2);
    assert_eq!(value(&mut guest, "memory_grow", 0), 10);
    assert_eq!(value(&mut guest, "memory_grow", 1), REFUSED);
    assert_eq!(guest.cost("pages", &[]).0, [10]);
}

#[test]
fn a_lower_cap_of_one_instance_holds() {
    let mut guest = Guest::with(GROWING, &small());
    guest.set_global(meter::MEMORY_CAP, 4i32);
    assert_eq!(value(&mut guest, "memory_grow", 3), REFUSED);
    assert_eq!(value(&mut guest, "memory_grow", 2), 2);
    guest.set_global(meter::TABLE_CAP, 33i32);
    assert_eq!(value(&mut guest, "a", 4), REFUSED);
    assert_eq!(value(&mut guest, "a", 3), 10);
}

#[test]
fn tables_share_one_cap() {
    let mut guest = Guest::with(GROWING, &small());
    assert_eq!(value(&mut guest, "a", 71), REFUSED);
    assert_eq!(value(&mut guest, "a", 60), 10);
    assert_eq!(
        value(&mut guest, "b", 11),
        REFUSED,
        "over its own maximum, though below the cap"
    );
    assert_eq!(value(&mut guest, "b", 10), 20);
    assert_eq!(value(&mut guest, "a", 1), REFUSED);
    assert_eq!(value(&mut guest, "a", -1), REFUSED);
    assert_eq!(guest.cost("elements", &[]).0, [70, 30]);
}

#[test]
fn a_declared_maximum_refuses_before_the_cap_does() {
    let mut guest = Guest::with(
        r#"(module (memory 1 3) (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))"#,
        &small(),
    );
    assert_eq!(value(&mut guest, "grow", 3), REFUSED);
    assert_eq!(value(&mut guest, "grow", 2), 1);
}

#[test]
fn the_initial_caps_are_the_configured_ones() {
    let guest = Guest::with(GROWING, &small());
    assert_eq!(guest.global(meter::MEMORY_CAP).i32(), Some(10));
    assert_eq!(guest.global(meter::TABLE_CAP).i32(), Some(100));
}

#[test]
fn a_growth_below_the_cap_that_the_engine_refuses_stops_the_guest() {
    // The engine's own limit stands for a machine that has no more memory.
    let wasm = wat::parse_str(GROWING).unwrap();
    let prepared = prepare(&wasm, &small()).unwrap();
    let engine = common::engine();
    let module = wasmi::Module::new(&engine, &prepared.bytes).unwrap();
    let limits = wasmi::StoreLimitsBuilder::new()
        .memory_size(5 * 65_536)
        .table_elements(30)
        .build();
    let mut store = wasmi::Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = wasmi::Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    let status = instance.get_global(&store, meter::STATUS).unwrap();
    let depth_and_fuel = [
        (meter::FUEL, Val::I64(1 << 40)),
        (meter::DEPTH, Val::I32(DEPTH)),
    ];
    for (name, value) in depth_and_fuel {
        instance
            .get_global(&store, name)
            .unwrap()
            .set(&mut store, value)
            .unwrap();
    }
    for (name, fits, does_not) in [("memory_grow", 3, 1), ("a", 20, 1)] {
        let grow = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
        status.set(&mut store, Val::I32(0)).unwrap();
        grow.call(&mut store, fits).unwrap();
        assert_eq!(status.get(&store).i32(), Some(0));
        assert!(grow.call(&mut store, does_not).is_err());
        assert_eq!(
            status.get(&store).i32(),
            Some(Stop::OutOfMemory.as_i32()),
            "{name}"
        );
    }
}

#[test]
fn what_is_imported_may_have_a_maximum_of_its_own() {
    let wasm = wat::parse_str(
        r#"(module (import "a" "m" (memory 1)) (import "a" "t" (table 1 funcref))
          (func (export "m") (param i32) (result i32) local.get 0 memory.grow)
          (func (export "t") (param i32) (result i32) ref.null func local.get 0 table.grow))"#,
    )
    .unwrap();
    let prepared = prepare(&wasm, &small()).unwrap();
    let engine = common::engine();
    let module = wasmi::Module::new(&engine, &prepared.bytes).unwrap();
    let mut store = wasmi::Store::new(&engine, ());
    let memory = wasmi::Memory::new(&mut store, wasmi::MemoryType::new(1, Some(3))).unwrap();
    let null = wasmi::Ref::default_for_ty(wasmi::RefType::Func);
    let table = wasmi::Table::new(
        &mut store,
        wasmi::TableType::new(wasmi::RefType::Func, 1, Some(3)),
        null,
    )
    .unwrap();
    let mut linker = wasmi::Linker::<()>::new(&engine);
    linker
        .define("a", "m", memory)
        .unwrap()
        .define("a", "t", table)
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
    for name in ["m", "t"] {
        let grow = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
        assert_eq!(
            [1, 2, 1].map(|by| grow.call(&mut store, by).unwrap()),
            [1, -1, 2],
            "{name}"
        );
    }
}

#[test]
fn a_minimum_over_the_cap_is_refused_with_its_numbers() {
    let refusal = |text: &str| prepare(&wat::parse_str(text).unwrap(), &small()).unwrap_err();
    prepare(
        &wat::parse_str("(module (memory 10) (table 60 funcref) (table 40 externref))").unwrap(),
        &small(),
    )
    .unwrap();
    for text in [
        "(module (memory 11))",
        r#"(module (import "a" "b" (memory 11)))"#,
    ] {
        let error = refusal(text);
        assert_eq!(error.code(), ErrorCode::MemoryLimit);
        assert_eq!(
            *error.kind(),
            ErrorKind::MemoryLimit {
                limit: 10 * 65_536,
                value: 11 * 65_536
            }
        );
    }
    let error = refusal("(module (table 60 funcref) (table 41 externref))");
    assert_eq!(error.code(), ErrorCode::TableLimit);
    assert_eq!(
        *error.kind(),
        ErrorKind::TableLimit {
            limit: 100,
            value: 101
        }
    );
}

#[test]
fn the_prepared_module_declares_clamped_maximums_and_the_description_the_authors() {
    let wasm = wat::parse_str(
        r#"(module (import "a" "t" (table 1 funcref)) (import "a" "m" (memory 1 9))
          (table (export "u") 2 500 externref) (export "m" (memory 0)))"#,
    )
    .unwrap();
    let prepared = prepare(&wasm, &small()).unwrap();
    let authors: Vec<_> = prepared
        .info
        .imports
        .iter()
        .map(|import| import.ty.clone())
        .collect();
    let table = TableType {
        element: ValueType::FuncRef,
        min: 1,
        max: None,
    };
    let memory = MemoryType {
        min: 1,
        max: Some(9),
    };
    assert_eq!(
        authors,
        [ExternType::Table(table), ExternType::Memory(memory)]
    );
    assert_eq!(prepared.info.exports.len(), 2);

    let engine = common::engine();
    let module = wasmi::Module::new(&engine, &prepared.bytes).unwrap();
    let maximums: Vec<_> = module
        .imports()
        .map(|import| match import.ty() {
            wasmi::ExternType::Table(table) => table.maximum(),
            wasmi::ExternType::Memory(memory) => memory.maximum(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(maximums, [Some(100), Some(9)]);
    let Some(wasmi::ExternType::Table(table)) = module.get_export("u") else {
        panic!("no table")
    };
    assert_eq!(table.maximum(), Some(100));
    assert!(matches!(
        module.get_export(meter::MEMORY),
        Some(wasmi::ExternType::Memory(_))
    ));
}

#[test]
fn recursion_stops_at_the_given_depth() {
    // A frame with 17 slots weighs 2, one with 16 vectors 3.
    let frames = [
        ("", 1),
        (
            "(local i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)",
            2,
        ),
    ];
    for (locals, weight) in frames {
        let mut guest = Guest::new(&format!(
            r#"(module (func $f (export "f") (param i32) {locals}
              local.get 0 if local.get 0 i32.const 1 i32.sub call $f end))"#
        ));
        let deepest = DEPTH / weight - 1;
        assert!(matches!(
            guest.call("f", &[Val::I32(deepest)], 1 << 40).0,
            Outcome::Returned(_)
        ));
        assert_eq!(
            guest.call("f", &[Val::I32(deepest + 1)], 1 << 40).0,
            Outcome::Stopped(Stop::Depth)
        );
    }
}

#[test]
fn depth_is_given_back_by_every_way_out() {
    let mut guest = Guest::new(
        r#"(module (type $t (func (param i32) (result i32 i64)))
          (func $f (export "f") (param i32) (result i32 i64)
            block i32.const 1 i64.const 2 local.get 0 i32.eqz br_if 1 drop drop
              local.get 0 i32.const 1 i32.eq if i32.const 3 i64.const 4 return end
              local.get 0 i32.const 2 i32.eq if i32.const 5 i64.const 6 br 2 end
              local.get 0 i32.const 10 i32.lt_u
              if i32.const 7 i64.const 8 local.get 0 i32.const 3 i32.sub br_table 2 2 2 end
            end
            local.get 0 if local.get 0 i32.const 10 i32.sub call $f drop drop end
            i32.const 9 i64.const 10))"#,
    );
    for (argument, results) in [
        (0, [1, 2]),
        (1, [3, 4]),
        (2, [5, 6]),
        (3, [7, 8]),
        (4, [7, 8]),
        (10, [9, 10]),
    ] {
        let (outcome, _) = guest.call("f", &[Val::I32(argument)], 10_000);
        assert_eq!(outcome, Outcome::Returned(results.to_vec()), "{argument}");
        assert_eq!(guest.global(meter::DEPTH).i32(), Some(DEPTH), "{argument}");
    }
}

#[test]
fn mutual_and_indirect_recursion_are_counted() {
    for body in [
        "(func $f (export \"f\") call $g) (func $g call $h) (func $h call $f)",
        "(table funcref (elem $f)) (func $f (export \"f\") i32.const 0 call_indirect)",
        "(table funcref (elem $f)) (func $f (export \"f\") call $g) (func $g i32.const 0 call_indirect)",
        "(table (export \"t\") 1 funcref) (elem (i32.const 0) $g) (func $f (export \"f\") call $g) (func $g i32.const 0 call_indirect)",
        "(table 1 funcref) (func $f (export \"f\") (table.set (i32.const 0) (ref.func $f)) (call_indirect (i32.const 0)))",
        "(table 1 funcref) (global funcref (ref.func $f))
         (func $f (export \"f\") (table.set (i32.const 0) (global.get 0)) (call_indirect (i32.const 0)))",
    ] {
        let mut guest = Guest::new(&format!("(module {body})"));
        assert_eq!(guest.call("f", &[], 1 << 40).0, Outcome::Stopped(Stop::Depth), "{body}");
    }
}

#[test]
fn functions_that_cannot_recurse_take_their_heaviest_chain_at_once() {
    let mut guest = Guest::new(
        r#"(module (table funcref (elem $leaf))
          (func $leaf (param i32) (result i32) local.get 0)
          (func $heavy (local v128 v128 v128 v128 v128 v128 v128 v128))
          (func (export "f") (result i32) i32.const 3 i32.const 0 call_indirect (param i32) (result i32))
          (func (export "g") (result i32) call $heavy call $heavy i32.const 3))"#,
    );
    for (name, chain) in [("f", 2), ("g", 3)] {
        for (depth, outcome) in [
            (chain, Outcome::Returned(vec![3])),
            (chain - 1, Outcome::Stopped(Stop::Depth)),
        ] {
            guest.set_global(meter::FUEL, 100i64);
            guest.set_global(meter::STATUS, 0i32);
            guest.set_global(meter::DEPTH, depth);
            assert_eq!(
                guest.call_again(name, &[], 100).0,
                outcome,
                "{name} with {depth}"
            );
        }
        assert_eq!(guest.call(name, &[], 100).0, Outcome::Returned(vec![3]));
        assert_eq!(guest.global(meter::DEPTH).i32(), Some(DEPTH));
    }
}

#[test]
fn a_long_chain_without_recursion_stops_for_depth_and_not_in_the_engine() {
    let links: String = (1..20_000)
        .map(|i| format!("(func $f{i} call $f{})", i - 1))
        .collect();
    let mut guest = Guest::new(&format!(
        r#"(module (func $f0) {links} (func (export "short") call $f400) (func (export "long") call $f19999))"#
    ));
    assert_eq!(
        guest.call("long", &[], 1 << 40).0,
        Outcome::Stopped(Stop::Depth)
    );
    assert_eq!(
        guest.call("short", &[], 1 << 40).0,
        Outcome::Returned(vec![])
    );
}
