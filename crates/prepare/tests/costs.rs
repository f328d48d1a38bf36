//! Cost tables: what a program costs when operators have other weights.

mod common;

use aingle_wasm_prepare::{Costs, PrepareConfig};
use aingle_wasm_types::meter::Stop;
use common::{Guest, Outcome};
use wasmi::Val;

const LOOP: &str = r#"(module (memory 1)
  (func (export "f") (param i32) (result i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
    local.get 0 i32.load)
  (func (export "fill") i32.const 0 i32.const 0 i32.const 64 memory.fill))"#;

fn costly(weights: &[(&str, u32)]) -> PrepareConfig {
    let mut costs = Costs::default();
    for (operator, weight) in weights {
        costs.set(operator, *weight).unwrap();
    }
    PrepareConfig {
        costs,
        ..PrepareConfig::default()
    }
}

#[test]
fn weights_replace_ones() {
    // Ten rounds of five, and two more.
    for (weights, cost) in [
        (&[][..], 52),
        (&[("i32.sub", 10)], 52 + 10 * 9),
        (&[("br_if", 3), ("i32.load", 100)], 52 + 10 * 2 + 99),
        (&[("i32.sub", 1 << 20)], 52 + 10 * ((1 << 20) - 1)),
        (&[("i32.add", 1 << 20)], 52),
    ] {
        let mut guest = Guest::with(LOOP, &costly(weights));
        assert_eq!(
            guest.cost("f", &[Val::I32(10)]),
            (vec![0], cost),
            "{weights:?}"
        );
        assert_eq!(
            guest.call("f", &[Val::I32(10)], cost - 1).0,
            Outcome::Stopped(Stop::Fuel),
            "{weights:?}"
        );
    }
}

#[test]
fn work_in_bulk_keeps_its_price_on_top_of_the_weight() {
    let mut guest = Guest::with(LOOP, &costly(&[("memory.fill", 50)]));
    assert_eq!(guest.cost("fill", &[]).1, 3 + 50 + 4);
}
