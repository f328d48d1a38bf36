//! prepare and the codec compiled to wasm32 for the JavaScript fallback.
