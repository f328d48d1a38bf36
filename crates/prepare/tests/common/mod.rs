//! Runs prepared modules in an interpreter, the way a host does.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod kernels;

use aingle_wasm_prepare::{PrepareConfig, prepare, reserved};
use aingle_wasm_types::meter::{self, Stop};
use wasmi::{
    Caller, Config, Engine, Extern, ExternRef, Func, Instance, Linker, Module, Nullable, Ref,
    Store, Val,
};

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

/// What the hooks of a test's host know.
#[derive(Default)]
pub(crate) struct Host {
    /// How often the guest has asked.
    pub(crate) polls: u64,
    /// At which question it is told to stop.
    pub(crate) stop_at: u64,
    /// What it left at each question for more fuel.
    pub(crate) rests: Vec<i64>,
    /// Fuel it is given each time, until `granted` is spent.
    pub(crate) slice: i64,
    /// Fuel still to be given.
    pub(crate) granted: i64,
}

/// An instance of a prepared module.
pub(crate) struct Guest {
    pub(crate) store: Store<Host>,
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
        let mut store = Store::new(&engine, Host::default());
        let instance = linker(&engine)
            .instantiate_and_start(&mut store, &module)
            .expect("the module instantiates");
        let mut guest = Self { store, instance };
        guest.fill_hooks();
        guest
    }

    /// Fills the table of hooks, where there is one.
    fn fill_hooks(&mut self) {
        let Some(hooks) = self.instance.get_table(&self.store, reserved::HOOKS) else {
            return;
        };
        let poll = Func::wrap(&mut self.store, |mut caller: Caller<'_, Host>| -> i32 {
            caller.data_mut().polls += 1;
            i32::from(caller.data().polls == caller.data().stop_at)
        });
        let grow_memory = Func::wrap(
            &mut self.store,
            |mut caller: Caller<'_, Host>, pages: i32| -> i32 {
                let Some(Extern::Memory(memory)) = caller.get_export(meter::MEMORY) else {
                    return -1;
                };
                memory
                    .grow(&mut caller, u64::from(pages.cast_unsigned()))
                    .map_or(-1, |size| size as i32)
            },
        );
        let grow_functions = Func::wrap(
            &mut self.store,
            |caller: Caller<'_, Host>, value: Nullable<Func>, elements: i32, table: i32| {
                grow_table(caller, value.into(), elements, table)
            },
        );
        let grow_externs = Func::wrap(
            &mut self.store,
            |caller: Caller<'_, Host>, value: Nullable<ExternRef>, elements: i32, table: i32| {
                grow_table(caller, value.into(), elements, table)
            },
        );
        let slice = Func::wrap(
            &mut self.store,
            |mut caller: Caller<'_, Host>, left: i64| -> i64 {
                let host = caller.data_mut();
                host.rests.push(left);
                let slice = host.slice.max(-left).min(host.granted);
                host.granted -= slice;
                left + slice
            },
        );
        for (element, hook) in [
            (reserved::POLL, poll),
            (reserved::SLICE, slice),
            (reserved::GROW_MEMORY, grow_memory),
            (reserved::GROW_FUNCTIONS, grow_functions),
            (reserved::GROW_EXTERNS, grow_externs),
        ] {
            let hook = Ref::Func(Nullable::Val(hook));
            hooks
                .set(&mut self.store, element.into(), hook)
                .expect("an element for each hook");
        }
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

    /// Writes all floors, number 0 first.
    pub(crate) fn set_floors(&mut self, value: i64) -> usize {
        let floors = set_floors(&mut self.store, &self.instance, value);
        assert!(floors == 0 || floors > 1);
        floors
    }

    pub(crate) fn left(&self) -> i64 {
        self.global(meter::FUEL).i64().expect("an i64")
    }

    /// Calls an export with `limit` fuel; the outcome, and the fuel used.
    pub(crate) fn call(&mut self, name: &str, arguments: &[Val], limit: i64) -> (Outcome, i64) {
        self.set_global(meter::FUEL, limit);
        self.set_global(meter::STATUS, 0i32);
        self.set_global(meter::DEPTH, DEPTH);
        if self
            .instance
            .get_global(&self.store, reserved::THRESHOLD)
            .is_some()
        {
            self.set_global(reserved::THRESHOLD, i64::MAX);
        }
        self.set_floors(0);
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
        let result = function.call(&mut self.store, arguments, &mut results);
        self.settle();
        let outcome = match result {
            Ok(()) if self.left() < 0 => Outcome::Stopped(Stop::Fuel),
            Ok(()) => Outcome::Returned(results.iter().map(bits).collect()),
            Err(error) => match self.global(meter::STATUS).i32().and_then(Stop::from_i32) {
                Some(Stop::None) | None => Outcome::Trapped(error.to_string()),
                Some(stop) => Outcome::Stopped(stop),
            },
        };
        (outcome, limit - self.left())
    }

    /// Grants what the guest ran since its last check, as far as the host has it.
    fn settle(&mut self) {
        let short = (-self.left()).clamp(0, self.store.data().granted);
        self.store.data_mut().granted -= short;
        self.set_global(meter::FUEL, self.left() + short);
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

fn grow_table(mut caller: Caller<'_, Host>, value: Ref, elements: i32, table: i32) -> i32 {
    let Some(Extern::Table(table)) = caller.get_export(&format!("{}{table}", reserved::TABLE))
    else {
        return -1;
    };
    table
        .grow(&mut caller, u64::from(elements.cast_unsigned()), value)
        .map_or(-1, |size| size as i32)
}

pub(crate) fn engine() -> Engine {
    let mut config = Config::default();
    config
        .set_max_recursion_depth(100_000)
        .set_max_stack_height(64 << 20);
    Engine::new(&config)
}

/// Host functions that tests import: `env.nop`, and `env.charge(units)` which takes fuel as a host does.
fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "nop", || {}).expect("a fresh name");
    linker
        .func_wrap("env", "interrupt", |mut caller: Caller<'_, Host>| {
            for number in 0.. {
                let Some(Extern::Global(floor)) =
                    caller.get_export(&format!("{}{number}", reserved::FLOOR))
                else {
                    break;
                };
                floor
                    .set(&mut caller, Val::I64(i64::MAX))
                    .expect("a mutable i64");
            }
        })
        .expect("a fresh name");
    linker
        .func_wrap(
            "env",
            "charge",
            |mut caller: Caller<'_, Host>, units: i64| {
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
        .func_wrap("env", "left", |caller: Caller<'_, Host>| -> i64 {
            let Some(Extern::Global(fuel)) = caller.get_export(meter::FUEL) else {
                panic!("no fuel global")
            };
            fuel.get(&caller).i64().expect("an i64")
        })
        .expect("a fresh name");
    linker
}

/// Writes all floors of the instance; how many there are.
fn set_floors(store: &mut Store<Host>, instance: &Instance, value: i64) -> usize {
    (0..)
        .map_while(|number| instance.get_global(&*store, &format!("{}{number}", reserved::FLOOR)))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|floor| {
            floor
                .set(&mut *store, Val::I64(value))
                .expect("a mutable i64")
        })
        .count()
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
