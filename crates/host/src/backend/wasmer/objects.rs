//! Memories, tables and globals that the host makes for an instance, in the instance's store.

use aingle_wasm_prepare::ValueType;
use wasmer::{AsStoreRef, Extern, Global, Memory, MemoryType, Store, Table, Type, Value};

use super::guest::GuestRef;
use super::instance::global_cell;
use super::references;
use crate::backend::{GlobalImport, Interruption, MemoryImport, TableImport};
use crate::value::Slot;

/// Makes a memory with its contents.
///
/// # Errors
/// - [`Interruption::OutOfMemory`] if the machine has no room for it.
pub(super) fn memory(store: &mut Store, import: &MemoryImport) -> Result<Extern, Interruption> {
    let ty = MemoryType::new(import.ty.min, import.ty.max, false);
    let memory =
        Memory::new(store, ty).map_err(|_| Interruption::OutOfMemory("a guest's memory"))?;
    memory
        .view(&store.as_store_ref())
        .write(0, &import.contents)
        .map_err(|error| Interruption::Fault(format!("contents beyond their memory: {error}")))?;
    Ok(Extern::Memory(memory))
}

/// Makes a table with its contents.
///
/// # Errors
/// - [`Interruption::OutOfMemory`] if the machine has no room for it.
pub(super) fn table(guest: GuestRef, import: &TableImport) -> Result<Extern, Interruption> {
    let store = &mut guest.cells().store;
    let (element, null) = match import.ty.element {
        ValueType::ExternRef => (Type::ExternRef, Value::ExternRef(None)),
        _ => (Type::FuncRef, Value::FuncRef(None)),
    };
    let ty = wasmer::TableType::new(element, import.ty.min, import.ty.max);
    let table = Table::new(store, ty, null)
        .map(Extern::Table)
        .map_err(|_| Interruption::OutOfMemory("a guest's table"))?;
    for (index, value) in (0..).zip(&*import.contents) {
        let slot = slot(guest, *value)?;
        references::fill(guest, &table, index, slot);
    }
    Ok(table)
}

/// Makes a global with its value.
///
/// # Errors
/// - [`Interruption::Fault`] for a function that was not given.
pub(super) fn global(guest: GuestRef, import: &GlobalImport) -> Result<Extern, Interruption> {
    let slot = slot(guest, import.value)?;
    let store = &mut guest.cells().store;
    let zero = zero(import.ty.value);
    let global = Extern::Global(if import.ty.mutable {
        Global::new_mut(store, zero)
    } else {
        Global::new(store, zero)
    });
    if let Some(cell) = global_cell(global.clone(), guest) {
        // SAFETY: the cell belongs to the living store, and nothing has read it yet.
        unsafe { (*cell.as_ptr()).val.u128 = slot }
    }
    Ok(global)
}

fn slot(guest: GuestRef, value: crate::value::Value) -> Result<Slot, Interruption> {
    value
        .lower(&guest)
        .ok_or_else(|| Interruption::Fault("a function that was not given".to_owned()))
}

fn zero(ty: ValueType) -> Value {
    match ty {
        ValueType::I32 => Value::I32(0),
        ValueType::I64 => Value::I64(0),
        ValueType::F32 => Value::F32(0.0),
        ValueType::F64 => Value::F64(0.0),
        ValueType::V128 => Value::V128(0),
        ValueType::FuncRef => Value::FuncRef(None),
        ValueType::ExternRef => Value::ExternRef(None),
    }
}
