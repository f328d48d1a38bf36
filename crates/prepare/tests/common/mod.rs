//! Runs prepared modules in an interpreter, the way a host does.
#![allow(dead_code, reason = "each test file uses its own part")]

use aingle_wasm_prepare::{PrepareConfig, prepare};
use aingle_wasm_types::meter::{self, Stop};
use wasmi::{Config, Engine, Extern, Instance, Linker, Module, Store, Val};

/// Depth units a test starts with unless it says otherwise.
pub(crate) const DEPTH: i32 = 500;

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Returned, with the values' bits.
    Returned(Vec<u64>),
    /// Stopped by the rewriting.
    Stopped(Stop),
    /// Trapped by itself; the engine's words.
    Trapped(String),
}

/// An instance of a prepared module.
pub(crate) struct Guest {
    pub(crate) store: Store<()>,
    pub(crate) instance: Instance,
}

impl Guest {
    /// Prepares and instantiates a module in text form, with no imports but `env.*` host functions of [`linker`].
    pub(crate) fn new(text: &str) -> Self {
        Self::with(text, &PrepareConfig::default())
    }

    pub(crate) fn with(text: &str, config: &PrepareConfig) -> Self {
        Self::from_wasm(
            &wat::parse_str(text).expect("the test's module is well-formed"),
            config,
        )
    }

    pub(crate) fn from_wasm(wasm: &[u8], config: &PrepareConfig) -> Self {
        let prepared = prepare(wasm, config).expect("the module is accepted");
        let engine = engine();
        let module = Module::new(&engine, &prepared.bytes).expect("the prepared module validates");
        let mut store = Store::new(&engine, ());
        let instance = linker(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect("the module instantiates");
        Self { store, instance }
    }

    pub(crate) fn global(&self, name: &str) -> Val {
        self.instance
            .get_global(&self.store, name)
            .expect(name)
            .get(&self.store)
    }

    pub(crate) fn set_global(&mut self, name: &str, value: impl Into<Val>) {
        let global = self.instance.get_global(&self.store, name).expect(name);
        global.set(&mut self.store, value.into()).expect(name);
    }

    pub(crate) fn left(&self) -> i64 {
        self.global(meter::FUEL).i64().expect("an i64")
    }

    /// Calls an export with `limit` fuel; the outcome, and the fuel used.
    pub(crate) fn call(&mut self, name: &str, arguments: &[Val], limit: i64) -> (Outcome, i64) {
        self.set_global(meter::FUEL, limit);
        self.set_global(meter::STATUS, 0i32);
        self.set_global(meter::DEPTH, DEPTH);
        self.call_again(name, arguments, limit)
    }

    /// Calls an export with the reserved globals as they are.
    pub(crate) fn call_again(
        &mut self,
        name: &str,
        arguments: &[Val],
        limit: i64,
    ) -> (Outcome, i64) {
        let function = self.instance.get_func(&self.store, name).expect(name);
        let mut results: Vec<Val> = function
            .ty(&self.store)
            .results()
            .iter()
            .map(|&ty| Val::default_for_ty(ty))
            .collect();
        let outcome = match function.call(&mut self.store, arguments, &mut results) {
            Ok(()) if self.left() < 0 => Outcome::Stopped(Stop::Fuel),
            Ok(()) => Outcome::Returned(results.iter().map(bits).collect()),
            Err(error) => match self.global(meter::STATUS).i32().and_then(Stop::from_i32) {
                Some(Stop::None) | None => Outcome::Trapped(error.to_string()),
                Some(stop) => Outcome::Stopped(stop),
            },
        };
        (outcome, limit - self.left())
    }

    /// Calls with ample fuel, expects a return, and gives the values' bits and the cost. Also checks that the cost
    /// is the exact boundary between passing and failing; the guest must not change its state in the call.
    pub(crate) fn cost(&mut self, name: &str, arguments: &[Val]) -> (Vec<u64>, i64) {
        let (outcome, used) = self.call(name, arguments, 1 << 40);
        let Outcome::Returned(values) = outcome else {
            panic!("{name} ended with {outcome:?}")
        };
        (values, used)
    }
}

pub(crate) fn engine() -> Engine {
    let mut config = Config::default();
    config
        .set_max_recursion_depth(100_000)
        .set_max_stack_height(64 << 20);
    Engine::new(&config)
}

/// Host functions that tests import: `env.nop`, and `env.charge(units)` which takes fuel as a host does.
fn linker(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "nop", || {}).expect("a fresh name");
    linker
        .func_wrap(
            "env",
            "charge",
            |mut caller: wasmi::Caller<'_, ()>, units: i64| {
                let Some(Extern::Global(fuel)) = caller.get_export(meter::FUEL) else {
                    panic!("no fuel global")
                };
                let left = fuel.get(&caller).i64().expect("an i64");
                fuel.set(&mut caller, Val::I64(left - units))
                    .expect("a mutable i64");
            },
        )
        .expect("a fresh name");
    linker
        .func_wrap("env", "left", |caller: wasmi::Caller<'_, ()>| -> i64 {
            let Some(Extern::Global(fuel)) = caller.get_export(meter::FUEL) else {
                panic!("no fuel global")
            };
            fuel.get(&caller).i64().expect("an i64")
        })
        .expect("a fresh name");
    linker
}

fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(value.cast_unsigned()),
        Val::I64(value) => value.cast_unsigned(),
        Val::F32(value) => u64::from(value.to_bits()),
        Val::F64(value) => value.to_bits(),
        Val::V128(value) => {
            let value = value.as_u128();
            (value as u64) ^ (value >> 64) as u64
        }
        Val::FuncRef(value) => u64::from(!value.is_null()),
        Val::ExternRef(value) => u64::from(!value.is_null()),
    }
}
