//! Compilation: a prepared module becomes machine code in an engine of its own.

use std::collections::HashMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use aingle_wasm_prepare::{Adapters, FunctionType, PrepareConfig, bridge};
use wasmer::sys::{Cranelift, EngineBuilder, Features, NativeEngineExt};
use wasmer::{Engine, Module};

use super::instance;
use super::tunables::GuestTunables;
use crate::backend::{
    Backend, BackendInstance, CompileFault, CompiledModule, FunctionImport, HostImport,
    Interruption,
};
use crate::config::{BackendKind, EngineConfig, cores};
use crate::error::panic_text;

/// Threads that compile one module. More finish a single module little sooner, and many modules later.
const COMPILE_THREADS: usize = 2;

/// Compiles with Cranelift.
pub(crate) struct WasmerBackend {
    tunables: GuestTunables,
}

impl WasmerBackend {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        Self {
            tunables: GuestTunables::new(config),
        }
    }
}

impl Backend for WasmerBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Wasmer
    }

    fn form(&self, prepare: &mut PrepareConfig) {
        prepare.interruption = aingle_wasm_prepare::Interruption::Floors;
        prepare.unroll = true;
    }

    fn compile(&self, prepared: &[u8]) -> Result<Arc<dyn CompiledModule>, CompileFault> {
        let compile = || {
            let mut engine: Engine = EngineBuilder::new(compiler())
                .set_features(Some(features()))
                .engine()
                .into();
            engine.set_tunables(self.tunables.clone());
            // The output of `prepare` is validated again here: a second opinion on what becomes machine code.
            let module =
                Module::new(&engine, prepared).map_err(|error| CompileFault(error.to_string()))?;
            Ok(Arc::new(WasmerModule {
                bridges: Mutex::default(),
                module,
                engine,
                prepared: prepared.into(),
            }))
        };
        match catch_unwind(AssertUnwindSafe(compile)) {
            Ok(compiled) => compiled.map(|module| module as Arc<dyn CompiledModule>),
            Err(panic) => Err(CompileFault(panic_text(&*panic))),
        }
    }
}

/// Cranelift, with its own handling of NaNs left off: `prepare` makes them canonical where it matters.
fn compiler() -> Cranelift {
    let mut compiler = Cranelift::new();
    compiler
        .num_threads(NonZero::new(cores().min(COMPILE_THREADS)).unwrap_or(NonZero::<usize>::MIN));
    compiler
}

/// WebAssembly 2.0 and nothing else, as `prepare` admits it.
fn features() -> Features {
    Features {
        threads: false,
        reference_types: true,
        simd: true,
        bulk_memory: true,
        multi_value: true,
        tail_call: false,
        module_linking: false,
        multi_memory: false,
        memory64: false,
        exceptions: false,
        relaxed_simd: false,
        extended_const: false,
    }
}

/// A compiled module with its engine. The field order is the order of dropping: code metadata before the code's memory.
pub(super) struct WasmerModule {
    /// Modules that make references of host functions, by the functions' types.
    bridges: Mutex<HashMap<FunctionType, Module>>,
    pub(super) module: Module,
    pub(super) engine: Engine,
    /// What was compiled: some traps are told apart by the operator that trapped.
    pub(super) prepared: Arc<[u8]>,
}

impl WasmerModule {
    /// The module that makes references of host functions of this type, the declared one.
    pub(super) fn bridge(&self, ty: &FunctionType) -> Result<Module, Interruption> {
        let mut bridges = self.bridges.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = bridges.get(ty) {
            return Ok(known.clone());
        }
        let bytes = bridge::given(ty, Adapters::None);
        let made = Module::new(&self.engine, bytes)
            .map_err(|error| Interruption::Fault(error.to_string()))?;
        bridges.insert(ty.clone(), made.clone());
        Ok(made)
    }
}

impl CompiledModule for WasmerModule {
    fn instantiate(
        self: Arc<Self>,
        imports: Vec<HostImport>,
        functions: Vec<FunctionImport>,
        globals: &[String],
        slice: Option<FunctionImport>,
    ) -> Result<Box<dyn BackendInstance>, Interruption> {
        let make = || instance::instantiate(self, imports, functions, globals, slice);
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(instance) => instance,
            Err(panic) => Err(Interruption::Fault(panic_text(&*panic))),
        }
    }

    fn code_bytes(&self) -> u64 {
        // What the artifact would take in a file: code, relocations, tables; wasmer has no other way to ask.
        self.module
            .serialize()
            .map_or(0, |artifact| artifact.len() as u64)
    }
}
