//! Validates, caps and rewrites WebAssembly modules so that fuel and limits are equal on every engine.
//!
//! [`prepare`] is one pure function: bytes in, bytes and a typed description out. What it returns is an ordinary
//! module, so metering, limits and the accepted feature set are the same wherever that module runs.
//!
//! # Example
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
//!
//! # What a prepared module is like
//!
//! Names are in [`aingle_wasm_types::meter`], those of special forms in [`reserved`]. All begin with
//! `__aingle_meter`; a module that uses such a name is refused. No index of the module's own changes: what is ours goes
//! to the ends of the sections.
//!
//! - **Fuel.** Every defined function takes the fuel left as an `i64` behind its parameters and gives it back behind
//!   its results. Exports are wrappers between that and the global [`FUEL`](aingle_wasm_types::meter::FUEL), which the
//!   host sets before a call and reads after it; a call has passed only if the global is not negative. While an import
//!   runs, the global holds the exact rest, and the host may lower it.
//! - **Call depth.** Functions that can recurse, that call imports, that a reference may stand for, or that call any of
//!   these, take the units left behind the fuel, as an `i32` if a reference may stand for them or with [`Interruption::Stop`], and as an
//!   `i64` otherwise. A frame of a function that can recurse takes 1 + ⌊slots /
//!   16⌋ units for its parameters and locals, a vector being two slots; the heaviest chain of other frames is taken as
//!   a whole when an export is called. The global [`DEPTH`](aingle_wasm_types::meter::DEPTH) is read by exports, holds
//!   the rest while an import runs, so that nested calls inherit it, and is put back when an export returns.
//! - **Stops.** A guest that must not go on writes why into [`STATUS`](aingle_wasm_types::meter::STATUS) and traps.
//!   Its fuel global is then the last value written there.
//! - **Function references.** Whatever a table, a global or a parameter holds is a function in the form above, with
//!   both the fuel and the depth: `(p…, i64, i32) -> (r…, i64)`. A host calls one with the values of both globals and
//!   writes the last result to the fuel global. A function that a host gives away as a reference has that type too: it
//!   writes its last two arguments to the globals, and gives the fuel global as its last result. [`bridge`] makes what an
//!   engine needs to turn a function of the host into such a reference. An exported function is in that form at
//!   [`reserved::REFERENCE`], if the module lets references to functions cross.
//! - **Memory and tables.** Declared maximums are lowered to the caps, of imports as well. `memory.grow` and
//!   `table.grow` give −1 above the declared maximum and above the caps in
//!   [`MEMORY_CAP`](aingle_wasm_types::meter::MEMORY_CAP) and [`TABLE_CAP`](aingle_wasm_types::meter::TABLE_CAP), of
//!   which the latter counts all tables together. Below them a refusal by the engine stops the guest, unless what it
//!   grows is imported and may have a maximum of its own: then it is −1 too.
//! - **Start.** The start function is exported instead of run.
//!
//! - **Slices.** In the form [`PrepareConfig::sliceable`] a guest whose fuel is spent does not stop: it calls the host,
//!   see [`reserved::SLICE`], and goes on where it was with the fuel that it is given.
//!
//! # Where the counter is charged and checked
//!
//! Charges sit on the edges of each function's control-flow graph that run least, so that their sum along every path is
//! exact. Checks sit at loop headers, at the entry of functions that call others, before work in bulk and imports, and
//! wherever more than 8,192 units could run without one, calls and the tails of functions that return included; leaf
//! functions that cost no more have none at their entry. Calls that return on a cycle of calls may add 16 units for each
//! unit of call depth. So a guest runs at most 2 · 8,192 + 16 · depth units past its limit: less than 65,536 at a depth of
//! 3,000.
//!
//! Custom sections are kept as they are, but that names of locals move with them and names of labels are left out. [`OffsetMap`] leads from an offset in a trace back
//! to the author's.
#![forbid(unsafe_code)]

pub mod bridge;
mod call_graph;
mod caps;
mod config;
mod costs;
mod error;
mod features;
mod graph;
mod handover;
mod info;
#[cfg(feature = "json")]
pub mod json;
mod names;
mod nan;
mod offsets;
mod operators;
mod outline;
mod placement;
mod reach;
pub mod reserved;
mod rewrite;
mod steps;
mod survey;
mod tails;
mod unroll;
mod validate;
mod webs;

pub use config::{Adapters, ComplexityCaps, Growth, Interruption, PrepareConfig};
pub use costs::{CostError, Costs};
pub use error::{ErrorKind, PrepareError};
pub use info::{
    CustomSection, Export, ExternType, FunctionType, GlobalType, Import, MemoryType, ModuleInfo,
    TableType, ValueType,
};
pub use offsets::OffsetMap;

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
    let rewrite::Rewritten { bytes, references } =
        rewrite::rewrite(&outline, config, &weights, None)
            .map_err(|error| PrepareError::invalid(error.offset(), error.message()))?;
    Ok(Prepared {
        bytes,
        info: ModuleInfo {
            references,
            ..outline.into_info()
        },
    })
}
