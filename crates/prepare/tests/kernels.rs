//! The kernels of `guests/kernels`: their results, and their fuel, which must never change.

mod common;

use aingle_wasm_prepare::PrepareConfig;
use aingle_wasm_types::meter::Stop;
use common::{Guest, Outcome};
use serde_json::Value;
use wasmi::Val;

const KERNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/kernels");

/// Name, argument, result as the bits of its type, fuel. Counted once by charging each straight-line block as it
/// begins, and by the reference counter of this crate's tests.
const PINNED: &[(&str, i32, u64, i64)] = &[];

#[test]
fn fuel_is_pinned() {
    let list: Value = serde_json::from_slice(&std::fs::read(format!("{KERNELS}/kernels.json")).unwrap()).unwrap();
    for kernel in list.as_array().unwrap() {
        let wasm = std::fs::read(format!("{KERNELS}/{}", kernel["file"].as_str().unwrap())).unwrap();
        let mut guest = Guest::from_wasm(&wasm, &PrepareConfig::default());
        let export = kernel["export"].as_str().unwrap();
        let n = match kernel["name"].as_str().unwrap() { "fib" => 15, "hashmap"|"interpreter"|"nbody"|"quicksort"|"sieve" => 50, _ => 1 };
        let r = guest.cost(export, &[Val::I32(n)]);
        println!("    (\"{}\", {n}, {}, {}),", kernel["name"].as_str().unwrap(), r.0[0], r.1);
    }
}
