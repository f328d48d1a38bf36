//! What an engine must be able to do. Everything above this trait is the same for all engines.
//!
//! A backend runs modules that `prepare` has rewritten: it finds fuel, status and depth in the globals of
//! [`aingle_wasm_types::meter`] and knows nothing about calls, limits or envelopes.

#[cfg(feature = "wasmer")]
#[expect(
    unsafe_code,
    reason = "the engine's cells and calls; each block says why it is sound"
)]
mod wasmer;
#[cfg(feature = "wasmi")]
mod wasmi;

mod references;

use std::sync::Arc;

use aingle_wasm_prepare::{FunctionType, GlobalType, MemoryType, PrepareConfig, TableType};
use aingle_wasm_types::TrapKind;

use crate::config::{BackendKind, EngineConfig};
use crate::error::HostError;
use crate::stop::StopSwitch;
use crate::value::{Slot, Value};

pub(crate) use references::{References, TableId};

#[cfg(not(any(feature = "wasmer", feature = "wasmi")))]
compile_error!("an engine is needed: switch on the feature `wasmer` or `wasmi`");

/// The backends of this build, the one that [`BackendKind::Auto`] means first.
pub(crate) const AVAILABLE: &[BackendKind] = &[
    #[cfg(feature = "wasmer")]
    BackendKind::Wasmer,
    #[cfg(feature = "wasmi")]
    BackendKind::Wasmi,
];

/// Why a backend of this build cannot run in this process, if so.
pub(crate) fn obstacle(kind: BackendKind) -> Option<&'static str> {
    match kind {
        #[cfg(feature = "wasmer")]
        BackendKind::Wasmer => wasmer::obstacle(),
        _ => None,
    }
}

/// Makes the backend that is asked for.
pub(crate) fn open(config: &EngineConfig) -> Result<Box<dyn Backend>, HostError> {
    let runs = |kind: &BackendKind| obstacle(*kind).is_none();
    let asked = match config.backend {
        BackendKind::Auto => AVAILABLE.iter().copied().find(runs),
        kind => Some(kind).filter(runs),
    };
    let Some(kind) = asked else {
        return Err(HostError::unavailable(config.backend));
    };
    match kind {
        #[cfg(feature = "wasmer")]
        BackendKind::Wasmer => Ok(Box::new(wasmer::WasmerBackend::new(config))),
        #[cfg(feature = "wasmi")]
        BackendKind::Wasmi => Ok(Box::new(wasmi::WasmiBackend::new(config))),
        #[allow(
            unreachable_patterns,
            reason = "a kind that this build lacks, or one that is new"
        )]
        kind => Err(HostError::unavailable(kind)),
    }
}

/// An engine that compiles prepared modules.
pub(crate) trait Backend: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// Asks for the form of prepared modules that this engine runs best. The form changes no count.
    fn form(&self, prepare: &mut PrepareConfig);

    /// Compiles a prepared module.
    fn compile(&self, prepared: &[u8]) -> Result<Arc<dyn CompiledModule>, CompileFault>;
}

/// A compiled module, shared by its instances.
pub(crate) trait CompiledModule: Send + Sync {
    /// Makes an instance. `imports` are in the order of the module's imports; `functions` are those that references of the
    /// host's objects stand for, by number; `globals` are the names of its exported globals; `slice` is what a sliceable
    /// module calls when its fuel is spent. Runs no guest code.
    fn instantiate(
        self: Arc<Self>,
        imports: Vec<HostImport>,
        functions: Vec<FunctionImport>,
        globals: &[String],
        slice: Option<FunctionImport>,
    ) -> Result<Box<dyn BackendInstance>, Interruption>;

    /// Bytes of machine code and tables that this module keeps alive.
    fn code_bytes(&self) -> u64;
}

/// A guest with its memory and globals, used by one thread at a time.
pub(crate) trait BackendInstance: Send {
    /// The guest, at rest.
    fn guest(&mut self) -> &mut dyn Guest;

    /// Looks an exported function up by name; the answer stays valid as long as the instance.
    fn function(&mut self, name: &str) -> Option<FunctionId>;

    /// The way to stop the guest from another thread. Used only while the instance lives.
    fn stop_switch(&mut self) -> Box<dyn StopSwitch>;

    /// Lowers the caps that the guest's own growth is compared with: pages of the memory, elements of all tables.
    fn set_caps(&mut self, memory_pages: u32, table_elements: u32);
}

/// What a guest offers to its host, at rest and while it waits in a host function.
pub(crate) trait Guest: References {
    /// Fuel left; negative when a host charged more than there was.
    fn fuel(&self) -> i64;

    /// Sets the fuel left.
    fn set_fuel(&mut self, left: i64);

    /// Sets the units of call depth left.
    fn set_depth(&mut self, left: u32);

    /// Prepares a call from outside: fuel and depth are set, the status is cleared.
    fn arm(&mut self, fuel: i64, depth: u32);

    /// The reason the guest wrote before it stopped itself: an [`aingle_wasm_types::meter::Stop`] as a number.
    fn status(&self) -> i32;

    /// Forgets that reason.
    fn clear_status(&mut self);

    /// The memory as it is now; empty when the guest has none.
    fn memory(&mut self) -> &mut [u8];

    /// Grows the memory and returns its former size in pages.
    fn grow_memory(&mut self, pages: u32) -> Result<u32, GrowthRefused>;

    /// Reads a global.
    fn global(&mut self, global: GlobalId) -> Slot;

    /// Writes a global, which must be mutable.
    fn set_global(&mut self, global: GlobalId, value: Slot);

    /// Calls a function. `slots` holds the arguments, then the results: its length is at least that of the longer list.
    fn call(&mut self, function: FunctionId, slots: &mut [Slot]) -> Result<(), Interruption>;

    /// Calls a function, then what `next` asks for, until it asks for nothing. Every call uses the same slots, which
    /// `next` finds and leaves as the call before and the call after have them. Cheaper than separate calls where
    /// entering the guest costs something.
    fn call_chain(
        &mut self,
        first: FunctionId,
        slots: &mut [Slot],
        next: &mut Next<'_>,
    ) -> Result<(), Interruption>;
}

/// Decides on the next call of a chain.
pub(crate) type Next<'a> = dyn FnMut(&mut dyn Guest, &mut [Slot]) -> Option<FunctionId> + 'a;

/// Why a memory or a table did not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrowthRefused {
    /// It would pass this maximum of its own, in pages or elements; 0 without a memory.
    Maximum(u32),
    /// The machine has no room.
    Machine,
}

/// A function of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FunctionId(pub(crate) u32);

/// A global of one instance that its host can reach: the imported ones in their order, then the exported ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GlobalId(pub(crate) u32);

/// What an instance is given for an import.
pub(crate) enum HostImport {
    /// A function.
    Function(FunctionImport),
    /// The memory.
    Memory(MemoryImport),
    /// A table.
    Table(TableImport),
    /// A global.
    Global(GlobalImport),
    /// The same object as the import at this earlier position.
    Again(usize),
}

/// A function that an instance imports.
pub(crate) struct FunctionImport {
    /// Its type.
    pub(crate) ty: FunctionType,
    /// Its body.
    pub(crate) call: HostCall,
    /// A shorter way to the same result.
    #[cfg_attr(
        not(feature = "wasmer"),
        expect(dead_code, reason = "wasmi has no shorter way")
    )]
    pub(crate) quick: Option<QuickCall>,
}

/// A memory that is made for an instance.
pub(crate) struct MemoryImport {
    /// The pages that it begins with, and its maximum.
    pub(crate) ty: MemoryType,
    /// What it begins with; zeros follow.
    pub(crate) contents: Arc<[u8]>,
}

/// A table that is made for an instance.
pub(crate) struct TableImport {
    /// The elements that it begins with, and its maximum.
    pub(crate) ty: TableType,
    /// What it begins with; nulls follow.
    pub(crate) contents: Arc<[Value]>,
}

/// A global that is made for an instance.
pub(crate) struct GlobalImport {
    /// Its type.
    pub(crate) ty: GlobalType,
    /// The value that it begins with.
    pub(crate) value: Value,
}

/// Body of an imported function: takes arguments and leaves results in the same slots. A backend treats its panic as
/// [`Stopped`].
pub(crate) type HostCall =
    Box<dyn Fn(&mut dyn Guest, &mut [Slot]) -> Result<(), Stopped> + Send + Sync>;

/// A body of type `(i32, i32) -> i32` that an engine may run on the guest's own stack: it neither panics, locks nor
/// allocates, and has done nothing when it answers `None`. Then [`HostCall`] is to be asked.
pub(crate) type QuickCall = Box<dyn Fn(&mut dyn Guest, [u32; 2]) -> Option<u32> + Send + Sync>;

/// Asks the backend to end the guest's call with [`Interruption::Host`]. The reason is noted with the caller.
#[derive(Debug)]
pub(crate) struct Stopped;

/// A function of a prepared module on the stack.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) function: u32,
    /// From the name section.
    pub(crate) name: Option<String>,
    /// Where the operator is in the prepared module, if the engine knows.
    pub(crate) offset: Option<u32>,
}

/// Why a guest did not return.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// It trapped by itself, or stopped itself: see [`Guest::status`].
    Trap {
        /// How.
        trap: TrapKind,
        /// Guest functions, innermost first.
        frames: Vec<Frame>,
    },
    /// The engine's own stack ended.
    StackOverflow,
    /// A host function answered [`Stopped`].
    Host,
    /// The machine could not give what the engine needs.
    OutOfMemory(&'static str),
    /// The engine failed in a way that it must not.
    Fault(String),
}

/// Why an engine did not take a prepared module.
#[derive(Debug)]
pub(crate) struct CompileFault(pub(crate) String);
