//! An instance in a store of its own.

use std::sync::Arc;

use aingle_wasm_prepare::reserved::{CONVERTING, THRESHOLD};
use aingle_wasm_types::meter;
use wasmi::{Extern, Instance, Module, Store};

use super::guest::{AskedSwitch, GuestState, MeterGlobals, WasmiGuest};
use super::{hooks, host, objects, references, trap};
use crate::backend::{
    BackendInstance, FunctionId, FunctionImport, Guest, HostImport, Interruption,
};
use crate::stop::StopSwitch;

struct WasmiInstance {
    guest: WasmiGuest<Store<GuestState>>,
}

pub(super) fn instantiate(
    module: &Module,
    imports: Vec<HostImport>,
    functions: Vec<FunctionImport>,
    globals: &[String],
    slice: Option<FunctionImport>,
) -> Result<Box<dyn BackendInstance>, Interruption> {
    let mut store = Store::new(module.engine(), GuestState::default());
    for function in functions {
        references::add_function(&mut store, function);
    }
    let mut externs: Vec<Extern> = Vec::with_capacity(imports.len());
    for import in imports {
        externs.push(match import {
            HostImport::Function(function) => Extern::Func(host::import(&mut store, function)),
            HostImport::Memory(memory) => objects::memory(&mut store, &memory)?,
            HostImport::Table(table) => objects::table(&mut store, &table)?,
            HostImport::Global(global) => objects::global(&mut store, &global)?,
            HostImport::Again(position) => externs[position],
        });
    }
    externs.sort_by_key(place_of_kind);
    let instance = Instance::new(&mut store, module, &externs)
        .map_err(|error| trap::of_instantiation(&error))?;
    let meter = meter_globals(&store, &instance)?;
    let memory = instance.get_memory(&store, meter::MEMORY);
    let imported = externs.into_iter().filter_map(Extern::into_global);
    let exported = globals
        .iter()
        .filter_map(|name| instance.get_global(&store, name));
    let globals = imported.chain(exported).collect();
    let state = store.data_mut();
    (state.meter, state.memory, state.globals) = (Some(meter), memory, globals);
    state.instance = Some(instance);
    references::show_tables(&mut store, &instance);
    hooks::fill(&mut store, &instance, slice)?;
    Ok(Box::new(WasmiInstance {
        guest: WasmiGuest(store),
    }))
}

/// wasmi lists a module's imports by kind; within a kind they keep the module's order.
fn place_of_kind(import: &Extern) -> u8 {
    match import {
        Extern::Func(_) => 0,
        Extern::Table(_) => 1,
        Extern::Memory(_) => 2,
        Extern::Global(_) => 3,
    }
}

fn meter_globals(
    store: &Store<GuestState>,
    instance: &Instance,
) -> Result<MeterGlobals, Interruption> {
    let global = |name: &str| {
        instance
            .get_global(store, name)
            .ok_or_else(|| Interruption::Fault(format!("a prepared module without {name}")))
    };
    Ok(MeterGlobals {
        fuel: global(meter::FUEL)?,
        status: global(meter::STATUS)?,
        depth: global(meter::DEPTH)?,
        memory_cap: global(meter::MEMORY_CAP)?,
        table_cap: global(meter::TABLE_CAP)?,
        threshold: global(THRESHOLD)?,
        converting: global(CONVERTING)?,
    })
}

impl BackendInstance for WasmiInstance {
    fn guest(&mut self) -> &mut dyn Guest {
        &mut self.guest
    }

    fn function(&mut self, name: &str) -> Option<FunctionId> {
        let store = &mut self.guest.0;
        let function = store.data().instance?.get_func(&*store, name)?;
        Some(references::callable(store, function))
    }

    fn stop_switch(&mut self) -> Box<dyn StopSwitch> {
        Box::new(AskedSwitch(Arc::clone(&self.guest.0.data().stop)))
    }

    fn set_caps(&mut self, memory_pages: u32, table_elements: u32) {
        self.guest.set_caps(memory_pages, table_elements);
    }
}
