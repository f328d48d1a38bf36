//! The kernels of `guests/kernels`.

use serde_json::Value;

const KERNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/kernels");

/// Name, export and bytes of each kernel, in the order of the list.
pub(crate) fn kernels() -> Vec<(String, String, Vec<u8>)> {
    let list: Value =
        serde_json::from_slice(&std::fs::read(format!("{KERNELS}/kernels.json")).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let kernel = |kernel: &Value| {
        let wasm = std::fs::read(format!("{KERNELS}/{}", text(&kernel["file"]))).unwrap();
        (text(&kernel["name"]), text(&kernel["export"]), wasm)
    };
    list.as_array().unwrap().iter().map(kernel).collect()
}
