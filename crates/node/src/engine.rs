//! Engines: making and closing them, compiling modules.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use aingle_wasm_host::{
    BackendKind, ComplexityCaps, Costs, EngineConfig, ErrorCode, Limits, Phase, StaticMemoryBound,
    WasmEngine,
};
use napi::bindgen_prelude::{BigInt, Env, External, Function, Object, Uint8Array, Unknown};
use napi_derive::napi;

use crate::compile::{self, Source};
use crate::dispatcher::Message;
use crate::error::Failure;
use crate::frame::{local, run};
use crate::hot;
use crate::module::Module;
use crate::runtime::Runtime;
use crate::settle::Delivery;

/// An engine of one JavaScript environment.
pub(crate) struct Engine {
    pub(crate) core: WasmEngine,
    pub(crate) runtime: Rc<Runtime>,
}

/// `NativeEngineOptions` of `binding.ts`.
#[napi(object, object_to_js = false)]
pub(crate) struct EngineOptions {
    /// `kind` of one of [`engines`].
    pub backend: String,
    /// Fuel of a call.
    pub metering_limit: BigInt,
    /// Whether NaNs made by arithmetic are canonical.
    pub canonicalize_nans: bool,
    /// Weights by operator.
    pub costs: HashMap<String, u32>,
    /// Bytes.
    pub cache_size: f64,
    /// Pages; absent: chosen by the core.
    pub static_memory_bound: Option<u32>,
    /// For every instance.
    pub limits: InstanceLimits,
    /// Live instances.
    pub instances: u32,
    /// By name.
    pub complexity: HashMap<String, f64>,
    /// Milliseconds of a call; absent: no limit.
    pub timeout_ms: Option<f64>,
    /// Threads of the pool; 0: chosen by the core.
    pub threads: u32,
    /// Calls that may wait.
    pub queue: u32,
}

/// `NativeLimits` of `binding.ts`.
#[napi(object, object_to_js = false)]
pub(crate) struct InstanceLimits {
    /// Bytes of linear memory.
    pub memory_bytes: f64,
    /// Elements of all tables.
    pub table_elements: u32,
    /// Weighted frames.
    pub call_depth: u32,
    /// Bytes of a result.
    pub output_bytes: f64,
    /// Calls of host functions; absent: no limit.
    pub host_calls: Option<f64>,
}

/// `CacheStats` of the facade.
#[napi(object, object_from_js = false)]
pub(crate) struct CacheStats {
    /// Modules found.
    pub hits: f64,
    /// Modules compiled.
    pub misses: f64,
    /// Bytes of compiled code.
    pub bytes: f64,
    /// Modules held.
    pub entries: f64,
}

/// `EngineStats` of the facade.
#[napi(object, object_from_js = false)]
pub(crate) struct EngineStats {
    /// Modules compiled.
    pub compiled: f64,
    /// Live instances.
    pub instances: f64,
    /// Calls.
    pub calls: f64,
    /// Calls that were stopped.
    pub stopped: f64,
    /// Fuel of all calls.
    pub fuel: BigInt,
}

/// An engine that this build can be asked for.
#[napi(object, object_from_js = false)]
pub(crate) struct AvailableEngine {
    /// Its name, as `backend` of the options.
    pub kind: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Why it cannot run in this process, if so.
    pub obstacle: Option<&'static str>,
}

/// The version of this addon; the facade refuses another than its own.
#[napi]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The engines inside, the default one first.
#[napi]
pub(crate) fn engines() -> Vec<AvailableEngine> {
    let available = BackendKind::available().iter();
    available
        .map(|kind| AvailableEngine {
            kind: kind.as_str(),
            version: kind.version(),
            obstacle: kind.obstacle(),
        })
        .collect()
}

/// See `binding.ts`.
#[napi]
pub(crate) fn open_runtime(
    env: Env,
    settle: Function<'_>,
    buffers: Object<'_>,
) -> napi::Result<External<Rc<Runtime>>> {
    run(env, |js| {
        Runtime::open(js, local(&settle), local(&buffers)).map(External::new)
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn slab_function<'env>(
    env: Env,
    runtime: &External<Rc<Runtime>>,
) -> napi::Result<Unknown<'env>> {
    run(env, |js| {
        let function = hot::slab_function(js, runtime)?;
        // SAFETY: the function was just made in this environment.
        Ok(unsafe { Unknown::from_raw_unchecked(js.env(), function) })
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn create_engine(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    options: EngineOptions,
) -> napi::Result<External<Engine>> {
    run(env, |_| {
        let core = WasmEngine::new(options.into_config()?)?;
        runtime.dispatcher.add_engine(&core);
        Ok(External::new(Engine {
            core,
            runtime: Rc::clone(runtime),
        }))
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn validate(env: Env, engine: &External<Engine>, bytes: &[u8]) -> napi::Result<()> {
    run(env, |_| Ok(engine.core.validate(bytes).map(drop)?))
}

/// See `binding.ts`.
#[napi]
pub(crate) fn compile_sync(
    env: Env,
    engine: &External<Engine>,
    bytes: &[u8],
    options: CompileOptions,
) -> napi::Result<External<Module>> {
    run(env, |_| {
        let module = compile::compile_now(&engine.core, options.source(bytes, None))?;
        Ok(External::new(Module::new(
            module,
            engine.core.clone(),
            Rc::clone(&engine.runtime),
        )))
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn compile(
    env: Env,
    engine: &External<Engine>,
    id: u32,
    bytes: &[u8],
    label: Option<Uint8Array>,
    options: CompileOptions,
) -> napi::Result<()> {
    run(env, |js| {
        let (core, runtime) = (&engine.core, &engine.runtime);
        let source = options.source(bytes, label.map(|label| label.to_vec()));
        let made_by = core.clone();
        let deliver = move |module| {
            Delivery::Made(Box::new(move |js, runtime| {
                Module::new(module, made_by, Rc::clone(runtime)).into_local(js)
            }))
        };
        compile::submit(core, &runtime.dispatcher, id, source, deliver)?;
        runtime.begin(js)
    })
}

/// `NativeCompileOptions` of `binding.ts`.
#[napi(object, object_to_js = false)]
pub(crate) struct CompileOptions {
    /// Whether calls can run in slices.
    pub sliceable: bool,
    /// Milliseconds.
    pub limit: f64,
}

impl CompileOptions {
    fn source(&self, bytes: &[u8], label: Option<Vec<u8>>) -> Source {
        Source {
            bytes: bytes.to_vec(),
            label,
            options: aingle_wasm_host::CompileOptions {
                sliceable: self.sliceable,
            },
            limit: self.limit as u64,
        }
    }
}

/// See `binding.ts`.
#[napi]
pub(crate) fn cache_stats(engine: &External<Engine>) -> CacheStats {
    let stats = engine.core.cache_stats();
    CacheStats {
        hits: stats.hits as f64,
        misses: stats.misses as f64,
        bytes: stats.bytes as f64,
        entries: stats.entries as f64,
    }
}

/// See `binding.ts`.
#[napi]
pub(crate) fn clear_cache(env: Env, engine: &External<Engine>) -> napi::Result<()> {
    run(env, |_| {
        engine.core.clear_cache();
        Ok(())
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn engine_stats(engine: &External<Engine>) -> EngineStats {
    let stats = engine.core.stats();
    EngineStats {
        compiled: stats.compiled as f64,
        instances: stats.instances.into(),
        calls: stats.calls as f64,
        stopped: stats.stopped as f64,
        fuel: BigInt::from(stats.fuel),
    }
}

/// Closes on a thread of its own: it waits for the guests that run, and they may be waiting for this one. No call begins
/// after this returns.
#[napi]
pub(crate) fn close_engine(env: Env, engine: &External<Engine>, id: u32) -> napi::Result<()> {
    run(env, |js| {
        let (core, dispatcher) = (engine.core.clone(), Arc::clone(&engine.runtime.dispatcher));
        let close = move || {
            core.close();
            dispatcher.post(Message::Settle(
                id,
                Ok(Delivery::Made(Box::new(|js, _| js.undefined()))),
            ));
        };
        let spawned = thread::Builder::new()
            .name("aingle-wasm-close".to_owned())
            .spawn(close);
        spawned.map_err(|_| Failure::Refused(ErrorCode::OutOfMemory, Phase::Close))?;
        // Not left to the new thread: what was called on this one, and has led here through a host function, must find itself stopped.
        engine.core.stop();
        engine.runtime.begin(js)
    })
}

impl EngineOptions {
    /// The core's form of the options.
    fn into_config(self) -> Result<EngineConfig, Failure> {
        let limits = self.limits;
        let backend = BackendKind::available()
            .iter()
            .find(|kind| kind.as_str() == self.backend)
            .ok_or(Failure::Argument("one of the engines inside"))?;
        let mut complexity = ComplexityCaps::default();
        for (name, cap) in &self.complexity {
            *complexity
                .get_mut(name)
                .ok_or(Failure::Argument("a known complexity cap"))? = *cap as u64;
        }
        let mut costs = Costs::default();
        for (operator, weight) in &self.costs {
            costs
                .set(operator, *weight)
                .map_err(|_| Failure::Argument("a weight of an operator"))?;
        }
        Ok(EngineConfig {
            backend: *backend,
            metering_limit: self.metering_limit.get_u64().1,
            canonicalize_nans: self.canonicalize_nans,
            costs,
            cache_size: self.cache_size as u64,
            static_memory_bound: self
                .static_memory_bound
                .map_or(StaticMemoryBound::Auto, StaticMemoryBound::Pages),
            limits: Limits {
                memory_bytes: limits.memory_bytes as u64,
                table_elements: limits.table_elements,
                call_depth: limits.call_depth,
                output_bytes: limits.output_bytes as u64,
                host_calls: limits.host_calls.map(|calls| calls as u64),
                instances: self.instances,
            },
            complexity,
            timeout_ms: self.timeout_ms.map(|limit| limit as u64),
            threads: self.threads as usize,
            queue: self.queue as usize,
        })
    }
}
