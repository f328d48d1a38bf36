//! What the engine's options build into a module: weights of operators, bits of NaNs.

use crate::BACKEND;
use crate::common::{config, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{CostError, Costs};

/// A quiet NaN with a payload, which processors pass on.
const PAYLOAD: u32 = 0x7fe1_2345;
const CANONICAL: u32 = 0x7fc0_0000;

const GUEST: &str = r#"(module
    (func (export "sum") (param f32) (result i32)
      (i32.reinterpret_f32 (f32.add (local.get 0) (f32.const 1))))
    (func (export "same") (param f32) (result f32) (local.get 0)))"#;

/// What the export gives for the payload, and the fuel of the call.
fn run(config: EngineConfig, name: &str) -> (Vec<Value>, u64) {
    let engine = WasmEngine::new(config).unwrap();
    let mut guest = WasmInstance::new(&engine, &module(&engine, GUEST)).unwrap();
    let results = guest.invoke(name, &[Value::F32(PAYLOAD)], CallOptions::default());
    (results.unwrap(), guest.fuel_used())
}

#[test]
fn operators_cost_what_the_table_says() {
    let mut costs = Costs::default();
    costs.set("f32.add", 1_000).unwrap();
    costs.set("local.get", 20).unwrap();
    let priced = EngineConfig { costs, ..config() };
    assert_eq!(run(config(), "sum").1, 4);
    assert_eq!(run(priced.clone(), "sum").1, 1_022);
    assert_eq!(run(priced, "same").1, 20);
    assert_eq!(
        Costs::default().set("f32.plus", 2),
        Err(CostError::UnknownOperator)
    );
}

#[test]
fn nans_of_arithmetic_are_canonical_unless_told_otherwise() {
    let bits = |value: u32| vec![Value::I32(value.cast_signed())];
    let off = EngineConfig {
        canonicalize_nans: false,
        ..config()
    };
    assert_eq!(run(config(), "sum"), (bits(CANONICAL), 4));
    // wasmi makes them canonical whatever it is told.
    let own = match BACKEND {
        BackendKind::Wasmi => CANONICAL,
        _ => PAYLOAD,
    };
    assert_eq!(run(off.clone(), "sum"), (bits(own), 4));
    for config in [config(), off] {
        assert_eq!(run(config, "same").0, [Value::F32(PAYLOAD)]);
    }
}
