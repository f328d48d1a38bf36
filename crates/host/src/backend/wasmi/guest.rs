//! A guest in its store: at rest the instance owns the store, in a host function the engine lends it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmi::{AsContextMut, Error, ExternRef, Func, FuncType, Global, Instance, Memory, Table, Val};

use super::{trap, values};
use crate::backend::references::FunctionNumbers;
use crate::backend::{FunctionId, GlobalId, GrowthRefused, Guest, Interruption, Next};
use crate::error::panic_text;
use crate::stop::StopSwitch;
use crate::value::Slot;

/// Pages that a memory without a maximum may have.
const ALL_PAGES: u32 = 0x1_0000;

/// What a store knows about its one instance.
#[derive(Default)]
pub(super) struct GuestState {
    /// Set when the instance is made; nothing of the guest runs before.
    pub(super) meter: Option<MeterGlobals>,
    pub(super) memory: Option<Memory>,
    /// Set with the meter.
    pub(super) instance: Option<Instance>,
    /// All tables of the module, in its order.
    pub(super) tables: Vec<Table>,
    /// Functions that references stand for, by what the engine prints of them: it has no other way to tell them apart.
    pub(super) numbers: FunctionNumbers<String>,
    /// References to host values by the host's numbers, made at first use: the engine keeps what it has made.
    pub(super) externs: HashMap<u32, ExternRef>,
    /// By [`GlobalId`].
    pub(super) globals: Vec<Global>,
    /// Resolved functions, by [`FunctionId`].
    pub(super) functions: Vec<GuestFunction>,
    /// Arguments and results of a call, kept for the next one.
    values: Vec<Val>,
    /// Whether the guest is to stop when it asks.
    pub(super) stop: Arc<AtomicBool>,
}

/// The reserved globals.
#[derive(Clone, Copy)]
pub(super) struct MeterGlobals {
    pub(super) fuel: Global,
    pub(super) status: Global,
    pub(super) depth: Global,
    pub(super) memory_cap: Global,
    pub(super) table_cap: Global,
    /// Below its value the guest asks whether to stop.
    pub(super) threshold: Global,
    /// Not 0 while a float is converted.
    pub(super) converting: Global,
}

/// A function with its type, which the engine is slow to tell.
#[derive(Clone)]
pub(super) struct GuestFunction {
    pub(super) function: Func,
    pub(super) ty: Arc<FuncType>,
}

/// Tells a guest to stop when it asks.
pub(super) struct AskedSwitch(pub(super) Arc<AtomicBool>);

impl StopSwitch for AskedSwitch {
    fn set(&self, stop: bool) {
        self.0.store(stop, Ordering::Relaxed);
    }
}

/// A guest, reached through its store or through what lends it.
pub(super) struct WasmiGuest<C>(pub(super) C);

impl<C: AsContextMut<Data = GuestState>> WasmiGuest<C> {
    /// Writes the caps that growth is compared with.
    pub(super) fn set_caps(&mut self, memory_pages: u32, table_elements: u32) {
        let meter = self.meter();
        self.set_i32(meter.memory_cap, memory_pages.cast_signed());
        self.set_i32(meter.table_cap, table_elements.cast_signed());
    }

    fn meter(&self) -> MeterGlobals {
        let meter = self.0.as_context().data().meter;
        meter.expect("host functions do not run before the instance is made")
    }

    fn set_i32(&mut self, global: Global, value: i32) {
        global
            .set(&mut self.0, Val::I32(value))
            .expect("a reserved global is mutable and of its type");
    }

    fn set_i64(&mut self, global: Global, value: i64) {
        global
            .set(&mut self.0, Val::I64(value))
            .expect("a reserved global is mutable and of its type");
    }

    /// Whether the guest trapped while it converted a float; the next trap shall not find it.
    fn take_converting(&mut self) -> bool {
        let converting = self.meter().converting;
        let marked = matches!(converting.get(&self.0), Val::I32(mark) if mark != 0);
        self.set_i32(converting, 0);
        marked
    }

    /// Calls with the values that `slots` stand for.
    fn run(&mut self, FunctionId(id): FunctionId, slots: &mut [Slot]) -> Result<(), Error> {
        let mut context = self.0.as_context_mut();
        let state = context.data_mut();
        let GuestFunction { function, ty } = state.functions[id as usize].clone();
        // A nested call finds none and makes its own.
        let mut values = std::mem::take(&mut state.values);
        values.clear();
        values.extend(
            slots
                .iter()
                .zip(ty.params())
                .map(|(slot, ty)| values::lower(*slot, *ty, &mut context)),
        );
        values.extend(ty.results().iter().copied().map(Val::default_for_ty));
        let (params, results) = values.split_at_mut(ty.params().len());
        let outcome = function.call(&mut context, params, results);
        for (slot, value) in slots.iter_mut().zip(&*results) {
            *slot = values::lift(value, &mut context);
        }
        context.data_mut().values = values;
        outcome
    }
}

impl<C: AsContextMut<Data = GuestState>> Guest for WasmiGuest<C> {
    fn fuel(&self) -> i64 {
        match self.meter().fuel.get(&self.0) {
            Val::I64(left) => left,
            other => unreachable!("the fuel is {other:?}"),
        }
    }

    fn set_fuel(&mut self, left: i64) {
        self.set_i64(self.meter().fuel, left);
    }

    fn set_depth(&mut self, left: u32) {
        self.set_i32(self.meter().depth, left.cast_signed());
    }

    fn arm(&mut self, fuel: i64, depth: u32) {
        let meter = self.meter();
        self.set_i64(meter.fuel, fuel);
        self.set_i32(meter.status, 0);
        self.set_i32(meter.depth, depth.cast_signed());
        self.set_i64(meter.threshold, i64::MAX);
    }

    fn status(&self) -> i32 {
        match self.meter().status.get(&self.0) {
            Val::I32(status) => status,
            other => unreachable!("the status is {other:?}"),
        }
    }

    fn clear_status(&mut self) {
        self.set_i32(self.meter().status, 0);
    }

    fn memory(&mut self) -> &mut [u8] {
        match self.0.as_context().data().memory {
            Some(memory) => memory.data_mut(&mut self.0),
            None => &mut [],
        }
    }

    fn grow_memory(&mut self, pages: u32) -> Result<u32, GrowthRefused> {
        let Some(memory) = self.0.as_context().data().memory else {
            return Err(GrowthRefused::Maximum(0));
        };
        let maximum = memory.ty(&self.0).maximum();
        let maximum = maximum.map_or(ALL_PAGES, |maximum| maximum as u32);
        if memory.size(&self.0) + u64::from(pages) > maximum.into() {
            return Err(GrowthRefused::Maximum(maximum));
        }
        match memory.grow(&mut self.0, pages.into()) {
            Ok(former) => Ok(former as u32),
            Err(_) => Err(GrowthRefused::Machine),
        }
    }

    fn global(&mut self, GlobalId(id): GlobalId) -> Slot {
        let global = self.0.as_context().data().globals[id as usize];
        let value = global.get(&self.0);
        values::lift(&value, &mut self.0)
    }

    fn set_global(&mut self, GlobalId(id): GlobalId, value: Slot) {
        let global = self.0.as_context().data().globals[id as usize];
        let ty = global.ty(&self.0).content();
        let value = values::lower(value, ty, &mut self.0);
        global
            .set(&mut self.0, value)
            .expect("the host writes mutable globals only");
    }

    fn call(&mut self, function: FunctionId, slots: &mut [Slot]) -> Result<(), Interruption> {
        match catch_unwind(AssertUnwindSafe(|| self.run(function, slots))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(trap::of_call(&error, self.take_converting())),
            Err(panic) => Err(Interruption::Fault(panic_text(&*panic))),
        }
    }

    fn call_chain(
        &mut self,
        first: FunctionId,
        slots: &mut [Slot],
        next: &mut Next<'_>,
    ) -> Result<(), Interruption> {
        let mut function = Some(first);
        while let Some(id) = function {
            self.call(id, slots)?;
            function = next(self, slots);
        }
        Ok(())
    }
}
