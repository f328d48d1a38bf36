//! The Node-API seam of aingle-wasm: convert, schedule, map errors; nothing else.
//!
//! Only `src/backend/native/` calls it; `binding.ts` there describes its functions. Calls are raw Node-API
//! (`hot.rs`), everything else is napi-rs. Engines, modules and instances are externals; errors cross as plain
//! objects; what runs off the JavaScript thread is settled in batches.

mod compile;
mod convert;
mod dispatcher;
mod engine;
mod error;
mod frame;
mod host_access;
mod host_call;
mod host_calls;
mod host_function;
mod hot;
mod instance;
mod js;
mod module;
mod receipt;
mod reference;
mod references;
mod region;
mod runtime;
mod settle;
mod step;

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;

/// Adds the raw functions to those that napi-rs registers.
#[napi(module_exports)]
pub(crate) fn register(exports: Object<'_>, env: Env) -> napi::Result<()> {
    frame::run(env, |js| {
        hot::register(js, frame::local(&exports))?;
        references::register(js, frame::local(&exports))
    })
}
