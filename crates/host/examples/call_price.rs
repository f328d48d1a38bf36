//! Prices of one byte call, in nanoseconds: the median and the best of several rounds of many calls. Run in release mode.

use std::time::Instant;

use aingle_wasm_host::prelude::*;

const ROUNDS: usize = 21;
const CALLS: u32 = 50_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = WasmEngine::new(EngineConfig::default())?;
    let envelope = include_str!("../tests/common/envelope_guest.wat");
    let module = engine.compile(&wat::parse_str(envelope)?)?;
    let mut imports = Imports::new();
    imports.envelope_fn("double", |_, input| Ok(input.to_vec()));
    let options = InstanceOptions {
        imports,
        ..Default::default()
    };
    let mut guest = WasmInstance::with_options(&engine, &module, options)?;
    let echo = guest.export_handle("echo")?;
    for len in [0, 64, 1_024, 65_536] {
        let input = vec![7; len];
        price(&format!("envelope echo, {len} bytes"), || {
            guest
                .call_with(echo, &input, CallOptions::default(), <[u8]>::len)
                .map(drop)
        })?;
    }
    let forward = guest.export_handle("forward")?;
    price("envelope host function, 64 bytes", || {
        guest
            .call_with(forward, &[7; 64], CallOptions::default(), <[u8]>::len)
            .map(drop)
    })?;
    let resets = guest.export_handle("resets_seen")?;
    let mut results = Vec::new();
    price("core call without arguments", || {
        guest.invoke_with(resets, &[], CallOptions::default(), &mut results)
    })?;
    price("instantiate and drop", || {
        let mut imports = Imports::new();
        imports.envelope_fn("double", |_, input| Ok(input.to_vec()));
        let options = InstanceOptions {
            imports,
            ..Default::default()
        };
        WasmInstance::with_options(&engine, &module, options).map(drop)
    })?;
    Ok(())
}

fn price(name: &str, mut call: impl FnMut() -> Result<(), HostError>) -> Result<(), HostError> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..CALLS / 10 {
            call()?;
        }
        rounds.push(started.elapsed().as_nanos() / u128::from(CALLS / 10));
    }
    rounds.sort_unstable();
    println!(
        "{:>8} ns (at best {:>6})  {name}",
        rounds[ROUNDS / 2],
        rounds[0]
    );
    Ok(())
}
