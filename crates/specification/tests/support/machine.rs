//! One instance with a fuel count that is set before a call and read after it, in either form: as the naive model
//! instruments it, or as `prepare` does.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use aingle_wasm_specification::Value;
use aingle_wasm_types::TrapKind;
use aingle_wasm_types::meter::{self, PAGE_BYTES, Stop};
use wasmi::{
    Config, Engine, Error, Extern, ExternType, Func, FuncType, Global, Instance, Linker, Module,
    Store, StoreLimits, StoreLimitsBuilder, Val,
};

use super::hooks;
use super::naive;
use super::values::{lift, lower, trap_kind};

/// Pages that a memory may have, in both forms.
pub(crate) const MEMORY_PAGES: u32 = 64;
/// Elements that the tables may have, in both forms.
pub(crate) const TABLE_ELEMENTS: u32 = 100_000;
/// Units of depth of a call: fuel must always end first.
const DEPTH: i32 = i32::MAX;
const RECURSION: usize = 1 << 20;
const STACK_BYTES: usize = 1 << 30;

/// Who instrumented the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The naive model.
    Naive,
    /// `prepare`.
    Prepared,
    /// `prepare`, in the sliceable form. Calls get their fuel in slices.
    Sliced,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With these results.
    Returned(Vec<Value>),
    /// With a trap of the guest's own.
    Trapped(TrapKind),
    /// For fuel.
    OutOfFuel,
}

/// An instance.
pub(crate) struct Machine {
    form: Form,
    store: Store<StoreLimits>,
    instance: Instance,
    fuel: Global,
    /// Fuel that a guest in slices can still ask for.
    bank: Arc<AtomicI64>,
    exports: Vec<String>,
}

impl Machine {
    /// Instantiates an instrumented module without start function. Imported functions return zeros.
    ///
    /// # Errors
    /// The engine's, if its initialisers trap or the module is invalid.
    pub(crate) fn new(form: Form, wasm: &[u8]) -> Result<Self, Error> {
        let mut config = Config::default();
        config
            .set_max_recursion_depth(RECURSION)
            .set_max_stack_height(STACK_BYTES);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm)?;
        let limits = StoreLimitsBuilder::new()
            .memory_size((MEMORY_PAGES * PAGE_BYTES) as usize)
            .table_elements(TABLE_ELEMENTS as usize)
            .build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        let linker = silent_imports(&engine, &mut store, &module)?;
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        let bank = Arc::new(AtomicI64::new(0));
        hooks::fill(&mut store, instance, bank.clone());
        let name = if form == Form::Naive {
            naive::FUEL
        } else {
            meter::FUEL
        };
        let fuel = instance
            .get_global(&store, name)
            .ok_or_else(|| Error::new("no fuel global"))?;
        let own = |name: &str| name == naive::FUEL || name.starts_with(meter::RESERVED_PREFIX);
        let exports = module
            .exports()
            .map(|export| export.name().to_owned())
            .filter(|name| !own(name))
            .collect();
        Ok(Self {
            form,
            store,
            instance,
            fuel,
            bank,
            exports,
        })
    }

    /// Names and types of the author's exported functions.
    pub(crate) fn functions(&self) -> Vec<(String, FuncType)> {
        let function = |name: &String| {
            let function = self.instance.get_func(&self.store, name)?;
            Some((name.clone(), function.ty(&self.store)))
        };
        self.exports.iter().filter_map(function).collect()
    }

    /// Calls a function with at most `limit` units and returns what became of it, with the units that it used.
    ///
    /// # Errors
    /// What must never happen, in words: a stop for another reason, an error of the engine.
    pub(crate) fn call(
        &mut self,
        name: &str,
        arguments: &[Value],
        limit: i64,
    ) -> Result<(Outcome, i64), String> {
        hooks::arm(&mut self.store, self.instance);
        self.set(&[
            (meter::STATUS, Val::I32(0)),
            (meter::DEPTH, Val::I32(DEPTH)),
        ]);
        let first = if self.form == Form::Sliced {
            limit.min(hooks::SLICE)
        } else {
            limit
        };
        self.bank.store(limit - first, Relaxed);
        self.fuel
            .set(&mut self.store, Val::I64(first))
            .map_err(|error| error.to_string())?;
        let function = self
            .instance
            .get_func(&self.store, name)
            .ok_or("the function is gone")?;
        let arguments: Vec<Val> = arguments
            .iter()
            .map(|value| lower(&mut self.store, value))
            .collect();
        let mut results: Vec<Val> = function
            .ty(&self.store)
            .results()
            .iter()
            .copied()
            .map(Val::default_for_ty)
            .collect();
        let result = function.call(&mut self.store, &arguments, &mut results);
        let rest = self.fuel.get(&self.store).i64().ok_or("fuel is no i64")?;
        let left = rest + self.bank.load(Relaxed);
        if left < 0 || self.stop()? == Stop::Fuel {
            return Ok((Outcome::OutOfFuel, limit));
        }
        let outcome = match result {
            Ok(()) => Outcome::Returned(
                results
                    .iter()
                    .map(|value| lift(&self.store, value))
                    .collect(),
            ),
            Err(error) => Outcome::Trapped(self.trap(&error)?),
        };
        Ok((outcome, limit - left))
    }

    /// A digest of everything exported: memories, globals, sizes of tables and which elements are null.
    pub(crate) fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for name in &self.exports {
            match self.instance.get_export(&self.store, name) {
                Some(Extern::Memory(memory)) => memory.data(&self.store).hash(&mut hasher),
                Some(Extern::Global(global)) => {
                    format!("{:?}", lift(&self.store, &global.get(&self.store))).hash(&mut hasher);
                }
                Some(Extern::Table(table)) => {
                    let size = table.size(&self.store);
                    let nulls = (0..size).map(|index| {
                        table
                            .get(&self.store, index)
                            .is_some_and(|item| item.is_null())
                    });
                    nulls.collect::<Vec<bool>>().hash(&mut hasher);
                }
                Some(Extern::Func(_)) | None => {}
            }
        }
        hasher.finish()
    }

    fn set(&mut self, values: &[(&str, Val)]) {
        for (name, value) in values {
            if let Some(global) = self.instance.get_global(&self.store, name) {
                global
                    .set(&mut self.store, value.clone())
                    .expect("reserved globals are mutable numbers");
            }
        }
    }

    fn stop(&self) -> Result<Stop, String> {
        let Some(status) = self.instance.get_global(&self.store, meter::STATUS) else {
            return Ok(Stop::None);
        };
        let status = status.get(&self.store).i32().and_then(Stop::from_i32);
        status.ok_or_else(|| "the status is no stop".to_owned())
    }

    fn trap(&self, error: &Error) -> Result<TrapKind, String> {
        let stop = self.stop()?;
        if stop != Stop::None {
            return Err(format!("{:?} stopped: {stop:?}", self.form));
        }
        error
            .as_trap_code()
            .and_then(trap_kind)
            .ok_or_else(|| format!("{:?} failed: {error}", self.form))
    }
}

/// Host functions for everything that the module imports; other kinds of import stay missing.
fn silent_imports(
    engine: &Engine,
    store: &mut Store<StoreLimits>,
    module: &Module,
) -> Result<Linker<StoreLimits>, Error> {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else {
            continue;
        };
        // The engine hands the results over as zeros and nulls already.
        let function = Func::new(&mut *store, ty.clone(), |_, _, _| Ok(()));
        linker
            .define(import.module(), import.name(), function)
            .map_err(|error| Error::new(error.to_string()))?;
    }
    Ok(linker)
}
