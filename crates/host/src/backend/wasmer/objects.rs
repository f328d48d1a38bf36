//! Memories, tables and globals that the host makes for an instance, in the instance's store.

use aingle_wasm_prepare::{TableType, ValueType};
use wasmer::{AsStoreRef, Extern, Global, Memory, MemoryType, Store, Table, Type, Value};

use crate::backend::{GlobalImport, Interruption, MemoryImport};
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

/// Makes a table of nulls.
///
/// # Errors
/// - [`Interruption::OutOfMemory`] if the machine has no room for it.
pub(super) fn table(store: &mut Store, ty: TableType) -> Result<Extern, Interruption> {
    let (element, null) = match ty.element {
        ValueType::ExternRef => (Type::ExternRef, Value::ExternRef(None)),
        _ => (Type::FuncRef, Value::FuncRef(None)),
    };
    let ty = wasmer::TableType::new(element, ty.min, ty.max);
    Table::new(store, ty, null)
        .map(Extern::Table)
        .map_err(|_| Interruption::OutOfMemory("a guest's table"))
}

/// Makes a global with its value.
pub(super) fn global(store: &mut Store, import: &GlobalImport) -> Extern {
    let value = value(import.ty.value, import.value);
    Extern::Global(if import.ty.mutable {
        Global::new_mut(store, value)
    } else {
        Global::new(store, value)
    })
}

/// A slot as a value of this type. References are null: others do not cross.
fn value(ty: ValueType, slot: Slot) -> Value {
    match ty {
        ValueType::I32 => Value::I32((slot as u32).cast_signed()),
        ValueType::I64 => Value::I64((slot as u64).cast_signed()),
        ValueType::F32 => Value::F32(f32::from_bits(slot as u32)),
        ValueType::F64 => Value::F64(f64::from_bits(slot as u64)),
        ValueType::V128 => Value::V128(slot),
        ValueType::FuncRef => Value::FuncRef(None),
        ValueType::ExternRef => Value::ExternRef(None),
    }
}
