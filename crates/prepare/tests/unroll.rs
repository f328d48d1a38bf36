//! Loops with copies in front of them end as they would without, whatever the limit.

mod common;

use aingle_wasm_prepare::{Costs, Interruption, PrepareConfig, prepare};
use aingle_wasm_types::meter::Stop;
use common::kernels::kernels;
use common::{Guest, Outcome};
use wasmi::{Extern, Val};

/// Loops, each the body of `f (param $n i32) (local $i i32)` beside a memory of one page and a global `$g`.
const LOOPS: &[(&str, &str)] = &[
    ("counts down", "loop $l
        local.get $n i32.const 1 i32.sub local.tee $n br_if $l end"),
    ("writes memory and a global", "loop $l
        local.get $i local.get $i i32.store8
        global.get $g i32.const 3 i32.add global.set $g
        local.get $i i32.const 1 i32.add local.tee $i local.get $n i32.ne br_if $l end"),
    ("traps in a later round", "loop $l
        local.get $i local.get $i i32.store8
        i32.const 100 i32.const 9 local.get $i i32.sub i32.div_u drop
        local.get $i i32.const 1 i32.add local.set $i br $l end"),
    ("is left in the middle", "block $out loop $l
        local.get $i i32.const 7 i32.store8
        local.get $i i32.const 1 i32.add local.tee $i i32.const 13 i32.gt_u br_if $out
        local.get $i i32.const 3 i32.and br_if $l
        global.get $g local.get $i i32.add global.set $g
        local.get $i local.get $n i32.lt_u br_if $l end
        i32.const 500 i32.const 1 i32.store end
        i32.const 600 i32.const 1 i32.store"),
    ("returns in the middle", "loop $l
        local.get $i i32.const 1 i32.add local.tee $i local.get $n i32.eq if return end
        local.get $i i32.const 1 i32.store8 br $l end"),
    ("runs more often than it goes around", "loop $outer
        local.get $n local.set $i
        loop $l local.get $i local.get $n i32.store8 local.get $i i32.const 1 i32.sub local.tee $i br_if $l end
        loop $l local.get $i i32.const 1 i32.add local.tee $i i32.const 5 i32.lt_u br_if $l end
        local.get $n i32.const 1 i32.sub local.tee $n br_if $outer end"),
    ("is followed by a long way", "loop $l
        local.get $n i32.const 1 i32.sub local.tee $n br_if $l end
        i32.const 0 i32.const 1 i32.store i32.const 0 i32.load i32.const 0 i32.load i32.add global.set $g
        i32.const 4 i32.const 1 i32.store i32.const 8 i32.const 1 i32.store"),
];

/// Weights of operators: as they are, and so large that a round needs checks inside.
const WEIGHTS: &[&[(&str, u32)]] = &[
    &[],
    &[("local.tee", 40)],
    &[("i32.store8", 9_000), ("i32.store", 10_000)],
    &[("local.tee", 5_000), ("i32.store", 10_000)],
    &[("br_if", 1 << 20)],
];

fn form(interruption: Interruption, costs: &Costs, unroll: bool) -> PrepareConfig {
    PrepareConfig {
        interruption,
        unroll,
        costs: costs.clone(),
        ..PrepareConfig::default()
    }
}

/// How a call of `f` with this limit ends, and what it leaves behind.
#[derive(Debug, PartialEq)]
struct End {
    outcome: Outcome,
    used: i64,
    global: Option<u64>,
    memory: Vec<u8>,
}

fn end(wasm: &[u8], config: &PrepareConfig, export: &str, argument: i32, limit: i64) -> End {
    let mut guest = Guest::from_wasm(wasm, config);
    let (outcome, used) = guest.call(export, &[Val::I32(argument)], limit);
    let memory = guest.instance.get_memory(&guest.store, "m");
    let global = guest
        .instance
        .get_export(&guest.store, "g")
        .and_then(Extern::into_global);
    End {
        outcome,
        used,
        global: global
            .and_then(|global| global.get(&guest.store).i32())
            .map(|value| value as u64),
        memory: memory.map_or(Vec::new(), |memory| memory.data(&guest.store).to_vec()),
    }
}

fn module(body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module (memory (export "m") 1) (global $g (export "g") (mut i32) (i32.const 0))
             (func (export "f") (param $n i32) (local $i i32) {body}))"#
    ))
    .unwrap()
}

/// A limit with which `f` does not stop, but no more than twice what it needs.
fn enough(wasm: &[u8], config: &PrepareConfig) -> i64 {
    let stops = |limit: &i64| {
        matches!(
            end(wasm, config, "f", 11, *limit).outcome,
            Outcome::Stopped(_)
        )
    };
    (0..40)
        .map(|power| 1 << power)
        .find(|limit| !stops(limit))
        .unwrap()
}

#[test]
fn every_limit_ends_a_call_the_same() {
    let mut ends = [0; 3];
    for (what, body) in LOOPS {
        let wasm = module(body);
        for weights in WEIGHTS {
            let mut costs = Costs::default();
            for (operator, weight) in *weights {
                costs.set(operator, *weight).unwrap();
            }
            for interruption in [Interruption::None, Interruption::Floors] {
                let [plain, unrolled] =
                    [false, true].map(|unroll| form(interruption, &costs, unroll));
                let longer = |config| prepare(&wasm, config).unwrap().bytes.len();
                assert!(longer(&unrolled) > longer(&plain), "{what} is not unrolled");
                let most = enough(&wasm, &plain);
                let step = (most / 300).max(1) as usize;
                for limit in (0..=most).step_by(step) {
                    let expected = end(&wasm, &plain, "f", 11, limit);
                    let found = end(&wasm, &unrolled, "f", 11, limit);
                    assert!(
                        found == expected,
                        "{what}, {weights:?}, {interruption:?}, limit {limit}: {:?} instead of {:?}",
                        found.outcome,
                        expected.outcome
                    );
                    ends[match expected.outcome {
                        Outcome::Returned(_) => 0,
                        Outcome::Stopped(_) => 1,
                        Outcome::Trapped(_) => 2,
                    }] += 1;
                }
            }
        }
    }
    assert!(ends.iter().all(|&count| count > 20), "one-sided: {ends:?}");
}

#[test]
fn kernels_end_the_same_at_any_limit() {
    for (name, export, wasm) in kernels() {
        let [plain, unrolled] =
            [false, true].map(|unroll| form(Interruption::Floors, &Costs::default(), unroll));
        for limit in [3, 1_009, 4_999, 20_011, 65_537, 200_003] {
            let expected = end(&wasm, &plain, &export, 1, limit);
            let found = end(&wasm, &unrolled, &export, 1, limit);
            assert!(
                found == expected,
                "{name} with {limit}: {:?}",
                found.outcome
            );
        }
    }
}

#[test]
fn a_stopped_guest_does_not_run_a_round() {
    let wasm = wat::parse_str(
        r#"(module (import "env" "interrupt" (func $interrupt)) (memory (export "m") 1)
             (func (export "f") (param i32)
               call $interrupt
               loop local.get 0 i32.const 1 i32.store8 local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))"#,
    )
    .unwrap();
    let config = form(Interruption::Floors, &Costs::default(), true);
    let found = end(&wasm, &config, "f", 100, 1 << 40);
    assert_eq!(found.outcome, Outcome::Stopped(Stop::Interrupted));
    assert!(found.memory.iter().all(|&byte| byte == 0));
}
