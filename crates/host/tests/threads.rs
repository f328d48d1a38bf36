//! What may cross threads, checked by the compiler.

use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{Lane, Monitor, Pool};

fn crosses<T: Send>() {}
fn shared<T: Send + Sync>() {}

#[test]
fn engines_modules_and_pools_are_shared_and_instances_move() {
    shared::<WasmEngine>();
    shared::<Module>();
    shared::<Pool>();
    shared::<Lane>();
    shared::<Monitor>();
    shared::<Imports>();
    crosses::<WasmInstance>();
    crosses::<HostError>();
    crosses::<HostFunctionError>();
}

#[test]
fn a_monitor_sees_the_end_of_its_instance() {
    let engine = WasmEngine::new(EngineConfig::default()).unwrap();
    let module = engine
        .compile(&wat::parse_str("(module)").unwrap())
        .unwrap();
    let guest = WasmInstance::new(&engine, &module).unwrap();
    let monitor = guest.monitor();
    assert_eq!(monitor.state().as_str(), "idle");
    drop(guest);
    assert_eq!(monitor.state().as_str(), "closed");
}
