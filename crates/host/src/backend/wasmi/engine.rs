//! Translation: a prepared module is checked now, and each of its functions translated at its first call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aingle_wasm_prepare::{Growth, PrepareConfig};
use wasmi::{CompilationMode, Config, Engine, Module};

use super::instance;
use crate::backend::{
    Backend, BackendInstance, CompileFault, CompiledModule, FunctionImport, HostImport,
    Interruption,
};
use crate::config::{BackendKind, EngineConfig};
use crate::error::panic_text;

/// Frames of the interpreter for a unit of call depth: `prepare` may put a function of its own around each of the
/// author's, and gives every function at least one unit.
const FRAMES_A_UNIT: usize = 2;
/// Bytes of the interpreter's stack for a unit of call depth. A unit is at most 16 slots of 8 bytes for parameters and
/// locals; the rest is for operands and for what `prepare` adds.
const STACK_BYTES_A_UNIT: usize = 1_024;
/// Bytes of that stack beside those, for the largest frame that the interpreter takes: 65,535 slots.
const LARGEST_FRAME_BYTES: usize = 512 << 10;

/// Interprets with wasmi.
pub(crate) struct WasmiBackend {
    config: Config,
}

impl WasmiBackend {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let depth = config.limits.call_depth as usize;
        Self {
            config: engine_config(depth),
        }
    }
}

/// WebAssembly 2.0 and nothing else, as `prepare` admits it, with a stack on which `depth` units of calls have room.
fn engine_config(depth: usize) -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::LazyTranslation)
        .ignore_custom_sections(true)
        .set_max_recursion_depth(depth * FRAMES_A_UNIT)
        .set_max_stack_height(depth * STACK_BYTES_A_UNIT + LARGEST_FRAME_BYTES);
    config
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_relaxed_simd(false);
    config
}

impl Backend for WasmiBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Wasmi
    }

    fn form(&self, prepare: &mut PrepareConfig) {
        // The operators that grow leave a native frame each time they run, so a loop of them would end the native stack.
        prepare.growth = Growth::Host;
        // No other thread can write the engine's globals: the guest asks now and then.
        prepare.interruption = aingle_wasm_prepare::Interruption::Stop;
        // The engine has one code for a float that is too large and for a division that overflows.
        prepare.mark_conversions = true;
        // The engine makes every arithmetic result canonical itself, whatever was asked for: the same bits for less.
        prepare.canonicalize_nans = false;
    }

    fn compile(&self, prepared: &[u8]) -> Result<Arc<dyn CompiledModule>, CompileFault> {
        let compile = || {
            let engine = Engine::new(&self.config);
            let module =
                Module::new(&engine, prepared).map_err(|error| CompileFault(error.to_string()))?;
            Ok(Arc::new(WasmiModule {
                module,
                bytes: prepared.len(),
            }))
        };
        match catch_unwind(AssertUnwindSafe(compile)) {
            Ok(compiled) => compiled.map(|module| module as Arc<dyn CompiledModule>),
            Err(panic) => Err(CompileFault(panic_text(&*panic))),
        }
    }
}

/// A checked module, which keeps its engine.
pub(super) struct WasmiModule {
    pub(super) module: Module,
    bytes: usize,
}

impl CompiledModule for WasmiModule {
    fn instantiate(
        self: Arc<Self>,
        imports: Vec<HostImport>,
        functions: Vec<FunctionImport>,
        globals: &[String],
        slice: Option<FunctionImport>,
    ) -> Result<Box<dyn BackendInstance>, Interruption> {
        match catch_unwind(AssertUnwindSafe(|| {
            instance::instantiate(&self.module, imports, functions, globals, slice)
        })) {
            Ok(instance) => instance,
            Err(panic) => Err(Interruption::Fault(panic_text(&*panic))),
        }
    }

    fn code_bytes(&self) -> u64 {
        // wasmi cannot say what it keeps. Each function is kept as it came until its first call and as its translation,
        // of about twice the size, from then on.
        2 * self.bytes as u64
    }
}
