//! Runs untrusted WebAssembly with limits that hold: the native core of aingle-wasm.
