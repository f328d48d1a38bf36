//! Instances: a guest with its memory, its limits and its state.

mod bytes;
mod call;
mod convention;
mod errors;
pub(crate) mod global;
pub(crate) mod memory;
mod nested;
mod options;
pub(crate) mod outcome;
mod receipt;
pub(crate) mod reference;
mod session;
mod slices;
mod start;
mod state;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aingle_wasm_types::{ErrorCode, Phase};

pub use call::CallOutput;
use convention::CallBuffer;
pub(crate) use convention::{Block, checksum_of};
pub(crate) use errors::guest_error;
pub use global::GlobalHandle;
pub use options::{AbiChoice, AfterTrap, CallOptions, InstanceOptions};
pub use receipt::Receipt;
pub use reference::References;
pub(crate) use session::Session;
pub use slices::{Slice, SliceCallback, SliceDecision, SliceOptions};
pub use state::InstanceState;

use crate::backend::{BackendInstance, FunctionId, Guest};
use crate::engine::{InstancePermit, WasmEngine};
use crate::error::{ErrorKind, HostError};
use crate::module::Module;
use crate::stop::StopReason;
use crate::value::Slot;

/// A guest: one instance of a module, with a memory and limits of its own.
///
/// It can move between threads, and one thread uses it at a time. A call that traps or is stopped poisons it; see
/// [`AfterTrap`].
pub struct WasmInstance {
    backend: Option<Box<dyn BackendInstance>>,
    session: Arc<Session>,
    monitor: Monitor,
    module: Module,
    engine: WasmEngine,
    call_buffer: Option<CallBuffer>,
    /// Functions of the exports that were called, by the export's index.
    functions: Vec<Option<FunctionId>>,
    /// Arguments and results of core calls, kept for the next one.
    slots: Vec<Slot>,
    /// Calls until now, instantiation included; the number of the running one.
    calls: u64,
    default_fuel: u64,
    after_trap: AfterTrap,
    poisoned_by: Option<&'static str>,
    receipt: Receipt,
    permit: Option<InstancePermit>,
}

/// An exported function, found once. Good for every instance of its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportHandle {
    pub(crate) module: u32,
    pub(crate) index: u32,
    /// Whether the function takes and returns bytes.
    pub(crate) bytes: bool,
}

/// A view of an instance from any thread, also while the instance is busy on another.
#[derive(Clone)]
pub struct Monitor {
    session: Arc<Session>,
    totals: Arc<Totals>,
}

/// Written by the instance's owner, read by anyone.
#[derive(Default)]
struct Totals {
    fuel_used: AtomicU64,
    calls: AtomicU64,
    stopped: AtomicU64,
    fuel: AtomicU64,
}

/// What an instance did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceStats {
    /// Calls that have ended.
    pub calls: u64,
    /// Calls that were stopped by a limit of fuel, of time or of the machine's memory, or from outside.
    pub stopped: u64,
    /// Fuel used by all of them.
    pub fuel: u64,
}

impl Monitor {
    /// What the instance was doing a moment ago.
    #[must_use]
    pub fn state(&self) -> InstanceState {
        self.session.state.get()
    }

    /// Fuel of the last finished call of any kind.
    #[must_use]
    pub fn fuel_used(&self) -> u64 {
        self.totals.fuel_used.load(Ordering::Relaxed)
    }

    /// What the instance did.
    #[must_use]
    pub fn stats(&self) -> InstanceStats {
        InstanceStats {
            calls: self.totals.calls.load(Ordering::Relaxed),
            stopped: self.totals.stopped.load(Ordering::Relaxed),
            fuel: self.totals.fuel.load(Ordering::Relaxed),
        }
    }

    /// Stops the call that runs, and those that begin from now on, with `ERR_INSTANCE_CLOSED`.
    pub fn close(&self) {
        self.session.stop.close(StopReason::InstanceClosed);
    }

    fn start(&self, fuel: u64) {
        self.totals.fuel_used.store(fuel, Ordering::Relaxed);
    }

    fn record(&self, fuel: u64, stopped: bool) {
        // Only the owner writes, so that nothing is lost between reading and writing.
        let add = |total: &AtomicU64, more: u64| {
            let sum = total.load(Ordering::Relaxed).wrapping_add(more);
            total.store(sum, Ordering::Relaxed);
        };
        self.totals.fuel_used.store(fuel, Ordering::Relaxed);
        add(&self.totals.calls, 1);
        add(&self.totals.fuel, fuel);
        if stopped {
            add(&self.totals.stopped, 1);
        }
    }
}

impl WasmInstance {
    /// Makes an instance without imports, with the engine's limits.
    ///
    /// # Errors
    /// - As [`WasmInstance::with_options`].
    pub fn new(engine: &WasmEngine, module: &Module) -> Result<Self, HostError> {
        Self::with_options(engine, module, InstanceOptions::default())
    }

    /// The module this is an instance of.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What the instance is doing.
    #[must_use]
    pub fn state(&self) -> InstanceState {
        self.session.state.get()
    }

    /// A view of the instance for other threads.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Fuel of the last finished call of any kind; before the first call, of the instantiation.
    #[must_use]
    pub fn fuel_used(&self) -> u64 {
        self.receipt.fuel_used
    }

    /// What the last finished call used.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Finds an exported function once; see [`Module::export_handle`].
    ///
    /// # Errors
    /// - As [`Module::export_handle`].
    pub fn export_handle(&self, name: &str) -> Result<ExportHandle, HostError> {
        self.module.export_handle(name)
    }

    /// Size of the memory in pages of 64 KiB; 0 without a memory.
    ///
    /// # Errors
    /// - `ERR_INSTANCE_CLOSED` after [`WasmInstance::close`].
    pub fn memory_pages(&mut self) -> Result<u32, HostError> {
        Ok(memory::pages(self.guest()?))
    }

    /// Copies `len` bytes of the memory at `ptr`. Works on a poisoned instance as well.
    ///
    /// # Errors
    /// - `ERR_OUT_OF_RANGE` if the range is not inside the memory.
    /// - `ERR_INSTANCE_CLOSED` after [`WasmInstance::close`].
    pub fn memory_read(&mut self, ptr: u32, len: u32) -> Result<Vec<u8>, HostError> {
        memory::read(self.guest()?, ptr, len)
    }

    /// Copies `bytes` into the memory at `ptr`. Works on a poisoned instance as well.
    ///
    /// # Errors
    /// - As [`WasmInstance::memory_read`].
    pub fn memory_write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), HostError> {
        memory::write(self.guest()?, ptr, bytes)
    }

    /// Grows the memory by `pages` and returns its former size in pages. Charges nothing.
    ///
    /// # Errors
    /// - `ERR_MEMORY_LIMIT` if it would pass the instance's limit or the memory's declared maximum.
    /// - `ERR_OUT_OF_MEMORY` if the machine cannot serve it.
    /// - `ERR_INSTANCE_CLOSED` after [`WasmInstance::close`].
    pub fn memory_grow(&mut self, pages: u32) -> Result<u32, HostError> {
        let limit = self.session.limits.memory_pages;
        memory::grow(self.guest()?, limit, pages)
    }

    /// Frees the instance's memory and its place among the engine's live instances. Later calls fail with `ERR_INSTANCE_CLOSED`; closing twice does nothing.
    pub fn close(&mut self) {
        self.session.stop.connect(None);
        self.backend = None;
        self.permit = None;
        self.session.state.set(InstanceState::Closed);
    }

    fn guest(&mut self) -> Result<&mut dyn Guest, HostError> {
        self.backend
            .as_mut()
            .map(|backend| backend.guest())
            .ok_or_else(closed)
    }

    /// Whether a call may begin; what a call checks first after its arguments.
    ///
    /// # Errors
    /// - `ERR_ENGINE_CLOSED`, `ERR_INSTANCE_CLOSED`, `ERR_INSTANCE_POISONED`.
    /// - `ERR_INSTANCE_BUSY` from inside a host function of this instance.
    pub fn check_usable(&self) -> Result<(), HostError> {
        self.engine.check_open()?;
        match self.session.state.get() {
            InstanceState::Idle => Ok(()),
            InstanceState::Closed => Err(closed()),
            InstanceState::Poisoned => {
                let reason = self.poisoned_by.unwrap_or(ErrorCode::Internal.as_str());
                Err(HostError::new(Phase::Call, ErrorKind::Poisoned { reason }))
            }
            InstanceState::Running | InstanceState::Host => {
                let text = "the instance is running another call";
                Err(HostError::new(
                    Phase::Call,
                    ErrorKind::State {
                        code: ErrorCode::InstanceBusy,
                        text,
                    },
                ))
            }
        }
    }

    /// The function behind a handle, looked up at its first use.
    fn function(&mut self, handle: ExportHandle) -> Result<FunctionId, HostError> {
        let known = self.functions.get(handle.index as usize).copied().flatten();
        match known {
            Some(function) if self.module.is_id(handle.module) => Ok(function),
            _ => self.resolve(handle),
        }
    }

    #[cold]
    fn resolve(&mut self, handle: ExportHandle) -> Result<FunctionId, HostError> {
        let module = self.module.clone();
        let (index, name, _) = module.export(handle)?;
        let backend = self.backend.as_mut().ok_or_else(closed)?;
        let function = backend
            .function(name)
            .ok_or_else(|| module.no_export(name, ""))?;
        if self.functions.len() <= index {
            self.functions.resize(index + 1, None);
        }
        self.functions[index] = Some(function);
        Ok(function)
    }

    fn bytes_function(&mut self, handle: ExportHandle) -> Result<FunctionId, HostError> {
        if handle.bytes {
            return self.function(handle);
        }
        let (_, name, _) = self.module.export(handle)?;
        Err(self.module.no_export(name, "(i32, i32) -> (i64)"))
    }
}

/// Monitors outlive their instance; they shall see its end.
impl Drop for WasmInstance {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for WasmInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmInstance")
            .field("module", &self.module)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

#[cold]
fn closed() -> HostError {
    let text = "the instance is closed";
    HostError::new(
        Phase::Call,
        ErrorKind::State {
            code: ErrorCode::InstanceClosed,
            text,
        },
    )
}
