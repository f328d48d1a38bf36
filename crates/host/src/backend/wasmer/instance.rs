//! An instance in a store of its own.

use std::ptr::NonNull;
use std::sync::Arc;

use aingle_wasm_prepare::reserved::{FLOOR, HOOKS, SLICE};
use aingle_wasm_types::meter;
use wasmer::sys::vm::{LinearMemory, VMExtern, VMGlobalDefinition};
use wasmer::{AsStoreMut, Extern, Instance, Value};

use super::engine::WasmerModule;
use super::guest::{FloorSwitch, GuestRef, MemoryCell, MeterCells};
use super::{host, objects, references, trap};
use crate::backend::{
    BackendInstance, FunctionId, FunctionImport, Guest, HostImport, Interruption,
};
use crate::stop::StopSwitch;

/// An instance with its cells, which hold its store and its module.
struct WasmerInstance {
    guest: GuestRef,
}

impl Drop for WasmerInstance {
    fn drop(&mut self) {
        // SAFETY: the other copies of the pointer are in host functions, which the store owns and no guest can call any
        // more.
        unsafe { self.guest.free() }
    }
}

/// Frees the cells of an instance that could not be made.
struct Unfinished(Option<GuestRef>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(guest) = self.0.take() {
            // SAFETY: as in `WasmerInstance`, and no instance has taken the pointer over.
            unsafe { guest.free() }
        }
    }
}

pub(super) fn instantiate(
    module: Arc<WasmerModule>,
    imports: Vec<HostImport>,
    functions: Vec<FunctionImport>,
    globals: &[String],
    slice: Option<FunctionImport>,
) -> Result<Box<dyn BackendInstance>, Interruption> {
    let guest = GuestRef::new(Arc::clone(&module));
    let mut unfinished = Unfinished(Some(guest));
    for function in functions {
        references::add_function(guest, function)?;
    }
    let store = &mut guest.cells().store;
    let mut externs: Vec<Extern> = Vec::with_capacity(imports.len());
    for import in imports {
        externs.push(match import {
            HostImport::Function(function) => host::import(store, guest, function),
            HostImport::Memory(memory) => objects::memory(store, &memory)?,
            HostImport::Table(table) => objects::table(guest, &table)?,
            HostImport::Global(global) => objects::global(guest, &global)?,
            HostImport::Again(position) => externs[position].clone(),
        });
    }
    let instance =
        Instance::new_by_index(store, &module.module, &externs).map_err(trap::of_instantiation)?;
    if let (Some(slice), Ok(hooks)) = (slice, instance.exports.get_table(HOOKS)) {
        let Extern::Function(function) = host::hook(store, guest, slice) else {
            return Err(Interruption::Fault("a function that is none".to_owned()));
        };
        hooks
            .set(store, SLICE, Value::FuncRef(Some(function)))
            .map_err(|error| Interruption::Fault(format!("{HOOKS}: {error}")))?;
    }
    let meter = meter_cells(&instance, guest)?;
    let memory = memory_cell(&instance, guest);
    let imported = externs
        .into_iter()
        .filter_map(|import| global_cell(import, guest));
    let exported = globals
        .iter()
        .filter_map(|name| exported_global(&instance, guest, name));
    let globals = imported.chain(exported).collect();
    let floors = (0..)
        .map_while(|number| exported_global(&instance, guest, &format!("{FLOOR}{number}")))
        .collect();
    let cells = guest.cells();
    (cells.meter, cells.memory, cells.globals) = (Some(meter), memory, globals);
    cells.floors = floors;
    cells.tables = references::tables(&instance);
    cells.instance = Some(instance);
    unfinished.0 = None;
    Ok(Box::new(WasmerInstance { guest }))
}

fn meter_cells(instance: &Instance, guest: GuestRef) -> Result<MeterCells, Interruption> {
    let global = |name: &str| {
        exported_global(instance, guest, name)
            .ok_or_else(|| Interruption::Fault(format!("a prepared module without {name}")))
    };
    Ok(MeterCells {
        fuel: global(meter::FUEL)?,
        status: global(meter::STATUS)?,
        depth: global(meter::DEPTH)?,
        memory_cap: global(meter::MEMORY_CAP)?,
        table_cap: global(meter::TABLE_CAP)?,
    })
}

fn exported_global(
    instance: &Instance,
    guest: GuestRef,
    name: &str,
) -> Option<NonNull<VMGlobalDefinition>> {
    global_cell(instance.exports.get_extern(name)?.clone(), guest)
}

pub(super) fn global_cell(global: Extern, guest: GuestRef) -> Option<NonNull<VMGlobalDefinition>> {
    match global.to_vm_extern().into_sys() {
        VMExtern::Global(handle) => Some(
            handle
                .get(guest.cells().store.objects_mut().as_sys())
                .vmglobal(),
        ),
        _ => None,
    }
}

fn memory_cell(instance: &Instance, guest: GuestRef) -> Option<MemoryCell> {
    match instance
        .exports
        .get_extern(meter::MEMORY)?
        .to_vm_extern()
        .into_sys()
    {
        VMExtern::Memory(handle) => {
            let definition = handle
                .get(guest.cells().store.objects_mut().as_sys())
                .vmmemory();
            Some(MemoryCell { definition, handle })
        }
        _ => None,
    }
}

impl BackendInstance for WasmerInstance {
    fn guest(&mut self) -> &mut dyn Guest {
        &mut self.guest
    }

    fn function(&mut self, name: &str) -> Option<FunctionId> {
        let reference = references::exported(self.guest, name)?;
        let cells = self.guest.cells();
        // SAFETY: the function's description lives in the store and is not written after instantiation.
        let anyfunc = unsafe { *reference.0.as_ref() };
        let id = u32::try_from(cells.functions.len()).ok()?;
        cells.functions.push(anyfunc);
        Some(FunctionId(id))
    }

    fn stop_switch(&mut self) -> Box<dyn StopSwitch> {
        Box::new(FloorSwitch(self.guest.cells().floors.clone()))
    }

    fn set_caps(&mut self, memory_pages: u32, table_elements: u32) {
        self.guest.set_caps(memory_pages, table_elements);
    }
}
