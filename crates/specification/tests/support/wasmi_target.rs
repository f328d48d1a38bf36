//! wasmi as a target, driven directly: of modules as their authors wrote them, or of what `prepare` makes of them.
//!
//! In the second form it is the smallest host of a prepared module: it sets the reserved globals before a call from
//! outside and reads the status after a trap.

use std::sync::Arc;

use aingle_wasm_prepare::{PrepareConfig, prepare};
use aingle_wasm_specification::spectest::{self, NumberType};
use aingle_wasm_specification::{Capabilities, Failure, Registered, SpecificationTarget, Value};
use aingle_wasm_types::meter::{self, Stop};
use aingle_wasm_types::{ErrorCode, TrapKind};
use wasmi::errors::ErrorKind;
use wasmi::{
    Config, Engine, Error, Func, FuncType, Global, Instance, Linker, Memory, MemoryType, Module,
    Mutability, Ref, RefType, Store, Table, TableType, TrapCode, Val, ValType,
};

use super::hooks;
use super::values::{lift, lower, trap_kind};

/// Fuel of a call, which no script comes near.
const FUEL: i64 = 1 << 62;
/// Depth of a call. The deepest call that a script expects to return nests 1,000 deep.
const DEPTH: i32 = 2_000;
/// The engine's own limits must never be met before [`DEPTH`] is.
const RECURSION: usize = 100_000;
const STACK_BYTES: usize = 256 << 20;

/// A store with everything that one script makes.
pub(crate) struct WasmiTarget {
    /// What to ask of `prepare`; `None` runs the author's module.
    form: Option<PrepareConfig>,
    capabilities: Capabilities,
    store: Store<()>,
    linker: Linker<()>,
    instances: Vec<Instance>,
}

impl WasmiTarget {
    /// An empty store that has `spectest`. The runner uses no more than `capabilities`, all of which this engine has.
    pub(crate) fn new(form: Option<&PrepareConfig>, capabilities: Capabilities) -> Self {
        let mut config = Config::default();
        config
            .set_max_recursion_depth(RECURSION)
            .set_max_stack_height(STACK_BYTES);
        config
            .wasm_multi_memory(false)
            .wasm_memory64(false)
            .wasm_tail_call(false)
            .wasm_extended_const(false);
        config
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(false)
            .wasm_relaxed_simd(false);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let linker = spectest_linker(&engine, &mut store).expect("spectest is well-typed");
        let form = form.cloned().map(|mut form| {
            // One file has a `br_table` of 24,616 targets, more than is allowed by default.
            form.complexity.branch_targets = 1 << 15;
            form
        });
        Self {
            form,
            capabilities,
            store,
            linker,
            instances: Vec::new(),
        }
    }

    /// The bytes that the engine gets.
    fn bytes(&self, wasm: &[u8]) -> Result<Vec<u8>, Failure> {
        let Some(form) = &self.form else {
            return Ok(wasm.to_vec());
        };
        let prepared = prepare(wasm, form);
        prepared
            .map(|prepared| prepared.bytes)
            .map_err(|error| Failure::Refused {
                code: error.code(),
                message: error.to_string(),
            })
    }

    fn compile(&self, wasm: &[u8]) -> Result<Module, Failure> {
        let bytes = self.bytes(wasm)?;
        Module::new(self.store.engine(), &bytes).map_err(|error| match self.form {
            None => Failure::Refused {
                code: ErrorCode::ModuleInvalid,
                message: error.to_string(),
            },
            Some(_) => Failure::Other(format!(
                "prepare made a module that the engine refuses: {error}"
            )),
        })
    }

    /// Sets the reserved globals of every instance, because a call may go on into others.
    fn arm(&mut self) {
        for instance in &self.instances {
            hooks::arm(&mut self.store, *instance);
            let values = [
                (meter::FUEL, Val::I64(FUEL)),
                (meter::STATUS, Val::I32(0)),
                (meter::DEPTH, Val::I32(DEPTH)),
            ];
            for (name, value) in values {
                if let Some(global) = instance.get_global(&self.store, name) {
                    global
                        .set(&mut self.store, value)
                        .expect("reserved globals are mutable numbers");
                }
            }
        }
    }

    /// A stop if an instance says so, an ordinary trap if the engine says so.
    fn failure(&self, error: &Error) -> Failure {
        match self.stop() {
            Stop::None => {}
            Stop::Depth => return Failure::StackOverflow,
            stop => return Failure::Other(format!("stopped: {stop:?}")),
        }
        match error.as_trap_code() {
            Some(TrapCode::StackOverflow) => Failure::StackOverflow,
            Some(code) => {
                trap_kind(code).map_or_else(|| Failure::Other(error.to_string()), Failure::Trap)
            }
            None => link_or_other(error),
        }
    }

    fn stop(&self) -> Stop {
        let statuses = self
            .instances
            .iter()
            .filter_map(|instance| instance.get_global(&self.store, meter::STATUS));
        let stops =
            statuses.filter_map(|global| global.get(&self.store).i32().and_then(Stop::from_i32));
        stops
            .into_iter()
            .find(|stop| *stop != Stop::None)
            .unwrap_or(Stop::None)
    }

    fn call(&mut self, function: Func, arguments: &[Val]) -> Result<Vec<Val>, Failure> {
        self.arm();
        let ty = function.ty(&self.store);
        let mut results: Vec<Val> = ty
            .results()
            .iter()
            .copied()
            .map(Val::default_for_ty)
            .collect();
        function
            .call(&mut self.store, arguments, &mut results)
            .map_err(|error| self.failure(&error))?;
        Ok(results)
    }
}

impl SpecificationTarget for WasmiTarget {
    type Instance = Instance;

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn validate(&mut self, wasm: &[u8]) -> Result<(), Failure> {
        self.compile(wasm).map(drop)
    }

    fn instantiate(
        &mut self,
        wasm: &[u8],
        registered: &Registered<Instance>,
    ) -> Result<Instance, Failure> {
        let module = self.compile(wasm)?;
        let mut linker = self.linker.clone();
        for (name, instance) in registered {
            linker
                .instance(&mut self.store, name, *instance)
                .map_err(|error| Failure::Other(error.to_string()))?;
        }
        let instance = linker
            .instantiate_and_start(&mut self.store, &module)
            .map_err(|error| self.failure(&error))?;
        self.instances.push(instance);
        hooks::fill(&mut self.store, instance, Arc::default());
        if let Some(start) = instance.get_func(&self.store, meter::START) {
            self.call(start, &[])?;
        }
        Ok(instance)
    }

    fn invoke(
        &mut self,
        instance: &Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Vec<Value>, Failure> {
        let function = instance
            .get_func(&self.store, export)
            .ok_or_else(|| Failure::Other(format!("there is no exported function `{export}`")))?;
        let arguments: Vec<Val> = arguments
            .iter()
            .map(|value| lower(&mut self.store, value))
            .collect();
        let results = self.call(function, &arguments)?;
        Ok(results
            .iter()
            .map(|value| lift(&self.store, value))
            .collect())
    }

    fn get(&mut self, instance: &Instance, export: &str) -> Result<Value, Failure> {
        let global = instance
            .get_global(&self.store, export)
            .ok_or_else(|| Failure::Other(format!("there is no exported global `{export}`")))?;
        Ok(lift(&self.store, &global.get(&self.store)))
    }
}

/// Segments that do not fit are errors of instantiation for this engine and traps for the specification.
fn link_or_other(error: &Error) -> Failure {
    use wasmi::errors::{InstantiationError, MemoryError};
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            Failure::Trap(TrapKind::TableOutOfBounds)
        }
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => {
            Failure::Trap(TrapKind::MemoryOutOfBounds)
        }
        ErrorKind::Linker(_) | ErrorKind::Instantiation(_) => Failure::Link(error.to_string()),
        _ => Failure::Other(error.to_string()),
    }
}

fn spectest_linker(engine: &Engine, store: &mut Store<()>) -> Result<Linker<()>, Error> {
    let mut linker = Linker::new(engine);
    for (name, params) in spectest::FUNCTIONS {
        let ty = FuncType::new(params.iter().map(|ty| val_type(*ty)), []);
        let function = Func::new(&mut *store, ty, |_, _, _| Ok(()));
        linker.define(spectest::MODULE, name, function)?;
    }
    for (name, value) in spectest::GLOBALS {
        let global = {
            let value = lower(store, &value);
            Global::new(&mut *store, value, Mutability::Const)
        };
        linker.define(spectest::MODULE, name, global)?;
    }
    let (least, greatest) = spectest::TABLE_ELEMENTS;
    let ty = TableType::new(RefType::Func, least, Some(greatest));
    let table = Table::new(&mut *store, ty, Ref::null(RefType::Func))?;
    linker.define(spectest::MODULE, spectest::TABLE, table)?;
    let (least, greatest) = spectest::MEMORY_PAGES;
    let memory = Memory::new(&mut *store, MemoryType::new(least, Some(greatest)))?;
    linker.define(spectest::MODULE, spectest::MEMORY, memory)?;
    Ok(linker)
}

fn val_type(ty: NumberType) -> ValType {
    match ty {
        NumberType::I32 => ValType::I32,
        NumberType::I64 => ValType::I64,
        NumberType::F32 => ValType::F32,
        NumberType::F64 => ValType::F64,
    }
}
