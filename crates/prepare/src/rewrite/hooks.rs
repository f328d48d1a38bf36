//! Calls of the host through a table of our own. Imports would move the index of every function of the module.

use wasm_encoder::InstructionSink;

use super::types::Types;
use crate::outline::Outline;
use crate::reserved::{GROW_EXTERNS, GROW_FUNCTIONS, GROW_MEMORY, POLL, SLICE};
use crate::{FunctionType, Growth, Interruption, PrepareConfig, ValueType};

/// The table of hooks and the types of its elements, as far as the configuration asks for them.
pub(crate) struct Hooks {
    table: u32,
    poll: Option<u32>,
    growth: Option<GrowthTypes>,
    slice: Option<u32>,
}

/// Types of the elements that grow.
struct GrowthTypes {
    memory: u32,
    functions: u32,
    externs: u32,
}

impl Hooks {
    pub(crate) fn new(outline: &Outline<'_>, config: &PrepareConfig, types: &mut Types) -> Self {
        let mut to_i32 = |params: &[ValueType]| {
            types.function(FunctionType {
                params: params.to_vec(),
                results: vec![ValueType::I32],
            })
        };
        let (i32, function, host) = (ValueType::I32, ValueType::FuncRef, ValueType::ExternRef);
        let poll = (config.interruption == Interruption::Stop).then(|| to_i32(&[]));
        let growth = (config.growth == Growth::Host).then(|| GrowthTypes {
            memory: to_i32(&[i32]),
            functions: to_i32(&[function, i32, i32]),
            externs: to_i32(&[host, i32, i32]),
        });
        let slice = FunctionType {
            params: vec![ValueType::I64],
            results: vec![ValueType::I64],
        };
        Self {
            table: outline.tables.len() as u32,
            poll,
            growth,
            slice: config.sliceable.then(|| types.function(slice)),
        }
    }

    /// Index of the table, if there is one.
    pub(crate) fn table(&self) -> Option<u32> {
        let used = self.poll.is_some() || self.growth.is_some() || self.slice.is_some();
        used.then_some(self.table)
    }

    /// Asks whether to stop.
    pub(crate) fn poll<'s, 'o>(
        &self,
        out: &'s mut InstructionSink<'o>,
    ) -> &'s mut InstructionSink<'o> {
        match self.poll {
            Some(ty) => out
                .i32_const(POLL.cast_signed())
                .call_indirect(self.table, ty),
            None => out.i32_const(0),
        }
    }

    /// With the fuel left on the stack: asks for more.
    pub(crate) fn slice(&self, out: &mut InstructionSink<'_>) {
        if let Some(ty) = self.slice {
            out.i32_const(SLICE.cast_signed())
                .call_indirect(self.table, ty);
        }
    }

    /// With the pages on the stack.
    pub(crate) fn grow_memory(&self, out: &mut InstructionSink<'_>) {
        match &self.growth {
            Some(types) => out
                .i32_const(GROW_MEMORY.cast_signed())
                .call_indirect(self.table, types.memory),
            None => out.memory_grow(0),
        };
    }

    /// With the reference and the elements on the stack.
    pub(crate) fn grow_table(&self, table: u32, element: ValueType, out: &mut InstructionSink<'_>) {
        let Some(types) = &self.growth else {
            out.table_grow(table);
            return;
        };
        let (hook, ty) = match element {
            ValueType::ExternRef => (GROW_EXTERNS, types.externs),
            _ => (GROW_FUNCTIONS, types.functions),
        };
        out.i32_const(table.cast_signed())
            .i32_const(hook.cast_signed())
            .call_indirect(self.table, ty);
    }
}
