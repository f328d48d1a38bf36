//! How far past its limit a guest can go: 65,536 units, whatever it calls and however its calls return.

mod common;

use aingle_wasm_prepare::PrepareConfig;
use aingle_wasm_types::meter::{self, Stop};
use common::{Guest, Outcome};
use wasmi::Val;

/// Most work past the limit.
const BOUND: i64 = 65_536;
/// The largest call depth of the host.
const DEPTH: i32 = 20_000;
/// Limits that each program is tried with.
const LIMITS: i64 = 24;
/// Four units of work, which are counted.
const STEP: &str = "global.get $n i32.const 1 i32.add global.set $n ";

/// A module with these functions, of which `f` is exported, and a counter of work.
fn module(functions: &str) -> Vec<u8> {
    let text = format!(
        r#"(module (import "env" "nop" (func $nop)) (type $t (func (param i32)))
            (global $n (mut i32) (i32.const 0)) {functions}
            (func (export "work") (result i32) global.get $n i32.const 0 global.set $n))"#
    );
    wat::parse_str(text).expect("the program is well-formed")
}

/// Calls `f` at the largest call depth.
fn run(guest: &mut Guest, limit: i64) -> (Outcome, i64) {
    guest.set_global(meter::FUEL, limit);
    guest.set_global(meter::STATUS, 0i32);
    guest.set_global(meter::DEPTH, DEPTH);
    guest.call_again("f", &[Val::I32(0)], limit)
}

/// The most work past the limit that was seen under any of the limits.
fn overshoot(wasm: &[u8], unroll: bool) -> i64 {
    let config = PrepareConfig {
        unroll,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::from_wasm(wasm, &config);
    let work = |guest: &mut Guest| 4 * i64::from(guest.cost("work", &[]).0[0] as u32);
    let (outcome, total) = run(&mut guest, i64::MAX / 4);
    assert!(matches!(outcome, Outcome::Returned(_)), "{outcome:?}");
    work(&mut guest);
    let mut most = i64::MIN;
    for part in 0..LIMITS {
        let limit = total * part / LIMITS;
        let (outcome, _) = run(&mut guest, limit);
        assert_eq!(
            outcome,
            Outcome::Stopped(Stop::Fuel),
            "within {limit} of {total}"
        );
        most = most.max(work(&mut guest) - limit);
    }
    most
}

fn assert_bounded(name: &str, functions: &str) {
    let wasm = module(functions);
    for unroll in [false, true] {
        let most = overshoot(&wasm, unroll);
        assert!(most <= BOUND, "{name}: {most} units past the limit");
    }
}

#[test]
fn calls_that_return_one_after_the_other_stay_within_the_bound() {
    let tail = |steps: usize| STEP.repeat(steps);
    let mut chain = format!("(func $f0 (param i32) {})", tail(10));
    for level in 1..60 {
        chain += &format!(
            "(func $f{level} (param i32) local.get 0 call $f{} {})",
            level - 1,
            tail(2_000)
        );
    }
    assert_bounded(
        "a chain",
        &format!(r#"{chain} (func (export "f") (param i32) local.get 0 call $f59)"#),
    );
    for steps in [1, 2, 3, 5, 30, 1_000] {
        let depth = 19_900;
        assert_bounded(
            &format!("recursion with {steps} steps behind"),
            &format!(
                r#"(func $r (param i32) local.get 0 if local.get 0 i32.const 1 i32.sub call $r end {})
                   (func (export "f") (param i32) i32.const {depth} call $r)"#,
                tail(steps)
            ),
        );
        assert_bounded(
            &format!("indirect recursion with {steps} steps behind, left by branches"),
            &format!(
                r#"(table funcref (elem $r))
                   (func $r (param i32) block local.get 0 i32.eqz br_if 0
                     local.get 0 i32.const 1 i32.sub i32.const 0 call_indirect (type $t)
                     {} local.get 0 br_if 1 end nop)
                   (func (export "f") (param i32) i32.const {depth} call $r)"#,
                tail(steps)
            ),
        );
    }
}

#[test]
fn callees_that_check_only_sometimes_stay_within_the_bound() {
    for (name, inner) in [
        (
            "a loop that is passed over",
            "local.get 0 if loop local.get 0 br_if 0 end end",
        ),
        (
            "an import that is not called",
            "local.get 0 if call $nop end",
        ),
        (
            "memory that does not grow",
            "local.get 0 if i32.const 0 drop end",
        ),
    ] {
        let leaf = format!("(func $leaf (param i32) {inner} {})", STEP.repeat(3_000));
        let calls = "i32.const 0 call $leaf ".repeat(60);
        assert_bounded(
            name,
            &format!(r#"{leaf} (func (export "f") (param i32) {calls})"#),
        );
        let calls = "i32.const 0 i32.const 0 call_indirect (type $t) ".repeat(60);
        assert_bounded(
            name,
            &format!(
                r#"(table funcref (elem $leaf)) {leaf} (func (export "f") (param i32) {calls})"#
            ),
        );
    }
}

/// Programs of random functions, each of which may call any other, directly or through a table, as long as its parameter
/// says how much deeper.
#[test]
fn random_programs_stay_within_the_bound() {
    let mut worst = 0;
    for seed in 0..PROGRAMS {
        let mut random = Random(seed * 2 + 1);
        let wasm = module(&program(&mut random));
        for unroll in [false, true] {
            let most = overshoot(&wasm, unroll);
            assert!(most <= BOUND, "seed {seed}: {most} units past the limit");
            worst = worst.max(most);
        }
    }
    println!("worst of {PROGRAMS} programs: {worst}");
    assert!(worst > 2_000, "the programs try nothing: {worst}");
}

/// Random programs of a run.
const PROGRAMS: u64 = 80;
/// Functions of one.
const FUNCTIONS: u64 = 6;

fn program(random: &mut Random) -> String {
    let mut text = String::from("(table funcref (elem");
    for function in 0..FUNCTIONS {
        text += &format!(" $f{function}");
    }
    text += "))";
    for function in 0..FUNCTIONS {
        text += &format!("(func $f{function} (param i32) (local i32) ");
        for _ in 0..random.below(3) {
            statement(random, 2, &mut text);
        }
        call(random, &mut text);
        for _ in 0..random.below(3) {
            statement(random, 2, &mut text);
        }
        text += ")";
    }
    let depth = [1, 5, 25, 60][random.below(4) as usize];
    text + &format!(r#"(func (export "f") (param i32) i32.const {depth} call $f0)"#)
}

/// A call as long as the parameter is not 0; then it is, so that programs end.
fn call(random: &mut Random, text: &mut String) {
    let callee = random.below(FUNCTIONS);
    let call = if random.below(2) == 0 {
        format!("call $f{callee}")
    } else {
        format!("i32.const {callee} call_indirect (type $t)")
    };
    *text += &format!(
        "local.get 0 if local.get 0 i32.const 1 i32.sub {call} i32.const 0 local.set 0 end "
    );
}

fn statement(random: &mut Random, depth: u64, text: &mut String) {
    let steps = [1, 3, 10, 100, 1_000, 3_000][random.below(6) as usize];
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 | 1 => *text += &STEP.repeat(steps),
        2 | 3 => call(random, text),
        4 => *text += "call $nop ",
        5 => {
            *text += "block ";
            statement(random, depth - 1, text);
            *text += "local.get 0 br_if 0 ";
            statement(random, depth - 1, text);
            *text += "end ";
        }
        6 => {
            *text += "local.get 0 i32.const 1 i32.and if ";
            statement(random, depth - 1, text);
            *text += "else ";
            statement(random, depth - 1, text);
            *text += "end ";
        }
        7 => {
            *text += "i32.const 3 local.set 1 loop ";
            *text += &STEP.repeat(steps.min(10));
            *text += "local.get 1 i32.const 1 i32.sub local.tee 1 br_if 0 end ";
        }
        _ => {
            *text += "block block ";
            statement(random, depth - 1, text);
            *text += "local.get 0 br_table 0 1 2 end ";
            statement(random, depth - 1, text);
            *text += "end ";
        }
    }
}

/// A multiplicative generator: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
