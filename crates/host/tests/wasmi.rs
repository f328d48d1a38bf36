//! The whole suite on wasmi.
#![cfg(feature = "wasmi")]

mod common;
mod suite;

use aingle_wasm_host::prelude::BackendKind;

/// What the suite runs on.
const BACKEND: BackendKind = BackendKind::Wasmi;
