//! The module's function types with those that the rewriting needs added at the end.

use std::collections::HashMap;

use wasm_encoder::{BlockType, RefType, ValType};

use crate::{FunctionType, ValueType};

/// Function types by index. Equal types share an index, except that the module's own keep theirs.
pub(crate) struct Types {
    declared: usize,
    added: Vec<FunctionType>,
    index: HashMap<FunctionType, u32>,
    /// For each declared type its threaded forms, by the type of the depth, once they have been asked for.
    threaded: Vec<[Option<u32>; 3]>,
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
            threaded: vec![[None; 3]; declared.len()],
        }
    }

    /// Index of the type, which is added if it is new.
    pub(crate) fn function(&mut self, ty: FunctionType) -> u32 {
        let next = (self.declared + self.added.len()) as u32;
        *self.index.entry(ty).or_insert_with_key(|ty| {
            self.added.push(ty.clone());
            next
        })
    }

    /// Index of a type that is there.
    pub(crate) fn get(&self, ty: &FunctionType) -> Option<u32> {
        self.index.get(ty).copied()
    }

    /// Index of the threaded form of the declared type `index`, which is `ty`.
    pub(crate) fn threaded(
        &mut self,
        index: u32,
        ty: &FunctionType,
        depth: Option<ValueType>,
    ) -> u32 {
        let slot = match depth {
            None => 0,
            Some(ValueType::I32) => 1,
            Some(_) => 2,
        };
        if let Some(known) = self.threaded[index as usize][slot] {
            return known;
        }
        let found = self.function(threaded(ty, depth));
        self.threaded[index as usize][slot] = Some(found);
        found
    }

    /// The block type `[] -> results`.
    pub(crate) fn block(&mut self, results: &[ValueType]) -> BlockType {
        match results {
            [] => BlockType::Empty,
            [single] => BlockType::Result(encoded(*single)),
            _ => BlockType::FunctionType(self.function(FunctionType {
                params: Vec::new(),
                results: results.to_vec(),
            })),
        }
    }

    /// The types that were added, in order.
    pub(crate) fn added(&self) -> &[FunctionType] {
        &self.added
    }
}

/// The type with the counter as one more parameter and one more result, and with the units of call depth left as the
/// last parameter of those functions that are handed them.
pub(crate) fn threaded(ty: &FunctionType, depth: Option<ValueType>) -> FunctionType {
    let mut threaded = ty.clone();
    threaded.params.push(ValueType::I64);
    threaded.params.extend(depth);
    threaded.results.push(ValueType::I64);
    threaded
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
