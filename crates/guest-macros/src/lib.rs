//! Attribute macros of the aingle-wasm guest kit.
