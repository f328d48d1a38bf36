//! References in wasmi: to functions by their handles, to host values by objects that hold the host's number.

use std::sync::Arc;

use aingle_wasm_prepare::reserved::{EXTERN, TABLE};
use aingle_wasm_prepare::{FunctionType, ValueType};
use wasmi::{
    AsContext, AsContextMut, ExternRef, Func, Instance, Nullable, Ref, RefType, Store, Table, Val,
    ValType,
};

use super::guest::{GuestFunction, GuestState, WasmiGuest};
use super::host;
use crate::backend::references::{References, TableId};
use crate::backend::{FunctionId, FunctionImport, GrowthRefused, Interruption};
use crate::value::{FunctionRef, Slot, extern_number, extern_slot};

/// Elements that a table without a maximum may have.
const ALL_ELEMENTS: u32 = u32::MAX;

/// What stands in a slot for the first function. Functions follow by number, so that null stays apart.
const FIRST_FUNCTION: Slot = 1;

impl<C: AsContextMut<Data = GuestState>> References for WasmiGuest<C> {
    fn function_slot(&self, function: FunctionRef) -> Option<Slot> {
        self.0.as_context().data().numbers.get(function)?;
        Some(FIRST_FUNCTION + Slot::from(function.number()))
    }

    fn function_of(&mut self, slot: Slot) -> FunctionRef {
        FunctionRef::from_number((slot - FIRST_FUNCTION) as u32)
    }

    fn referenced(&mut self, function: FunctionRef) -> Option<(FunctionId, FunctionType)> {
        let state = self.0.as_context();
        let (_, id) = *state.data().numbers.get(function)?;
        let ty = &state.data().functions[id.0 as usize].ty;
        let types = |types: &[ValType]| types.iter().copied().map(value_type).collect();
        let ty = FunctionType {
            params: types(ty.params()),
            results: types(ty.results()),
        };
        Some((id, ty))
    }

    fn add_function(&mut self, function: FunctionImport) -> Result<FunctionRef, Interruption> {
        Ok(add_function(&mut self.0, function))
    }

    fn exported_function(&mut self, name: &str) -> Option<FunctionRef> {
        let instance = self.0.as_context().data().instance?;
        let function = instance.get_func(&self.0, name)?;
        Some(number(&mut self.0, function))
    }

    fn tables(&self) -> u32 {
        self.0.as_context().data().tables.len() as u32
    }

    fn table_size(&self, table: TableId) -> u32 {
        self.table(table).size(&self.0) as u32
    }

    fn element_type(&self, table: TableId) -> ValueType {
        match self.table(table).ty(&self.0).element() {
            RefType::Func => ValueType::FuncRef,
            RefType::Extern => ValueType::ExternRef,
        }
    }

    fn element(&mut self, table: TableId, index: u32) -> Option<Slot> {
        let value = self.table(table).get(&self.0, index.into())?;
        Some(slot(&value, &mut self.0))
    }

    fn set_element(&mut self, table: TableId, index: u32, value: Slot) {
        let table = self.table(table);
        let ty = table.ty(&self.0).element();
        let value = reference(value, ty, &mut self.0);
        table
            .set(&mut self.0, index.into(), value)
            .expect("the index was checked");
    }

    fn grow_table(
        &mut self,
        table: TableId,
        elements: u32,
        value: Slot,
    ) -> Result<u32, GrowthRefused> {
        let table = self.table(table);
        let ty = table.ty(&self.0);
        let maximum = ty.maximum().map_or(ALL_ELEMENTS, |maximum| maximum as u32);
        if table.size(&self.0) + u64::from(elements) > maximum.into() {
            return Err(GrowthRefused::Maximum(maximum));
        }
        let value = reference(value, ty.element(), &mut self.0);
        match table.grow(&mut self.0, elements.into(), value) {
            Ok(former) => Ok(former as u32),
            Err(_) => Err(GrowthRefused::Machine),
        }
    }

    fn extern_global(&mut self, number: u32) -> Option<Slot> {
        let instance = self.0.as_context().data().instance?;
        let global = instance.get_global(&self.0, &format!("{EXTERN}{number}"))?;
        match global.get(&self.0) {
            Val::ExternRef(reference) => Some(slot(&Ref::Extern(reference), &mut self.0)),
            _ => Some(0),
        }
    }
}

impl<C: AsContextMut<Data = GuestState>> WasmiGuest<C> {
    fn table(&self, TableId(id): TableId) -> Table {
        self.0.as_context().data().tables[id as usize]
    }
}

/// Makes a function of the host's one that tables can hold.
pub(super) fn add_function(
    mut store: impl AsContextMut<Data = GuestState>,
    function: FunctionImport,
) -> FunctionRef {
    let function = host::import(&mut store, function);
    number(store, function)
}

/// Notes the tables that a module shows.
pub(super) fn show_tables(store: &mut Store<GuestState>, instance: &Instance) {
    store.data_mut().tables = (0..)
        .map_while(|index| instance.get_table(&*store, &format!("{TABLE}{index}")))
        .collect();
}

/// Notes a function that is to be called.
pub(super) fn callable(
    mut store: impl AsContextMut<Data = GuestState>,
    function: Func,
) -> FunctionId {
    let ty = Arc::new(function.ty(&store));
    let mut context = store.as_context_mut();
    let functions = &mut context.data_mut().functions;
    functions.push(GuestFunction { function, ty });
    FunctionId(functions.len() as u32 - 1)
}

/// A slot as a reference of this type; null for a function that has no number.
pub(super) fn reference(
    slot: Slot,
    ty: RefType,
    mut store: impl AsContextMut<Data = GuestState>,
) -> Ref {
    let mut context = store.as_context_mut();
    match ty {
        RefType::Func => {
            let state = context.data();
            let number = slot.checked_sub(FIRST_FUNCTION);
            let function = number
                .and_then(|number| state.numbers.get(FunctionRef::from_number(number as u32)));
            Ref::Func(match function {
                Some((_, FunctionId(id))) => Nullable::Val(state.functions[*id as usize].function),
                None => Nullable::Null,
            })
        }
        RefType::Extern => {
            let Some(number) = extern_number(slot) else {
                return Ref::Extern(Nullable::Null);
            };
            let known = context.data().externs.get(&number).copied();
            let object = known.unwrap_or_else(|| {
                let made = ExternRef::new(&mut context, number);
                context.data_mut().externs.insert(number, made);
                made
            });
            Ref::Extern(Nullable::Val(object))
        }
    }
}

/// A reference as a slot.
pub(super) fn slot(reference: &Ref, store: impl AsContextMut<Data = GuestState>) -> Slot {
    match reference {
        Ref::Func(Nullable::Null) => 0,
        Ref::Func(Nullable::Val(function)) => {
            FIRST_FUNCTION + Slot::from(number(store, *function).number())
        }
        Ref::Extern(_) => extern_slot(extern_of(reference, store)),
    }
}

fn extern_of(reference: &Ref, store: impl AsContext<Data = GuestState>) -> Option<u32> {
    match reference {
        Ref::Extern(Nullable::Val(object)) => object.data(&store).downcast_ref().copied(),
        _ => None,
    }
}

/// The number of a function.
fn number(mut store: impl AsContextMut<Data = GuestState>, function: Func) -> FunctionRef {
    let key = format!("{function:?}");
    if let Some(known) = store.as_context().data().numbers.of(&key) {
        return known;
    }
    let id = callable(&mut store, function);
    store.as_context_mut().data_mut().numbers.add(key, id)
}

fn value_type(ty: ValType) -> ValueType {
    match ty {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        ValType::V128 => ValueType::V128,
        ValType::FuncRef => ValueType::FuncRef,
        ValType::ExternRef => ValueType::ExternRef,
    }
}
