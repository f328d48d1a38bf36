//! Memories, tables and globals that the host makes for an instance, in the instance's store.

use aingle_wasm_prepare::{TableType, ValueType};
use wasmi::{Extern, Global, Memory, MemoryType, Mutability, Nullable, Ref, RefType, Store, Table};

use super::guest::{GuestState, WasmiGuest};
use super::{references, values};
use crate::backend::{GlobalImport, Interruption, MemoryImport, TableImport};
use crate::value::{Slot, Value};

/// Makes a memory with its contents.
///
/// # Errors
/// - [`Interruption::OutOfMemory`] if the machine has no room for it.
pub(super) fn memory(
    store: &mut Store<GuestState>,
    import: &MemoryImport,
) -> Result<Extern, Interruption> {
    let ty = MemoryType::new(import.ty.min, import.ty.max);
    let memory =
        Memory::new(&mut *store, ty).map_err(|_| Interruption::OutOfMemory("a guest's memory"))?;
    memory
        .write(&mut *store, 0, &import.contents)
        .map_err(|error| Interruption::Fault(format!("contents beyond their memory: {error}")))?;
    Ok(Extern::Memory(memory))
}

/// Makes a table with its contents.
///
/// # Errors
/// - [`Interruption::OutOfMemory`] if the machine has no room for it.
pub(super) fn table(
    store: &mut Store<GuestState>,
    import: &TableImport,
) -> Result<Extern, Interruption> {
    let TableType { element, min, max } = import.ty;
    let (ty, null) = match element {
        ValueType::ExternRef => (RefType::Extern, Ref::Extern(Nullable::Null)),
        _ => (RefType::Func, Ref::Func(Nullable::Null)),
    };
    let table = Table::new(&mut *store, wasmi::TableType::new(ty, min, max), null)
        .map_err(|_| Interruption::OutOfMemory("a guest's table"))?;
    for (index, value) in (0..).zip(&*import.contents) {
        let value = references::reference(slot(store, *value)?, ty, &mut *store);
        table
            .set(&mut *store, index, value)
            .map_err(|error| Interruption::Fault(error.to_string()))?;
    }
    Ok(Extern::Table(table))
}

/// Makes a global with its value.
///
/// # Errors
/// - [`Interruption::Fault`] for a function that was not given.
pub(super) fn global(
    store: &mut Store<GuestState>,
    import: &GlobalImport,
) -> Result<Extern, Interruption> {
    let mutability = if import.ty.mutable {
        Mutability::Var
    } else {
        Mutability::Const
    };
    let slot = slot(store, import.value)?;
    let value = values::lower(slot, values::value_type(import.ty.value), &mut *store);
    Ok(Extern::Global(Global::new(store, value, mutability)))
}

fn slot(store: &mut Store<GuestState>, value: Value) -> Result<Slot, Interruption> {
    value
        .lower(&WasmiGuest(store))
        .ok_or_else(|| Interruption::Fault("a function that was not given".to_owned()))
}
