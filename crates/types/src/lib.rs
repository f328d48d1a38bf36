//! Base types of aingle-wasm: envelope header, flags, packed pointers, error codes, ABI names.
