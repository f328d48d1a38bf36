//! Memories, tables and globals that the host makes for an instance, in the instance's store.

use aingle_wasm_prepare::{TableType, ValueType};
use wasmi::{Extern, Global, Memory, MemoryType, Mutability, Nullable, Ref, RefType, Store, Table};

use super::guest::GuestState;
use super::values;
use crate::backend::{GlobalImport, Interruption, MemoryImport};

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

/// Makes a table of nulls.
///
/// # Errors
/// - [`Interruption::OutOfMemory`] if the machine has no room for it.
pub(super) fn table(store: &mut Store<GuestState>, ty: TableType) -> Result<Extern, Interruption> {
    let (element, null) = match ty.element {
        ValueType::ExternRef => (RefType::Extern, Ref::Extern(Nullable::Null)),
        _ => (RefType::Func, Ref::Func(Nullable::Null)),
    };
    Table::new(store, wasmi::TableType::new(element, ty.min, ty.max), null)
        .map(Extern::Table)
        .map_err(|_| Interruption::OutOfMemory("a guest's table"))
}

/// Makes a global with its value.
pub(super) fn global(store: &mut Store<GuestState>, import: &GlobalImport) -> Extern {
    let mutability = if import.ty.mutable {
        Mutability::Var
    } else {
        Mutability::Const
    };
    let value = values::lower(import.value, values::value_type(import.ty.value));
    Extern::Global(Global::new(store, value, mutability))
}
