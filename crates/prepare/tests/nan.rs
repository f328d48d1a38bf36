//! NaN canonicalisation: what a guest can see is as if each arithmetic result were canonical at once.

mod common;
mod nan_programs;

use aingle_wasm_prepare::PrepareConfig;
use common::{Guest, Outcome};
use nan_programs::{CASES, PAYLOAD, PAYLOAD_64};
use proptest::prelude::*;
use wasmi::Val;

#[test]
fn bits_are_as_if_every_result_were_canonical_at_once() {
    for (result, body, expected) in CASES {
        let text = nan_programs::case(result, body);
        let mut guest = Guest::new(&text);
        let arguments = [
            Val::F32(f32::from_bits(PAYLOAD as u32).into()),
            Val::F64(f64::from_bits(PAYLOAD_64).into()),
        ];
        let (values, _) = guest.cost("f", &arguments);
        assert_eq!(
            values,
            [*expected],
            "{body}: {:x} for {expected:x}",
            values[0]
        );
    }
}

#[test]
fn guests_without_arithmetic_on_floats_pay_nothing() {
    let config = |canonicalize_nans| PrepareConfig {
        canonicalize_nans,
        ..PrepareConfig::default()
    };
    let sizes = |text: &str| {
        let wasm = wat::parse_str(text).unwrap();
        [true, false].map(|on| {
            aingle_wasm_prepare::prepare(&wasm, &config(on))
                .unwrap()
                .bytes
                .len()
        })
    };
    let [on, off] = sizes("(module (func (param f32 f64) (result f64) local.get 1 f64.neg))");
    assert_eq!(on, off);
    let [on, off] =
        sizes("(module (func (param f32) (result f32) local.get 0 local.get 0 f32.add))");
    assert!(on > off);
}

fn memory_after(bytes: &[u8], eager: bool) -> (Outcome, Vec<u8>) {
    let text = nan_programs::program(bytes, eager);
    let config = PrepareConfig {
        canonicalize_nans: !eager,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::with(&text, &config);
    let arguments = [
        Val::F32(f32::from_bits(PAYLOAD as u32).into()),
        Val::F64((-1.0).into()),
    ];
    let (outcome, _) = guest.call("f", &arguments, 1 << 40);
    let memory = guest.instance.get_memory(&guest.store, "m").unwrap();
    (
        outcome,
        memory.data(&guest.store)[..nan_programs::SHOWN as usize].to_vec(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn programs_see_what_they_would_if_every_result_were_canonical_at_once(
        bytes in proptest::collection::vec(any::<u8>(), 50..400),
    ) {
        let (expected, found) = (memory_after(&bytes, true), memory_after(&bytes, false));
        prop_assert!(matches!(expected.0, Outcome::Returned(_)));
        prop_assert_eq!(found, expected);
    }
}
