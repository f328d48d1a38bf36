//! Validates, caps and rewrites WebAssembly modules so that fuel and limits are equal on every engine.
//!
//! [`prepare`] is one pure function: bytes in, bytes and a typed description out. What it returns is an ordinary
//! module, so metering, limits and the accepted feature set are the same wherever that module runs.
//!
//! ```
//! use aingle_wasm_prepare::{PrepareConfig, prepare};
//!
//! let wasm = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#)?;
//! let prepared = prepare(&wasm, &PrepareConfig::default())?;
//! assert_eq!(prepared.info.exports[0].name, "answer");
//! assert!(prepared.bytes.len() > wasm.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod call_graph;
mod caps;
mod config;
mod costs;
mod error;
mod features;
mod graph;
mod info;
#[cfg(feature = "json")]
pub mod json;
mod names;
mod nan;
mod operators;
mod outline;
mod placement;
pub mod reserved;
mod rewrite;
mod survey;
mod validate;

pub use config::{ComplexityCaps, Growth, Interruption, PrepareConfig};
pub use costs::{CostError, Costs};
pub use error::{ErrorKind, PrepareError};
pub use info::{
    CustomSection, Export, ExternType, FunctionType, GlobalType, Import, MemoryType, ModuleInfo,
    TableType, ValueType,
};

/// What [`prepare`] makes of a module.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The rewritten module, ready for any engine that has WebAssembly 2.0.
    pub bytes: Vec<u8>,
    /// The module as its author sees it: no reserved names, limits as declared.
    pub info: ModuleInfo,
}

/// Validates `wasm`, checks it against the caps of `config` and rewrites it.
///
/// Takes time and memory linear in `wasm.len()`; never panics, whatever the bytes.
///
/// # Errors
/// - `ERR_MODULE_MALFORMED` if the bytes do not decode, `ERR_MODULE_INVALID` if they do not validate or use a
///   reserved name.
/// - `ERR_FEATURE_DISABLED` if the module needs a proposal outside WebAssembly 2.0.
/// - `ERR_MODULE_TOO_COMPLEX` if it is over one of [`ComplexityCaps`].
/// - `ERR_MEMORY_LIMIT`, `ERR_TABLE_LIMIT` if its memory or tables begin larger than the configuration allows.
pub fn prepare(wasm: &[u8], config: &PrepareConfig) -> Result<Prepared, PrepareError> {
    let weights = costs::Weights::new(&config.costs);
    let outline = validate::validate(wasm, config, &weights)?;
    let bytes = rewrite::rewrite(&outline, config, &weights)
        .map_err(|error| PrepareError::invalid(error.offset(), error.message()))?;
    Ok(Prepared {
        bytes,
        info: outline.into_info(),
    })
}
