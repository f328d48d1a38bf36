//! Validates, caps and rewrites WebAssembly modules so that fuel and limits are equal on every engine.
