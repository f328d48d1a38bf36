//! What references stand for, as an engine knows it: functions by number, host values by theirs, and the tables that hold
//! both.

use std::collections::HashMap;
use std::hash::Hash;

use aingle_wasm_prepare::{FunctionType, ValueType};

use super::{FunctionId, FunctionImport, GrowthRefused, Interruption};
use crate::value::{FunctionRef, Slot, extern_number};

/// A table of one instance, by its index in the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableId(pub(crate) u32);

/// The part of a guest that has to do with references. Functions are in the form that prepared modules give references:
/// [`aingle_wasm_prepare::bridge::reference_type`].
pub(crate) trait References {
    /// What stands in a slot for a function; `None` for a number that has not been given.
    fn function_slot(&self, function: FunctionRef) -> Option<Slot>;

    /// The function that a slot stands for, which is not null; it gets a number if it has none.
    fn function_of(&mut self, slot: Slot) -> FunctionRef;

    /// A function to be called, with its type.
    fn referenced(&mut self, function: FunctionRef) -> Option<(FunctionId, FunctionType)>;

    /// Makes a function of the host's one that references may stand for. It lives as long as the instance.
    fn add_function(&mut self, function: FunctionImport) -> Result<FunctionRef, Interruption>;

    /// The exported function of this name, as a reference.
    fn exported_function(&mut self, name: &str) -> Option<FunctionRef>;

    /// Tables that the module shows: all of them, or none.
    fn tables(&self) -> u32;

    /// Elements of a table. This and what follows is for tables that the module shows.
    fn table_size(&self, table: TableId) -> u32;

    /// What a table holds: functions or host values.
    fn element_type(&self, table: TableId) -> ValueType;

    /// Reads an element; `None` outside of the table.
    fn element(&mut self, table: TableId, index: u32) -> Option<Slot>;

    /// Writes an element, which must be in the table, and be of its type.
    fn set_element(&mut self, table: TableId, index: u32, value: Slot);

    /// Grows a table and returns its former size. `value` fills the new elements.
    fn grow_table(
        &mut self,
        table: TableId,
        elements: u32,
        value: Slot,
    ) -> Result<u32, GrowthRefused>;

    /// Reads one of the globals that hold host values, which have numbers from 0 on; `None` after the last.
    fn extern_global(&mut self, number: u32) -> Option<Slot>;

    /// The host values that the guest holds while it is at rest, and how many places were looked at.
    fn held_externs(&mut self) -> (Vec<u32>, usize) {
        let (mut held, mut seen) = (Vec::new(), 0);
        for table in (0..self.tables()).map(TableId) {
            if self.element_type(table) == ValueType::ExternRef {
                let size = self.table_size(table);
                seen += size as usize;
                let slots = (0..size).filter_map(|index| self.element(table, index));
                held.extend(slots.filter_map(extern_number));
            }
        }
        for slot in (0..).map_while(|number| self.extern_global(number)) {
            seen += 1;
            held.extend(extern_number(slot));
        }
        (held, seen)
    }
}

/// Functions by number. A key is what an engine tells one function from another by.
pub(super) struct FunctionNumbers<Key> {
    numbers: HashMap<Key, u32>,
    functions: Vec<(Key, FunctionId)>,
}

impl<Key> Default for FunctionNumbers<Key> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            functions: Vec::new(),
        }
    }
}

impl<Key: Clone + Eq + Hash> FunctionNumbers<Key> {
    pub(super) fn of(&self, key: &Key) -> Option<FunctionRef> {
        self.numbers.get(key).copied().map(FunctionRef::from_number)
    }

    pub(super) fn add(&mut self, key: Key, function: FunctionId) -> FunctionRef {
        let number = self.functions.len() as u32;
        self.functions.push((key.clone(), function));
        self.numbers.insert(key, number);
        FunctionRef::from_number(number)
    }

    pub(super) fn get(&self, function: FunctionRef) -> Option<&(Key, FunctionId)> {
        self.functions.get(function.number() as usize)
    }
}
