//! The whole suite on wasmer.
#![cfg(feature = "wasmer")]

mod common;
mod suite;

use aingle_wasm_host::prelude::BackendKind;

/// What the suite runs on.
const BACKEND: BackendKind = BackendKind::Wasmer;
