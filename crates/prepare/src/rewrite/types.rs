//! The module's function types with those that the rewriting needs added at the end.

use std::collections::HashMap;

use wasm_encoder::{BlockType, RefType, ValType};

use crate::{FunctionType, ValueType};

/// Function types by index. Equal types share an index, except that the module's own keep theirs.
pub(crate) struct Types {
    declared: usize,
    added: Vec<FunctionType>,
    index: HashMap<FunctionType, u32>,
}

impl Types {
    pub(crate) fn new(declared: &[FunctionType]) -> Self {
        let mut index = HashMap::with_capacity(declared.len());
        for (position, ty) in declared.iter().enumerate() {
            index.entry(ty.clone()).or_insert(position as u32);
        }
        Self {
            declared: declared.len(),
            added: Vec::new(),
            index,
        }
    }

    /// Index of the type, which is added if it is new.
    pub(crate) fn function(&mut self, params: &[ValueType], results: &[ValueType]) -> u32 {
        let ty = FunctionType {
            params: params.to_vec(),
            results: results.to_vec(),
        };
        let next = (self.declared + self.added.len()) as u32;
        *self.index.entry(ty.clone()).or_insert_with(|| {
            self.added.push(ty);
            next
        })
    }

    /// The block type `[] -> results`.
    pub(crate) fn block(&mut self, results: &[ValueType]) -> BlockType {
        match results {
            [] => BlockType::Empty,
            [single] => BlockType::Result(encoded(*single)),
            _ => BlockType::FunctionType(self.function(&[], results)),
        }
    }

    /// The types that were added, in order.
    pub(crate) fn added(&self) -> &[FunctionType] {
        &self.added
    }
}

/// The encoder's form of a value type.
pub(crate) fn encoded(ty: ValueType) -> ValType {
    match ty {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
        ValueType::F32 => ValType::F32,
        ValueType::F64 => ValType::F64,
        ValueType::V128 => ValType::V128,
        ValueType::FuncRef => ValType::Ref(RefType::FUNCREF),
        ValueType::ExternRef => ValType::Ref(RefType::EXTERNREF),
    }
}
