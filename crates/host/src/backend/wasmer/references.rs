//! References in wasmer: to a function the address of its description, to a host value its number plus 1. The engine copies
//! both and looks into the former alone.

use std::ptr::NonNull;

use aingle_wasm_prepare::reserved::{EXTERN, TABLE};
use aingle_wasm_prepare::{FunctionType, ValueType, bridge};
use wasmer::sys::vm::{
    InternalStoreHandle, TableElement, VMCallerCheckedAnyfunc, VMExtern, VMExternRef, VMFuncRef,
    VMTable,
};
use wasmer::{AsStoreMut, Extern, Instance, Type};

use super::guest::GuestRef;
use super::host;
use super::instance::global_cell;
use super::trap;
use crate::backend::references::{References, TableId};
use crate::backend::{FunctionId, FunctionImport, GrowthRefused, Interruption};
use crate::value::{FunctionRef, Slot};

impl References for GuestRef {
    fn function_slot(&self, function: FunctionRef) -> Option<Slot> {
        let (key, _) = self.cells().numbers.get(function)?;
        Some((*key).into())
    }

    fn function_of(&mut self, slot: Slot) -> FunctionRef {
        let reference = pointer(slot).expect("the caller has looked for null");
        number(*self, VMFuncRef(reference))
    }

    fn referenced(&mut self, function: FunctionRef) -> Option<(FunctionId, FunctionType)> {
        let cells = self.cells();
        let (_, id) = *cells.numbers.get(function)?;
        let ty = cells.functions[id.0 as usize].type_index;
        let ty = cells.module.engine.as_sys().lookup_signature(ty)?;
        Some((id, function_type(&ty)))
    }

    fn add_function(&mut self, function: FunctionImport) -> Result<FunctionRef, Interruption> {
        add_function(*self, function)
    }

    fn exported_function(&mut self, name: &str) -> Option<FunctionRef> {
        exported(*self, name).map(|reference| number(*self, reference))
    }

    fn tables(&self) -> u32 {
        self.cells().tables.len() as u32
    }

    fn table_size(&self, table: TableId) -> u32 {
        table_of(self, table).size()
    }

    fn element_type(&self, table: TableId) -> ValueType {
        value_type(table_of(self, table).ty().ty)
    }

    fn element(&mut self, table: TableId, index: u32) -> Option<Slot> {
        Some(match table_of(self, table).get(index)? {
            TableElement::FuncRef(reference) => reference.map_or(0, address),
            TableElement::ExternRef(reference) => reference.map_or(0, |reference| {
                // SAFETY: a reference in its raw form is a number, in the field that is read.
                unsafe { reference.into_raw().externref as Slot }
            }),
        })
    }

    fn set_element(&mut self, table: TableId, index: u32, value: Slot) {
        set(table_of(self, table), index, value);
    }

    fn grow_table(
        &mut self,
        table: TableId,
        elements: u32,
        value: Slot,
    ) -> Result<u32, GrowthRefused> {
        let table = table_of(self, table);
        let maximum = table.ty().maximum.unwrap_or(u32::MAX);
        if table
            .size()
            .checked_add(elements)
            .is_none_or(|wanted| wanted > maximum)
        {
            return Err(GrowthRefused::Maximum(maximum));
        }
        let value = element(table, value);
        table.grow(elements, value).ok_or(GrowthRefused::Machine)
    }

    fn extern_global(&mut self, number: u32) -> Option<Slot> {
        let instance = self.cells().instance.as_ref()?;
        let global = instance.exports.get_extern(&format!("{EXTERN}{number}"))?;
        let cell = global_cell(global.clone(), *self)?;
        // SAFETY: the cell belongs to the living store, all of its 16 bytes can be read, and no guest code runs meanwhile.
        Some(unsafe { (*cell.as_ptr()).val.u128 })
    }
}

/// Makes a function of the host's one that tables can hold. wasmer's dynamic functions cannot be in tables, because their
/// code is made by the linker: a module in between is what the table holds.
pub(super) fn add_function(
    guest: GuestRef,
    function: FunctionImport,
) -> Result<FunctionRef, Interruption> {
    let cells = guest.cells();
    let declared = bridge::declared_type(&function.ty)
        .ok_or_else(|| Interruption::Fault("a function that is no reference".to_owned()))?;
    let module = cells.module.bridge(&declared)?;
    let host = host::import(&mut cells.store, guest, function);
    let instance = Instance::new_by_index(&mut cells.store, &module, &[host])
        .map_err(trap::of_instantiation)?;
    let reference = export(guest, &instance, bridge::NAME)
        .ok_or_else(|| Interruption::Fault("a bridge without a function".to_owned()))?;
    Ok(number(guest, reference))
}

/// The exported function of the guest under this name.
pub(super) fn exported(guest: GuestRef, name: &str) -> Option<VMFuncRef> {
    export(guest, guest.cells().instance.as_ref()?, name)
}

fn export(guest: GuestRef, instance: &Instance, name: &str) -> Option<VMFuncRef> {
    let export = instance.exports.get_extern(name)?;
    let VMExtern::Function(handle) = export.to_vm_extern().into_sys() else {
        return None;
    };
    let function = handle.get(guest.cells().store.objects_mut().as_sys());
    Some(VMFuncRef(function.anyfunc.as_ptr()))
}

/// The tables that a module shows, in its order.
pub(super) fn tables(instance: &Instance) -> Vec<InternalStoreHandle<VMTable>> {
    (0..)
        .map_while(|index| {
            let table = instance.exports.get_extern(&format!("{TABLE}{index}"))?;
            handle(table)
        })
        .collect()
}

/// Writes an element of a table that was just made.
pub(super) fn fill(guest: GuestRef, table: &Extern, index: u32, value: Slot) {
    if let Some(handle) = handle(table) {
        let objects = guest.cells().store.objects_mut().as_sys_mut();
        set(handle.get_mut(objects), index, value);
    }
}

fn handle(table: &Extern) -> Option<InternalStoreHandle<VMTable>> {
    match table.to_vm_extern().into_sys() {
        VMExtern::Table(handle) => Some(handle),
        _ => None,
    }
}

/// The number of a function, which is kept with its description.
fn number(guest: GuestRef, reference: VMFuncRef) -> FunctionRef {
    let cells = guest.cells();
    let key = address(reference) as u64;
    if let Some(known) = cells.numbers.of(&key) {
        return known;
    }
    let id = FunctionId(cells.functions.len() as u32);
    // SAFETY: references come from the guest's slots, tables and exports, so this one is the address of a description in
    // the living store, which is not written after instantiation.
    cells.functions.push(unsafe { *reference.0.as_ref() });
    cells.numbers.add(key, id)
}

fn address(reference: VMFuncRef) -> Slot {
    reference.0.as_ptr().expose_provenance() as Slot
}

fn pointer(slot: Slot) -> Option<NonNull<VMCallerCheckedAnyfunc>> {
    NonNull::new(std::ptr::with_exposed_provenance_mut(slot as usize))
}

/// A table, for one short access.
fn table_of(guest: &GuestRef, TableId(id): TableId) -> &mut VMTable {
    let cells = guest.cells();
    cells.tables[id as usize].get_mut(cells.store.objects_mut().as_sys_mut())
}

fn set(table: &mut VMTable, index: u32, value: Slot) {
    let value = element(table, value);
    table.set(index, value).expect("the index was checked");
}

/// A slot as an element of this table.
fn element(table: &VMTable, value: Slot) -> TableElement {
    let reference = pointer(value).map(VMFuncRef);
    match table.ty().ty {
        // SAFETY: a reference to a host value is a number that nothing follows.
        Type::ExternRef => TableElement::ExternRef(
            reference.and_then(|number| unsafe { VMExternRef::from_raw(number.into_raw()) }),
        ),
        _ => TableElement::FuncRef(reference),
    }
}

fn function_type(ty: &wasmer::FunctionType) -> FunctionType {
    let types = |types: &[Type]| types.iter().map(|ty| value_type(*ty)).collect();
    FunctionType {
        params: types(ty.params()),
        results: types(ty.results()),
    }
}

fn value_type(ty: Type) -> ValueType {
    match ty {
        Type::I32 => ValueType::I32,
        Type::I64 => ValueType::I64,
        Type::F32 => ValueType::F32,
        Type::F64 => ValueType::F64,
        Type::V128 => ValueType::V128,
        Type::ExternRef => ValueType::ExternRef,
        // Exception references are switched off.
        Type::FuncRef | Type::ExceptionRef => ValueType::FuncRef,
    }
}
