//! The sliceable form: a guest that has spent its fuel asks for more and goes on where it was.

mod common;

use aingle_wasm_prepare::{Growth, Interruption, PrepareConfig};
use aingle_wasm_types::meter::Stop;
use common::{Guest, Outcome};
use proptest::prelude::*;
use wasmi::Val;

/// Units that may run between two checks.
const GAP: i64 = 65_536;
const ROUNDS: i32 = 3;

const FORMS: [(Interruption, Growth); 4] = [
    (Interruption::None, Growth::Operator),
    (Interruption::Floors, Growth::Operator),
    (Interruption::Stop, Growth::Operator),
    (Interruption::Stop, Growth::Host),
];

/// A program in which fuel can end at every kind of check: entries, loops, bulk work, growth, imports, references to
/// imports.
const PROGRAM: &str = r#"(module
  (import "env" "nop" (func $nop)) (memory 4 100) (table $t 10 1000 funcref)
  (elem (i32.const 0) $leaf $nop) (type $int (func (param i32) (result i32)))
  (func $leaf (param i32) (result i32) local.get 0 i32.const 7 i32.mul)
  (func $fib (param i32) (result i32)
    local.get 0 i32.const 2 i32.lt_u if i32.const 1 return end
    local.get 0 i32.const 1 i32.sub call $fib local.get 0 i32.const 2 i32.sub call $fib i32.add)
  (func (export "f") (param i32) (result i32) (local $sum i32) (local $i i32)
    loop $outer
      i32.const 30 local.set $i
      loop $inner
        local.get $sum local.get $i i32.const 0 call_indirect (type $int) i32.add local.set $sum
        local.get $i i32.const 1 i32.sub local.tee $i br_if $inner
      end
      i32.const 0 local.get $sum i32.const 3000 memory.fill
      local.get $sum i32.const 9 i32.const 1 i32.const 100 memory.copy
      i32.const 1 memory.grow drop
      ref.null func i32.const 3 table.grow $t drop
      call $nop i32.const 1 call_indirect
      i32.const 10 call $fib i32.const 4 i32.load i32.add memory.size i32.add table.size $t i32.add i32.add local.set $sum
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if $outer
    end
    local.get $sum))"#;

fn guest(interruption: Interruption, growth: Growth) -> Guest {
    let config = PrepareConfig {
        interruption,
        growth,
        sliceable: true,
        ..PrepareConfig::default()
    };
    Guest::with(PROGRAM, &config)
}

/// Runs the program with `first` units, then `slice` at a time up to `limit`; the outcome and the units used.
fn run(guest: &mut Guest, first: i64, slice: i64, limit: i64) -> (Outcome, i64) {
    let host = guest.store.data_mut();
    host.rests.clear();
    (host.slice, host.granted) = (slice, limit - first);
    let (outcome, _) = guest.call("f", &[Val::I32(ROUNDS)], first);
    (outcome, limit - guest.store.data().granted - guest.left())
}

fn expected() -> (Outcome, i64) {
    Guest::new(PROGRAM).call("f", &[Val::I32(ROUNDS)], 1 << 40)
}

#[test]
fn the_limit_holds_to_the_unit_whatever_the_slices() {
    let (outcome, cost) = expected();
    for (interruption, growth) in FORMS {
        for slice in [1, 1_000, cost] {
            let at = |limit| run(&mut guest(interruption, growth), 0, slice, limit);
            let what = format!("{interruption:?}, {growth:?}, slices of {slice}");
            assert_eq!(at(cost), (outcome.clone(), cost), "{what}");
            assert_eq!(at(cost - 1).0, Outcome::Stopped(Stop::Fuel), "{what}");
        }
    }
}

#[test]
fn a_guest_is_asked_about_a_floor_and_goes_on_if_told_to() {
    let text = r#"(module (import "env" "interrupt" (func $interrupt)) (func (export "f") (param i32)
      call $interrupt loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))"#;
    let config = PrepareConfig {
        interruption: Interruption::Floors,
        sliceable: true,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::with(text, &config);
    let outcome = guest.call("f", &[Val::I32(10)], 1_000);
    assert_eq!(outcome, (Outcome::Returned(vec![]), 51));
    let rests: Vec<i64> = (0..10).map(|round| 1_000 - 1 - 5 * round).collect();
    assert_eq!(
        guest.store.data().rests,
        rests,
        "asked in every round, with the exact rest"
    );
}

#[test]
fn a_guest_is_asked_between_pieces_of_long_work() {
    let text = r#"(module (import "env" "interrupt" (func $interrupt)) (memory 64) (func (export "f")
      call $interrupt i32.const 0 i32.const 1 i32.const 4000000 memory.fill))"#;
    let config = PrepareConfig {
        interruption: Interruption::Floors,
        sliceable: true,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::with(text, &config);
    let outcome = guest.call("f", &[], 1_000_000);
    assert_eq!(outcome, (Outcome::Returned(vec![]), 250_005));
    let before_the_work_and_between_its_pieces = [749_995; 4];
    assert_eq!(
        guest.store.data().rests,
        before_the_work_and_between_its_pieces
    );
}

#[test]
fn a_guest_that_was_given_more_can_be_stopped_by_its_answers() {
    let text = r#"(module (func (export "f") loop br 0 end))"#;
    let config = PrepareConfig {
        interruption: Interruption::Stop,
        sliceable: true,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::with(text, &config);
    let host = guest.store.data_mut();
    (host.slice, host.granted, host.stop_at) = (1 << 40, 1 << 40, 20);
    assert_eq!(
        guest.call("f", &[], 10).0,
        Outcome::Stopped(Stop::Interrupted)
    );
    assert_eq!(
        (guest.store.data().polls, guest.store.data().rests.len()),
        (20, 1)
    );
}

proptest! {
    #[test]
    fn results_and_counts_do_not_depend_on_the_slices(first in 0..300_000_i64, slice in 1..300_000_i64, form in 0..4_usize) {
        let (outcome, cost) = expected();
        let (interruption, growth) = FORMS[form];
        let mut guest = guest(interruption, growth);
        prop_assert_eq!(run(&mut guest, first, slice, 1 << 40), (outcome, cost));
        let rests = &guest.store.data().rests;
        prop_assert!(rests.iter().all(|left| (-GAP..0).contains(left)), "{rests:?}");
        let least = (cost - first) / (slice + GAP) - 1;
        prop_assert!(rests.len() as i64 >= least, "asked {} times, expected {least} at least", rests.len());
    }
}
