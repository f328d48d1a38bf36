//! The guest kit of aingle-wasm: bytes in, bytes out, from inside WebAssembly.
