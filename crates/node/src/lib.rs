//! The Node-API seam of aingle-wasm: convert, schedule, map errors; nothing else.
