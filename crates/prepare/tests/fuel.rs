//! Cost model 1, frozen: what small programs cost, counted by running them.

mod common;

use aingle_wasm_types::meter::{self, Stop};
use common::{Guest, Outcome};
use wasmi::Val;

/// Body of `(func (export "f") (param i32) (result i32) …)`, argument, result, cost.
type Case = (&'static str, i32, u64, i64);

/// Counted by hand: every executed operator 1, structure 0.
const CASES: &[Case] = &[
    ("i32.const 7", 0, 7, 1),
    ("nop nop i32.const 7 nop", 0, 7, 1),
    ("block nop end loop end i32.const 7", 0, 7, 1),
    ("local.get 0 i32.const 1 i32.add", 4, 5, 3),
    ("i32.const 7 return", 0, 7, 2),
    ("i32.const 7 return unreachable i32.const 1", 0, 7, 2),
    (
        "(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2) (drop) (i32.const 3)))",
        1,
        1,
        3,
    ),
    (
        "(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2) (drop) (i32.const 3)))",
        0,
        3,
        5,
    ),
    ("local.get 0 if nop end i32.const 1", 0, 1, 3),
    ("local.get 0 if i32.const 3 drop end i32.const 1", 1, 1, 5),
    ("local.get 0 if i32.const 3 drop end i32.const 1", 0, 1, 3),
    // A branch costs the same taken or not.
    (
        "block local.get 0 br_if 0 i32.const 3 drop end i32.const 1",
        1,
        1,
        3,
    ),
    (
        "block local.get 0 br_if 0 i32.const 3 drop end i32.const 1",
        0,
        1,
        5,
    ),
    ("block br 0 i32.const 3 drop end i32.const 1", 0, 1, 2),
    (
        "block (result i32) i32.const 9 local.get 0 br_if 0 drop i32.const 8 end",
        1,
        9,
        3,
    ),
    (
        "block (result i32) i32.const 9 local.get 0 br_if 0 drop i32.const 8 end",
        0,
        8,
        5,
    ),
    // br_table to three places.
    (
        "block block block local.get 0 br_table 0 1 2 end i32.const 1 drop end i32.const 1 drop end i32.const 5",
        0,
        5,
        7,
    ),
    (
        "block block block local.get 0 br_table 0 1 2 end i32.const 1 drop end i32.const 1 drop end i32.const 5",
        1,
        5,
        5,
    ),
    (
        "block block block local.get 0 br_table 0 1 2 end i32.const 1 drop end i32.const 1 drop end i32.const 5",
        9,
        5,
        3,
    ),
    // Six operators a round: get, const, sub, tee, br_if; and one get at the end.
    (
        "loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end local.get 0",
        1,
        0,
        6,
    ),
    (
        "loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end local.get 0",
        100,
        0,
        501,
    ),
    // A loop entered only by falling in, and left by br out of it.
    (
        "block loop local.get 0 i32.eqz br_if 1 local.get 0 i32.const 1 i32.sub local.set 0 br 0 end end local.get 0",
        3,
        0,
        28,
    ),
    // Branches to the function's label.
    ("i32.const 4 local.get 0 br_if 0 drop i32.const 6", 1, 4, 3),
    ("i32.const 4 local.get 0 br_if 0 drop i32.const 6", 0, 6, 5),
    ("i32.const 4 br 0", 0, 4, 2),
    // Multi-value blocks.
    (
        "i32.const 1 i32.const 2 block (param i32 i32) (result i32) i32.add end",
        0,
        3,
        3,
    ),
    (
        "i32.const 2 local.get 0 if (param i32) (result i32) i32.const 5 i32.mul end",
        1,
        10,
        5,
    ),
    (
        "i32.const 2 local.get 0 if (param i32) (result i32) i32.const 5 i32.mul end",
        0,
        2,
        3,
    ),
    (
        "i32.const 5 loop (param i32) (result i32) i32.const 1 i32.sub local.tee 0 local.get 0 br_if 0 end",
        0,
        0,
        26,
    ),
    // Vector operators.
    (
        "v128.const i32x4 1 2 3 4 v128.const i32x4 1 2 3 4 i32x4.add i32x4.extract_lane 3",
        0,
        8,
        4,
    ),
    // Code after a block that never ends.
    (
        "loop i32.const 1 return end i32.const 2 drop i32.const 3 i32.const 4 i32.add",
        0,
        1,
        2,
    ),
    (
        "block (result i32) block i32.const 8 return end i32.const 2 end",
        0,
        8,
        2,
    ),
];

#[test]
fn small_programs_cost_what_was_counted_by_hand() {
    for (body, argument, result, cost) in CASES {
        let text = format!(r#"(module (func (export "f") (param i32) (result i32) {body}))"#);
        let mut guest = Guest::new(&text);
        assert_eq!(
            guest.cost("f", &[Val::I32(*argument)]),
            (vec![*result], *cost),
            "{body} of {argument}"
        );
    }
}

#[test]
fn a_call_passes_exactly_when_its_cost_is_within_the_limit() {
    for (body, argument, result, cost) in CASES {
        let text = format!(r#"(module (func (export "f") (param i32) (result i32) {body}))"#);
        let mut guest = Guest::new(&text);
        for limit in [0, *cost / 2, *cost - 1] {
            let (outcome, _) = guest.call("f", &[Val::I32(*argument)], limit);
            assert_eq!(
                outcome,
                Outcome::Stopped(Stop::Fuel),
                "{body} of {argument} within {limit}"
            );
        }
        for limit in [*cost, *cost + 1] {
            let expected = (Outcome::Returned(vec![*result]), *cost);
            assert_eq!(
                guest.call("f", &[Val::I32(*argument)], limit),
                expected,
                "{body} within {limit}"
            );
        }
    }
}

#[test]
fn calls_cost_one_and_what_the_callee_costs() {
    let mut guest = Guest::new(
        r#"(module
          (type $t (func (param i32) (result i32)))
          (table funcref (elem $double))
          (func $double (param i32) (result i32) local.get 0 local.get 0 i32.add)
          (func (export "direct") (result i32) i32.const 4 call $double)
          (func (export "indirect") (result i32) i32.const 4 i32.const 0 call_indirect (type $t)))"#,
    );
    assert_eq!(guest.cost("direct", &[]), (vec![8], 5));
    assert_eq!(guest.cost("indirect", &[]), (vec![8], 6));
}

/// `if n < 2 then 1 else fib(n-1) + fib(n-2)`
const FIB: &str = r#"(module (func $fib (export "fib") (param i32) (result i32)
  (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
    (then (i32.const 1))
    (else (i32.add
      (call $fib (i32.sub (local.get 0) (i32.const 1)))
      (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#;

#[test]
fn fib_30_is_pinned() {
    let mut guest = Guest::new(FIB);
    // 1,346,269 leaves of 5 operators, 1,346,268 inner calls of 13.
    let cost = 1_346_269 * 5 + 1_346_268 * 13;
    assert_eq!(guest.cost("fib", &[Val::I32(30)]), (vec![1_346_269], cost));
    assert_eq!(cost, 24_232_829);
}

#[test]
fn an_entry_costs_one_for_sixteen_declared_locals() {
    for (locals, cost) in [(15, 1), (16, 2), (31, 2), (32, 3), (1_000, 63)] {
        let declared = "i64 ".repeat(locals);
        // Parameters are not counted.
        let text = format!(
            r#"(module (func (export "f") (param i32 i32 i32) (result i32) (local {declared}) i32.const 1))"#
        );
        let mut guest = Guest::new(&text);
        assert_eq!(
            guest.cost("f", &[Val::I32(0), Val::I32(0), Val::I32(0)]).1,
            cost,
            "{locals} locals"
        );
    }
}

#[test]
fn bulk_memory_costs_a_unit_for_sixteen_bytes() {
    let mut guest = Guest::new(
        r#"(module (memory 2) (data $d "0123456789abcdef0123456789abcdef")
          (func (export "fill") (param i32) i32.const 0 i32.const 7 local.get 0 memory.fill)
          (func (export "copy") (param i32) i32.const 0 i32.const 64 local.get 0 memory.copy)
          (func (export "init") (param i32) i32.const 0 i32.const 0 local.get 0 memory.init $d))"#,
    );
    for name in ["fill", "copy", "init"] {
        for (bytes, cost) in [(0, 4), (15, 4), (16, 5), (32, 6)] {
            assert_eq!(
                guest.cost(name, &[Val::I32(bytes)]).1,
                cost,
                "{name} of {bytes}"
            );
        }
    }
    assert_eq!(guest.cost("fill", &[Val::I32(131_072)]).1, 4 + 8_192);
}

#[test]
fn bulk_tables_cost_a_unit_an_element() {
    let mut guest = Guest::new(
        r#"(module (table 100 funcref) (elem $e func 0 0 0)
          (func (export "fill") (param i32) i32.const 0 ref.null func local.get 0 table.fill)
          (func (export "copy") (param i32) i32.const 0 i32.const 4 local.get 0 table.copy)
          (func (export "init") (param i32) i32.const 0 i32.const 0 local.get 0 table.init $e))"#,
    );
    for name in ["fill", "copy", "init"] {
        for elements in [0, 1, 3] {
            assert_eq!(
                guest.cost(name, &[Val::I32(elements)]).1,
                4 + i64::from(elements),
                "{name}"
            );
        }
    }
}

#[test]
fn bulk_work_is_charged_before_it_is_done() {
    let mut guest = Guest::new(
        r#"(module (memory 1) (table 10 funcref)
          (func (export "fill") (param i32) i32.const 0 i32.const 7 local.get 0 memory.fill)
          (func (export "table") (param i32) i32.const 0 ref.null func local.get 0 table.fill)
          (func (export "byte") (result i32) i32.const 0 i32.load8_u))"#,
    );
    assert_eq!(
        guest.call("fill", &[Val::I32(65_536)], 4 + 4_095).0,
        Outcome::Stopped(Stop::Fuel)
    );
    assert_eq!(guest.cost("byte", &[]).0, [0]);
    // A length over the memory stops for fuel first, without wrapping; with enough fuel it traps.
    for name in ["fill", "table"] {
        assert_eq!(
            guest.call(name, &[Val::I32(-1)], 1_000_000).0,
            Outcome::Stopped(Stop::Fuel)
        );
        assert!(matches!(
            guest.call(name, &[Val::I32(-1)], 1 << 40).0,
            Outcome::Trapped(_)
        ));
    }
}

#[test]
fn growing_costs_after_it_succeeded_and_nothing_when_refused() {
    let mut guest = Guest::new(
        r#"(module (memory 1 20) (table $t 1 20 funcref)
          (func (export "memory") (param i32) (result i32) local.get 0 memory.grow)
          (func (export "pages") (result i32) memory.size)
          (func (export "table") (param i32) (result i32) ref.null func local.get 0 table.grow $t))"#,
    );
    assert_eq!(guest.cost("memory", &[Val::I32(0)]), (vec![1], 2));
    assert_eq!(
        guest.cost("memory", &[Val::I32(3)]),
        (vec![1], 2 + 3 * 4_096)
    );
    assert_eq!(
        guest.cost("memory", &[Val::I32(17)]),
        (vec![0xffff_ffff], 2)
    );
    assert_eq!(guest.cost("table", &[Val::I32(5)]), (vec![1], 3 + 5));
    assert_eq!(guest.cost("table", &[Val::I32(15)]), (vec![0xffff_ffff], 3));
    // The charge is checked: the growth has happened, the guest goes no further.
    assert_eq!(
        guest.call("memory", &[Val::I32(1)], 2 + 4_095).0,
        Outcome::Stopped(Stop::Fuel)
    );
    assert_eq!(guest.cost("pages", &[]).0, [5]);
}

#[test]
fn the_counter_is_exact_at_host_calls_and_hosts_can_charge() {
    let mut guest = Guest::new(
        r#"(module (import "env" "left" (func $left (result i64))) (import "env" "charge" (func $charge (param i64)))
          (func (export "left") (result i64) i32.const 1 drop call $left i32.const 1 drop)
          (func (export "charge") (param i64) local.get 0 call $charge i32.const 1 drop))"#,
    );
    // const, drop, call: three before the host looks.
    let (outcome, used) = guest.call("left", &[], 1_000);
    assert_eq!((outcome, used), (Outcome::Returned(vec![997]), 5));
    assert_eq!(guest.call("left", &[], 2).0, Outcome::Stopped(Stop::Fuel));
    assert_eq!(
        guest.call("charge", &[Val::I64(100)], 104),
        (Outcome::Returned(vec![]), 104)
    );
    assert_eq!(
        guest.call("charge", &[Val::I64(100)], 103).0,
        Outcome::Stopped(Stop::Fuel)
    );
}

#[test]
fn the_start_function_is_charged_when_the_host_runs_it() {
    let mut guest = Guest::new(
        r#"(module (global $g (mut i32) (i32.const 0))
          (start $s) (func $s i32.const 9 global.set $g)
          (func (export "g") (result i32) global.get $g))"#,
    );
    assert_eq!(guest.cost("g", &[]).0, [0]);
    assert_eq!(guest.cost(meter::START, &[]), (vec![], 2));
    assert_eq!(guest.cost("g", &[]), (vec![9], 1));
}

#[test]
fn every_loop_shape_ends_for_fuel() {
    let shapes = [
        "loop br 0 end",
        "loop i32.const 1 br_if 0 end",
        "loop i32.const 0 br_table 0 0 end",
        "call $f",
        "call $g",
        "i32.const 0 call_indirect",
        "loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 9)) br 0 end",
        "loop loop loop br 1 end end end",
        "loop i32.const 0 memory.grow drop br 0 end",
        "loop call $leaf br 0 end",
        "loop i32.const 1 if br 1 end end",
    ];
    for shape in shapes {
        let mut guest = Guest::new(&format!(
            r#"(module (memory 1) (table funcref (elem $f))
              (func $f (export "f") {shape}) (func $g call $f) (func $leaf))"#
        ));
        guest.set_global(meter::FUEL, 10_000i64);
        guest.set_global(meter::DEPTH, 1_000_000i32);
        let (outcome, _) = guest.call_again("f", &[], 10_000);
        assert_eq!(outcome, Outcome::Stopped(Stop::Fuel), "{shape}");
    }
}

/// Programs that count their own work in a global: text, units of work for one of the count.
#[test]
fn work_past_the_limit_is_bounded() {
    let step = "global.get $n i32.const 1 i32.add global.set $n ";
    let straight = format!("(func (export \"f\") {})", step.repeat(50_000));
    let nested = format!(
        "(func (export \"f\") {})",
        format!("i32.const 1 if {step} end ").repeat(30_000)
    );
    let leaves = format!(
        "(func $leaf {}) (func (export \"f\") {})",
        step.repeat(4_000),
        "call $leaf ".repeat(100)
    );
    let long_leaves = format!(
        "(func $leaf {}) (func (export \"f\") {})",
        step.repeat(6_000),
        "call $leaf ".repeat(100)
    );
    let looped = format!(
        "(func (export \"f\") loop {} br 0 end)",
        step.repeat(10_000)
    );
    for (name, text) in [
        ("straight", straight),
        ("nested", nested),
        ("leaves", leaves),
        ("long leaves", long_leaves),
        ("looped", looped),
    ] {
        let mut guest = Guest::new(&format!(
            "(module (global $n (mut i32) (i32.const 0)) {text} (func (export \"n\") (result i32) global.get $n))"
        ));
        for limit in [0, 1, 1_000, 100_000] {
            let before = guest.cost("n", &[]).0[0] as i64;
            assert_eq!(
                guest.call("f", &[], limit).0,
                Outcome::Stopped(Stop::Fuel),
                "{name} within {limit}"
            );
            let work = 4 * (guest.cost("n", &[]).0[0] as i64 - before);
            assert!(work <= limit + 65_536, "{name} within {limit}: {work}");
        }
    }
}
