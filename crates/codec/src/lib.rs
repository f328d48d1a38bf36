//! The aingle-wasm envelope: strict decoder, CRC-32, LZ4, cipher hook.
