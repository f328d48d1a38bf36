//! How an instance comes to be: imports linked, memory made, start function run.

use std::collections::HashMap;
use std::sync::Arc;

use aingle_wasm_prepare::{ExternType, MemoryType, ValueType};
use aingle_wasm_types::{ErrorCode, PackedResult, Phase, abi, meter};

use super::convention::{CallBuffer, Convention, Framing};
use super::options::InstanceOptions;
use super::receipt::Receipt;
use super::session::{Session, SessionLimits};
use super::state::InstanceState;
use super::{Monitor, WasmInstance, outcome};
use crate::backend::{BackendInstance, FunctionId, Interruption};
use crate::config::check_fuel;
use crate::engine::{InstancePermit, WasmEngine};
use crate::error::{ErrorKind, HostError};
use crate::imports::{Imports, link, reference};
use crate::limits::pages;
use crate::module::{Module, takes_bytes};
use crate::stop::StopReason;
use crate::value::Slot;

/// Export of C-like guests that sets up their globals; called once, after the start function.
const INITIALIZE: &str = "_initialize";

impl WasmInstance {
    /// Makes an instance. Under one budget of fuel, and in this order, it runs the start function, `_initialize` if
    /// that is exported as `() -> ()`, and the guest kit's version and call buffer exports.
    ///
    /// # Errors
    /// - `ERR_IMPORT_MISSING`, `ERR_IMPORT_TYPE`: all imports that do not fit, in one error.
    /// - `ERR_OUT_OF_RANGE` if a limit is above the engine's or outside its range.
    /// - `ERR_MEMORY_LIMIT`, `ERR_TABLE_LIMIT` if the guest begins above a limit of the instance.
    /// - `ERR_OUT_OF_MEMORY` if the machine has no room, or the engine has too many instances.
    /// - `ERR_FEATURE_DISABLED` if the guest kit is newer than this host.
    /// - `ERR_TRAP` and all that may stop a call, from what runs or from a segment that does not fit.
    /// - `ERR_ENGINE_CLOSED` after [`WasmEngine::close`].
    pub fn with_options(
        engine: &WasmEngine,
        module: &Module,
        options: InstanceOptions,
    ) -> Result<Self, HostError> {
        engine.check_open()?;
        let config = engine.config();
        let fuel = options.fuel.unwrap_or(config.metering_limit);
        check_fuel("fuel", fuel)?;
        let mut limits = SessionLimits::from(&config.limits.lowered(&options.limits)?);
        let given = link::given_memory(module.info(), &options.imports).map(|memory| memory.ty);
        check_memory(given, limits.memory_pages)?;
        for memory in module.info().memory.into_iter().chain(given) {
            limits.memory_pages = limits.memory_pages.min(memory.max.unwrap_or(u32::MAX));
        }
        let session = Arc::new(Session::new(limits, module.origin().clone()));
        let caps = link::Caps {
            memory_pages: config.limits.memory_pages(),
            table_elements: config.limits.table_elements,
        };
        let imports = link::link(module.info(), &options.imports, &session, caps)?;
        let slice = module.is_sliceable().then(|| link::slice(&session));
        check_tables(module, &options.imports, session.limits.table_elements)?;
        let permit = InstancePermit::take(engine.counters(), config.limits.instances)?;
        let functions = options
            .functions
            .iter()
            .map(|function| reference::import(function, &session))
            .collect::<Result<_, _>>()?;
        let made = Arc::clone(module.compiled()).instantiate(
            imports,
            functions,
            module.exported_globals(),
            slice,
        );
        let mut backend = made.map_err(|how| not_made(&session, how))?;
        session.stop.connect(Some(backend.stop_switch()));
        engine.watchdog().add_cell(&session.stop);
        // Who closes the engine meanwhile closes the cells that it finds.
        if engine.is_closed() {
            session.stop.close(StopReason::EngineClosed);
        }
        let monitor = Monitor {
            session: Arc::clone(&session),
            totals: Arc::default(),
        };
        let mut instance = Self {
            backend: Some(backend),
            session,
            monitor,
            module: module.clone(),
            engine: engine.clone(),
            call_buffer: None,
            functions: Vec::new(),
            slots: Vec::new(),
            calls: 0,
            default_fuel: config.metering_limit,
            after_trap: options.after_trap,
            poisoned_by: None,
            receipt: Receipt::default(),
            permit: Some(permit),
        };
        instance.check_sizes()?;
        instance.start(fuel, &options)?;
        Ok(instance)
    }

    /// Applies the instance's own caps, which may be below what the module begins with.
    fn check_sizes(&mut self) -> Result<(), HostError> {
        let limits = &self.session.limits;
        let backend = self.backend.as_mut().expect("just made");
        backend.set_caps(limits.memory_pages, limits.table_elements);
        check_pages(
            pages(backend.guest().memory().len() as u64),
            limits.memory_pages,
        )?;
        check_elements(self.module.info().table_elements, limits.table_elements)
    }

    /// Runs what a module wants to have run before its first call.
    fn start(&mut self, fuel: u64, options: &InstanceOptions) -> Result<(), HostError> {
        self.calls += 1;
        let session = &*self.session;
        let backend = &mut **self.backend.as_mut().expect("just made");
        session.begin(fuel, false);
        backend
            .guest()
            .arm(fuel.cast_signed(), session.limits.call_depth);
        // Host functions of bytes may run from here on.
        let convention = Convention::resolve(&self.module, backend, options.abi);
        let convention = session.convention.get_or_init(|| convention);
        session
            .exports
            .get_or_init(|| bytes_exports(&self.module, backend));
        session.watch(
            self.calls,
            &self.engine,
            options.time,
            options.ticket.as_ref(),
        );
        let steps = Steps {
            module: &self.module,
            backend,
        };
        let ran = steps.run(convention.framing);
        let stopped = session.stop.end();
        let ran = ran.map_err(|error| match error {
            StepError::Refused(error) => error,
            StepError::Interrupted(how) => {
                outcome::explain(backend.guest(), session, how, stopped, Phase::Start)
            }
        });
        let guest = backend.guest();
        let left = guest.fuel();
        self.call_buffer = ran?;
        if left < 0 {
            return Err(outcome::fuel_exhausted(Phase::Start, fuel));
        }
        session.state.set(InstanceState::Idle);
        self.receipt = Receipt {
            fuel_used: fuel.saturating_sub(left.cast_unsigned()),
            fuel_limit: fuel,
            fuel_exact: true,
            memory_pages: super::memory::pages(guest),
            host_calls: session.host_share().calls,
            ..Receipt::default()
        };
        self.monitor.start(self.receipt.fuel_used);
        Ok(())
    }
}

/// The exported functions of bytes, if a host function could call one.
fn bytes_exports(
    module: &Module,
    backend: &mut dyn BackendInstance,
) -> HashMap<String, FunctionId> {
    let mut functions = HashMap::new();
    if !module.imports_functions() {
        return functions;
    }
    for export in &module.info().exports {
        if matches!(&export.ty, ExternType::Function(ty) if takes_bytes(ty))
            && let Some(function) = backend.function(&export.name)
        {
            functions.insert(export.name.clone(), function);
        }
    }
    functions
}

/// Why a step did not end well.
enum StepError {
    Refused(HostError),
    Interrupted(Interruption),
}

impl From<HostError> for StepError {
    fn from(error: HostError) -> Self {
        Self::Refused(error)
    }
}

struct Steps<'a> {
    module: &'a Module,
    backend: &'a mut dyn BackendInstance,
}

impl Steps<'_> {
    /// Runs every step and answers the guest's call buffer.
    fn run(mut self, framing: Framing) -> Result<Option<CallBuffer>, StepError> {
        if let Some(start) = self.backend.function(meter::START) {
            self.call(start, &mut [])?;
        }
        if let Some(initialize) = self.exported(INITIALIZE, &[]) {
            self.call(initialize, &mut [])?;
        }
        if framing == Framing::Bytes {
            return Ok(None);
        }
        self.check_version()?;
        self.call_buffer()
    }

    fn check_version(&mut self) -> Result<(), StepError> {
        let Some(version) = self.exported(abi::ABI_VERSION_EXPORT, &[ValueType::I32]) else {
            return Ok(());
        };
        let mut slots = [0];
        self.call(version, &mut slots)?;
        let version = slots[0] as u32;
        if version <= abi::ABI_VERSION {
            return Ok(());
        }
        let feature = format!("version {version} of the call convention");
        Err(HostError::new(Phase::Link, ErrorKind::Feature { feature }).into())
    }

    /// The guest's call buffer, if it has one that lies in its memory.
    fn call_buffer(&mut self) -> Result<Option<CallBuffer>, StepError> {
        let Some(function) = self.exported(abi::CALL_BUFFER, &[ValueType::I64]) else {
            return Ok(None);
        };
        let mut slots = [0];
        self.call(function, &mut slots)?;
        let buffer = PackedResult::from_raw(slots[0] as u64);
        let (ptr, capacity) = (buffer.ptr(), buffer.len());
        let size = self.backend.guest().memory().len();
        let usable = !buffer.is_error() && super::memory::range(ptr, capacity, size).is_some();
        Ok(usable.then_some(CallBuffer { ptr, capacity }))
    }

    fn exported(&mut self, name: &str, results: &[ValueType]) -> Option<FunctionId> {
        self.module
            .exports_function(name, &[], results)
            .then(|| self.backend.function(name))?
    }

    fn call(&mut self, function: FunctionId, slots: &mut [Slot]) -> Result<(), StepError> {
        let called = self.backend.guest().call(function, slots);
        called.map_err(StepError::Interrupted)
    }
}

/// Checks a memory that the host gives before it is made.
fn check_memory(given: Option<MemoryType>, limit: u32) -> Result<(), HostError> {
    given.map_or(Ok(()), |memory| check_pages(memory.min, limit))
}

/// Checks tables that the host gives larger than they are asked for before they are made.
fn check_tables(module: &Module, given: &Imports, limit: u32) -> Result<(), HostError> {
    match link::extra_elements(module.info(), given) {
        0 => Ok(()),
        extra => check_elements(module.info().table_elements + extra, limit),
    }
}

fn check_elements(elements: u64, limit: u32) -> Result<(), HostError> {
    if elements <= limit.into() {
        return Ok(());
    }
    let limit = limit.into();
    Err(outcome::over_limit(
        Phase::Link,
        ErrorCode::TableLimit,
        limit,
        elements,
    ))
}

fn check_pages(pages: u32, limit: u32) -> Result<(), HostError> {
    if pages <= limit {
        return Ok(());
    }
    let bytes = |pages: u32| u64::from(pages) * u64::from(meter::PAGE_BYTES);
    Err(outcome::over_limit(
        Phase::Link,
        ErrorCode::MemoryLimit,
        bytes(limit),
        bytes(pages),
    ))
}

/// Why the engine did not make the instance. No guest code has run, so there is no status to ask for.
#[cold]
fn not_made(session: &Session, how: Interruption) -> HostError {
    let kind = match how {
        Interruption::Trap { trap, frames } => ErrorKind::Trap {
            trap,
            frames: session.authors(frames),
        },
        Interruption::OutOfMemory(resource) => ErrorKind::OutOfMemory {
            resource,
            limit: 0,
            value: 0,
        },
        Interruption::Fault(reason) => ErrorKind::Internal { reason },
        Interruption::StackOverflow => ErrorKind::StackOverflow {
            limit: session.limits.call_depth.into(),
        },
        Interruption::Host => ErrorKind::Internal {
            reason: "a host function ran during linking".to_owned(),
        },
    };
    HostError::new(Phase::Start, kind)
}
