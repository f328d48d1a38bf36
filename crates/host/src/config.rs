//! The options of an engine: read once, checked once.

use std::sync::OnceLock;

use aingle_wasm_prepare::{ComplexityCaps, Costs, PrepareConfig};
use aingle_wasm_types::meter::MAX_FUEL;

use crate::error::HostError;
use crate::limits::{Limits, in_range};

/// Largest static memory bound, in pages: the whole 32-bit address space.
const MAX_STATIC_BOUND: u32 = 0x1_0000;

/// How a [`crate::WasmEngine`] is made. All fields have the defaults of `EngineConfig::default()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// What runs the guests. Default [`BackendKind::Auto`].
    pub backend: BackendKind,
    /// Fuel of a call that does not bring its own, 1 to 2^62 (which no call can use up). Default 100,000,000,000.
    pub metering_limit: u64,
    /// Whether every NaN that arithmetic produces is the canonical one, wherever a guest can see its bits. Default true.
    ///
    /// With false the bits are the machine's own; wasmi makes them canonical all the same.
    pub canonicalize_nans: bool,
    /// What operators cost. Default: 1 each, and nothing for those that only give structure.
    pub costs: Costs,
    /// Bytes of compiled code that [`crate::WasmEngine::compile_cached`] keeps in memory; 0 keeps nothing. Default 256 MiB.
    pub cache_size: u64,
    /// How address space is reserved for memories. Default [`StaticMemoryBound::Auto`].
    pub static_memory_bound: StaticMemoryBound,
    /// What instances may use.
    pub limits: Limits,
    /// What modules may contain.
    pub complexity: ComplexityCaps,
    /// Milliseconds that a call may take, at least 1; `None`: no limit. Default 30,000.
    pub timeout_ms: Option<u64>,
    /// Calls that run in the engine's pool at the same time. 0 (the default) is one for each core, and a call that takes 20
    /// milliseconds or more does not count while others wait: at most 16 of these or two for each core, where pointers have
    /// 32 bits 8 of them, and where the priority of their threads cannot be lowered one for each core.
    pub threads: usize,
    /// Calls that may wait in the pool; with 0 a call is taken only if it can begin at once. Default 10,000.
    pub queue: usize,
}

/// What runs the guests: same results, same fuel, same errors, at other speeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendKind {
    /// The fastest of this build.
    #[default]
    Auto,
    /// Compiled code: wasmer with Cranelift. Needs memory that is writable first and executable then.
    Wasmer,
    /// An interpreter: wasmi. Runs everywhere, compiles nothing, and tells no frames of traps.
    Wasmi,
}

impl BackendKind {
    /// The backends of this build, the one that [`BackendKind::Auto`] means first.
    #[must_use]
    pub const fn available() -> &'static [Self] {
        crate::backend::AVAILABLE
    }

    /// Why this backend cannot run in this process although it is in this build: wasmer, where memory may not be made
    /// executable.
    #[must_use]
    pub fn obstacle(self) -> Option<&'static str> {
        crate::backend::obstacle(self)
    }

    /// The name, as in the options of the JavaScript package.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Wasmer => "wasmer",
            Self::Wasmi => "wasmi",
        }
    }

    /// Version of the engine inside; that of the first available one for [`BackendKind::Auto`].
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::Auto => Self::available()[0].version(),
            Self::Wasmer => "6.1.0",
            Self::Wasmi => "2.0.0",
        }
    }
}

/// How much address space a memory reserves, which decides how its accesses are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaticMemoryBound {
    /// On x86-64 all that 32-bit addresses with 32-bit offsets can reach, so that no access needs a comparison; on other
    /// hosts, whose address space may be small, the memory cap of the engine.
    #[default]
    Auto,
    /// This many pages of 64 KiB, 0 to 65,536; 0x4000 (1 GiB) suits small address spaces. A memory that may grow larger
    /// moves when it grows.
    Pages(u32),
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            backend: BackendKind::Auto,
            metering_limit: 100_000_000_000,
            canonicalize_nans: true,
            costs: Costs::default(),
            cache_size: 256 << 20,
            static_memory_bound: StaticMemoryBound::Auto,
            limits: Limits::default(),
            complexity: ComplexityCaps::default(),
            timeout_ms: Some(30_000),
            threads: 0,
            queue: 10_000,
        }
    }
}

impl EngineConfig {
    /// Checks every option against its range.
    pub(crate) fn check(&self) -> Result<(), HostError> {
        check_fuel("metering_limit", self.metering_limit)?;
        if let StaticMemoryBound::Pages(pages) = self.static_memory_bound {
            in_range(
                "static_memory_bound",
                pages.into(),
                0,
                MAX_STATIC_BOUND.into(),
            )?;
        }
        if let Some(limit) = self.timeout_ms {
            in_range("timeout_ms", limit, 1, u64::MAX)?;
        }
        in_range("queue", self.queue as u64, 0, u32::MAX.into())?;
        in_range("threads", self.threads as u64, 0, 1_024)?;
        self.limits.check()
    }

    /// What `prepare` builds into every module of the engine.
    pub(crate) fn prepare_config(&self) -> PrepareConfig {
        PrepareConfig {
            complexity: self.complexity.clone(),
            memory_pages: self.limits.memory_pages(),
            table_elements: self.limits.table_elements,
            costs: self.costs.clone(),
            canonicalize_nans: self.canonicalize_nans,
            ..PrepareConfig::default()
        }
    }
}

/// Processors that this process may use.
pub(crate) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Refuses an amount of fuel outside 1 to 2^62.
pub(crate) fn check_fuel(option: &'static str, fuel: u64) -> Result<(), HostError> {
    in_range(option, fuel, 1, MAX_FUEL)
}
