//! Guests in text form, and short ways to run them.
#![allow(dead_code, reason = "every test file uses a part of this")]

use aingle_wasm_host::prelude::*;

/// The default options, on the backend under test.
pub(crate) fn config() -> EngineConfig {
    EngineConfig {
        backend: crate::BACKEND,
        ..Default::default()
    }
}

/// An engine with a small default budget, so that a guest that runs away ends soon.
pub(crate) fn engine() -> WasmEngine {
    WasmEngine::new(EngineConfig {
        metering_limit: 10_000_000,
        ..config()
    })
    .expect("an engine")
}

pub(crate) fn module(engine: &WasmEngine, wat: &str) -> Module {
    let wasm = wat::parse_str(wat).expect("valid text");
    engine.compile(&wasm).expect("a module")
}

pub(crate) fn instance(wat: &str) -> WasmInstance {
    instance_with(wat, InstanceOptions::default())
}

pub(crate) fn instance_with(wat: &str, options: InstanceOptions) -> WasmInstance {
    let engine = engine();
    WasmInstance::with_options(&engine, &module(&engine, wat), options).expect("an instance")
}

pub(crate) fn keep() -> InstanceOptions {
    InstanceOptions {
        after_trap: AfterTrap::Keep,
        ..Default::default()
    }
}

/// Invokes an export and expects the code it fails with.
pub(crate) fn code_of(instance: &mut WasmInstance, name: &str, args: &[Value]) -> ErrorCode {
    let outcome = instance.invoke(name, args, CallOptions::default());
    outcome.expect_err("the call must fail").code()
}

/// An arena guest in text: a bump allocator that reset frees, an envelope echo, and ways to go wrong.
pub(crate) const ENVELOPE_GUEST: &str = include_str!("envelope_guest.wat");
