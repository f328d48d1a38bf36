//! NaN canonicalisation on the processor itself, whose own NaNs differ from machine to machine.
#![cfg(feature = "wasmer")]

mod common;
#[path = "../../prepare/tests/nan_programs/mod.rs"]
mod nan_programs;

use aingle_wasm_host::prelude::*;
use nan_programs::{CASES, PAYLOAD, PAYLOAD_64, SHOWN};
use proptest::prelude::*;

/// What the tests run on.
const BACKEND: BackendKind = BackendKind::Wasmer;

fn instance(text: &str, canonicalize_nans: bool) -> WasmInstance {
    let engine = WasmEngine::new(EngineConfig {
        canonicalize_nans,
        ..common::config()
    })
    .expect("an engine");
    let module = common::module(&engine, text);
    WasmInstance::with_options(&engine, &module, InstanceOptions::default()).expect("an instance")
}

fn call(instance: &mut WasmInstance, arguments: [Value; 2]) -> Vec<Value> {
    let outcome = instance.invoke("f", &arguments, CallOptions::default());
    outcome.expect("the program returns")
}

#[test]
fn bits_are_as_if_every_result_were_canonical_at_once() {
    for (result, body, expected) in CASES {
        let mut instance = instance(&nan_programs::case(result, body), true);
        let arguments = [Value::F32(PAYLOAD as u32), Value::F64(PAYLOAD_64)];
        let found = match call(&mut instance, arguments)[..] {
            [Value::I32(bits)] => u64::from(bits.cast_unsigned()),
            [Value::F32(bits)] => u64::from(bits),
            [Value::I64(bits)] => bits.cast_unsigned(),
            [Value::F64(bits)] => bits,
            ref other => panic!("{body}: {other:?}"),
        };
        assert_eq!(found, *expected, "{body}: {found:x} for {expected:x}");
    }
}

fn memory_after(bytes: &[u8], eager: bool) -> Vec<u8> {
    let mut instance = instance(&nan_programs::program(bytes, eager), !eager);
    call(
        &mut instance,
        [Value::F32(PAYLOAD as u32), Value::F64((-1.0_f64).to_bits())],
    );
    instance.memory_read(0, SHOWN).expect("a memory")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn programs_see_what_they_would_if_every_result_were_canonical_at_once(
        bytes in proptest::collection::vec(any::<u8>(), 50..400),
    ) {
        prop_assert_eq!(memory_after(&bytes, false), memory_after(&bytes, true));
    }
}
