//! The engine: options, compiler, cache, pool and counters that its modules and instances share.

mod stats;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use aingle_wasm_prepare::{ModuleInfo, PrepareConfig, prepare};
use aingle_wasm_types::Phase;

pub use stats::EngineStats;
pub(crate) use stats::{Counters, InstancePermit};

use crate::backend::{self, Backend};
use crate::cache::{CacheStats, ModuleCache};
use crate::config::{BackendKind, EngineConfig};
use crate::error::{ErrorKind, HostError};
use crate::module::{self, CompileOptions, Digest, Module, Origin};
use crate::pool::Pool;
use crate::stop::{StopReason, Watchdog};

/// Compiles modules and owns what they share. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct WasmEngine {
    inner: Arc<Inner>,
}

struct Inner {
    config: EngineConfig,
    prepare: Forms,
    backend: Box<dyn Backend>,
    cache: ModuleCache,
    watchdog: Watchdog,
    pool: Pool,
    counters: Arc<Counters>,
    closed: AtomicBool,
}

/// What modules are prepared with.
struct Forms {
    usual: Arc<PrepareConfig>,
    sliceable: Arc<PrepareConfig>,
}

impl Forms {
    fn new(config: PrepareConfig) -> Self {
        let sliceable = PrepareConfig {
            sliceable: true,
            ..config.clone()
        };
        Self {
            usual: Arc::new(config),
            sliceable: Arc::new(sliceable),
        }
    }

    fn of(&self, options: CompileOptions) -> &Arc<PrepareConfig> {
        if options.sliceable {
            &self.sliceable
        } else {
            &self.usual
        }
    }
}

/// An engine that lives as long as others want it to.
#[derive(Clone)]
pub struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    /// Whether the engine is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Closes the engine, if it is still there, without waiting for what it stops.
    pub fn stop(&self) {
        if let Some(inner) = self.0.upgrade() {
            inner.stop();
        }
    }
}

impl Inner {
    fn stop(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.pool.stop();
        self.watchdog.close_cells(StopReason::EngineClosed);
    }
}

/// Guests may still run when the last clone goes: their threads are told to end, not waited for.
impl Drop for Inner {
    fn drop(&mut self) {
        self.watchdog.close_cells(StopReason::EngineClosed);
        self.watchdog.close(false);
        self.pool.stop();
    }
}

impl WasmEngine {
    /// Makes an engine. Starts no thread and reads no file.
    ///
    /// # Errors
    /// - `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_VALUE` if an option is outside its range.
    /// - `ERR_ENGINE_UNAVAILABLE` if this build does not have the backend.
    pub fn new(config: EngineConfig) -> Result<Self, HostError> {
        config.check()?;
        let backend = backend::open(&config)?;
        let mut prepare = config.prepare_config();
        backend.form(&mut prepare);
        let watchdog = Watchdog::new();
        let inner = Inner {
            prepare: Forms::new(prepare),
            backend,
            cache: ModuleCache::new(config.cache_size),
            pool: Pool::with_watchdog(config.threads, config.queue, watchdog.clone()),
            watchdog,
            counters: Arc::default(),
            closed: AtomicBool::new(false),
            config,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Checks a module without compiling it and describes it.
    ///
    /// # Errors
    /// - As [`WasmEngine::compile`], except `ERR_INTERNAL` for faults of the compiler.
    pub fn validate(&self, wasm: &[u8]) -> Result<ModuleInfo, HostError> {
        Ok(self.prepare(wasm, CompileOptions::default())?.info)
    }

    /// Prepares and compiles a module. Takes time in proportion to its size, on the caller's thread and one more.
    ///
    /// # Errors
    /// - `ERR_MODULE_MALFORMED`, `ERR_MODULE_INVALID` if the bytes are no valid module.
    /// - `ERR_FEATURE_DISABLED` if it uses a proposal outside WebAssembly 2.0.
    /// - `ERR_MODULE_TOO_COMPLEX`, `ERR_MEMORY_LIMIT`, `ERR_TABLE_LIMIT` if it is over a cap of the engine.
    /// - `ERR_ENGINE_CLOSED` after [`WasmEngine::close`].
    pub fn compile(&self, wasm: &[u8]) -> Result<Module, HostError> {
        self.compile_with(wasm, CompileOptions::default())
    }

    /// As [`WasmEngine::compile`], with options.
    ///
    /// # Errors
    /// - As [`WasmEngine::compile`].
    pub fn compile_with(&self, wasm: &[u8], options: CompileOptions) -> Result<Module, HostError> {
        self.check_open()?;
        self.compile_bytes(wasm, module::digest(wasm), options)
    }

    /// As [`WasmEngine::compile`], keeping the module in memory: the same bytes give the same module, and threads that
    /// ask for them at the same time share one compilation.
    ///
    /// Modules are found by the digest of their bytes, so a label never stands for other bytes than it is called with.
    /// A label that comes with new bytes makes its former module the first to leave the cache.
    ///
    /// # Errors
    /// - As [`WasmEngine::compile`].
    pub fn compile_cached(&self, label: &[u8], wasm: &[u8]) -> Result<Module, HostError> {
        self.compile_cached_with(label, wasm, CompileOptions::default())
    }

    /// As [`WasmEngine::compile_cached`], with options: the same bytes with other options are another module.
    ///
    /// # Errors
    /// - As [`WasmEngine::compile`].
    pub fn compile_cached_with(
        &self,
        label: &[u8],
        wasm: &[u8],
        options: CompileOptions,
    ) -> Result<Module, HostError> {
        self.check_open()?;
        let digest = module::digest(wasm);
        let compile = || self.compile_bytes(wasm, digest, options);
        let key = options.key(digest);
        self.inner.cache.get_or_compile(label, key, compile)
    }

    /// What the module cache did and holds.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.inner.cache.stats()
    }

    /// Empties the module cache.
    pub fn clear_cache(&self) {
        self.inner.cache.clear();
    }

    /// What the engine did.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        self.inner.counters.read()
    }

    /// The options the engine was made with.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.inner.config
    }

    /// What runs the guests, with [`BackendKind::Auto`] resolved.
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        self.inner.backend.kind()
    }

    /// The threads that calls can be queued on.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// Refuses new work with `ERR_ENGINE_CLOSED`, stops what runs and what waits in the pool, and returns when all of that
    /// has ended.
    pub fn close(&self) {
        self.inner.stop();
        self.inner.pool.close();
        self.inner.watchdog.close(true);
        self.inner.cache.clear();
    }

    /// Stops what runs and refuses what comes, and waits for nothing: the first half of [`WasmEngine::close`].
    pub fn stop(&self) {
        self.inner.stop();
    }

    /// A handle that does not keep the engine.
    #[must_use]
    pub fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.inner))
    }

    /// Whether [`WasmEngine::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn check_open(&self) -> Result<(), HostError> {
        if self.is_closed() {
            Err(HostError::engine_closed())
        } else {
            Ok(())
        }
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    pub(crate) fn watchdog(&self) -> &Watchdog {
        &self.inner.watchdog
    }

    fn compile_bytes(
        &self,
        wasm: &[u8],
        digest: Digest,
        options: CompileOptions,
    ) -> Result<Module, HostError> {
        let prepared = self.prepare(wasm, options)?;
        let compiled = self
            .inner
            .backend
            .compile(&prepared.bytes)
            .map_err(|fault| HostError::internal(Phase::Compile, fault.0))?;
        self.inner.counters.count_compiled();
        let config = Arc::clone(self.inner.prepare.of(options));
        let origin = Origin::new(wasm, config, prepared.info.functions);
        Ok(Module::new(
            origin,
            digest,
            prepared.info,
            options,
            compiled,
        ))
    }

    fn prepare(
        &self,
        wasm: &[u8],
        options: CompileOptions,
    ) -> Result<aingle_wasm_prepare::Prepared, HostError> {
        let config = self.inner.prepare.of(options);
        match catch_unwind(AssertUnwindSafe(|| prepare(wasm, config))) {
            Ok(prepared) => {
                prepared.map_err(|error| HostError::new(Phase::Compile, ErrorKind::Module(error)))
            }
            Err(panic) => Err(HostError::panicked(Phase::Compile, &*panic)),
        }
    }
}

impl fmt::Debug for WasmEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmEngine")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}
