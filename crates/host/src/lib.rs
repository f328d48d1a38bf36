//! Runs untrusted WebAssembly with limits that hold: the native core of aingle-wasm.
//!
//! A module is prepared once (validated, capped, rewritten so that it counts its own fuel) and compiled to machine
//! code; instances of it take bytes and return bytes, or core values. No guest can pass its fuel, its memory or its
//! call depth, and none can end the process.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let wasm_bytes: &[u8] = &wat::parse_str(r#"(module (memory (export "memory") 1)
//! #   (func (export "malloc") (param i32) (result i32) i32.const 1024)
//! #   (func (export "free") (param i32))
//! #   (func (export "my_function") (param $ptr i32) (param $len i32) (result i64)
//! #     (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))))"#)?;
//! use aingle_wasm_host::prelude::*;
//! let engine = WasmEngine::new(EngineConfig { metering_limit: 1_000_000_000, ..Default::default() })?;
//! let module = engine.compile_cached(b"my_module", wasm_bytes)?;
//! let mut instance = WasmInstance::new(&engine, &module)?;
//! let result = instance.call_raw("my_function", b"input data")?;
//! # assert_eq!(result, b"input data");
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

mod backend;
mod cache;
mod config;
mod engine;
mod error;
mod imports;
mod instance;
mod limits;
mod module;
mod pool;
mod priority;
mod stop;
mod suggest;
mod value;

pub use aingle_wasm_prepare::{
    ComplexityCaps, CostError, Costs, ExternType, FunctionType, GlobalType, MemoryType, ModuleInfo,
    TableType, ValueType,
};
pub use aingle_wasm_types::meter::MAX_FUEL;
pub use aingle_wasm_types::{ErrorCode, GuestErrorKind, Phase, TrapKind};

pub use cache::CacheStats;
pub use config::{BackendKind, EngineConfig, StaticMemoryBound};
pub use engine::{EngineStats, WasmEngine, WeakEngine};
pub use error::{
    Detail, ErrorKind, GuestError, GuestOrigin, HostError, ImportProblem, TERMINATED, TrapFrame,
};
pub use imports::{
    Caller, EnvelopeCallback, HostCallback, HostFunction, HostFunctionError, HostGlobal,
    HostMemory, HostTable, Imports, StopWatch,
};
pub use instance::{
    AbiChoice, AfterTrap, CallOptions, CallOutput, ExportHandle, GlobalHandle, InstanceOptions,
    InstanceState, InstanceStats, Monitor, Receipt, References, Slice, SliceCallback,
    SliceDecision, SliceOptions, WasmInstance,
};
pub use limits::{
    DEFAULT_CALL_DEPTH, InstanceLimits, Limits, MAX_CALL_DEPTH, MAX_MEMORY_BYTES, MAX_NESTING,
    MAX_TABLE_ELEMENTS,
};
pub use module::{CompileOptions, Module, Origin};
pub use pool::{Lane, Parked, Place, Pool, Turn};
pub use stop::{StopReason, Stoppable, Ticket, TimeLimit};
pub use value::{FunctionRef, Value};

/// What most programs need, in one `use`.
pub mod prelude {
    pub use crate::{
        AbiChoice, AfterTrap, BackendKind, CallOptions, EngineConfig, ErrorCode, HostError,
        HostFunction, HostFunctionError, Imports, InstanceOptions, Limits, Module, Value,
        WasmEngine, WasmInstance,
    };
}
