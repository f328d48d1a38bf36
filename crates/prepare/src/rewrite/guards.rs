//! Blocks with parameters, for an engine that loses operands below them.
//!
//! wasmi 2.0.0 keeps values of locals on its operand stack as references to the locals, and copies those that lie below
//! a block when it enters it, because the block may write the locals. It skips as many of them as the block has
//! parameters, also where those are no such references, and what it skips is wrong behind the block. So the parameters
//! are put aside, as many references as there are parameters are put below them to be skipped, and the parameters put
//! back as references.

use wasm_encoder::{BlockType, InstructionSink, ValType};

use super::locals::Locals;
use super::types::encoded;
use crate::graph::{Action, Step};
use crate::operators::{Code, code};
use crate::{FunctionType, ValueType};

/// Value types there are.
const VALUE_TYPES: usize = ValueType::ExternRef as usize + 1;

/// Locals through which parameters and results pass, and one that is never written.
#[derive(Default)]
pub(crate) struct Guards {
    /// For the values of one block at a time, by their type; values of the same type take different ones.
    passing: [Vec<u32>; VALUE_TYPES],
    condition: Option<u32>,
    skipped: u32,
}

impl Guards {
    /// Finds room for the largest block among the steps.
    pub(crate) fn new(steps: &[Step], types: &[FunctionType], locals: &mut Locals) -> Self {
        let mut guards = Self::default();
        let guarded = steps.iter().filter_map(|step| match step.action {
            Action::Guard { ty, .. } => Some(&types[ty as usize]),
            _ => None,
        });
        for ty in guarded {
            if guards.condition.is_none() {
                guards.condition = Some(locals.add(ValType::I32));
                guards.skipped = locals.add(ValType::I32);
            }
            guards.make_room(&ty.params, locals);
            guards.make_room(&ty.results, locals);
        }
        guards
    }

    fn make_room(&mut self, values: &[ValueType], locals: &mut Locals) {
        let mut taken = [0; VALUE_TYPES];
        for &value in values {
            let (taken, free) = (
                &mut taken[value as usize],
                &mut self.passing[value as usize],
            );
            if *taken == free.len() {
                free.push(locals.add(encoded(value)));
            }
            *taken += 1;
        }
    }

    /// The locals for these values, in order.
    fn places(&self, values: &[ValueType]) -> Vec<u32> {
        let mut taken = [0; VALUE_TYPES];
        let place = |value: &ValueType| {
            let taken = &mut taken[*value as usize];
            *taken += 1;
            self.passing[*value as usize].get(*taken - 1).copied()
        };
        values.iter().filter_map(place).collect()
    }

    /// Opens the block of this type.
    pub(crate) fn open(
        &self,
        code: Code,
        index: u32,
        ty: &FunctionType,
        out: &mut InstructionSink<'_>,
    ) {
        let places = self.places(&ty.params);
        let condition = self.condition.filter(|_| code == code::IF);
        if let Some(condition) = condition {
            out.local_set(condition);
        }
        set_all(&places, out);
        for _ in &places {
            out.local_get(self.skipped);
        }
        get_all(&places, out);
        if let Some(condition) = condition {
            out.local_get(condition);
        }
        let block = BlockType::FunctionType(index);
        match code {
            code::IF => out.if_(block),
            code::LOOP => out.loop_(block),
            _ => out.block(block),
        };
    }

    /// Behind the block's end.
    pub(crate) fn close(&self, ty: &FunctionType, out: &mut InstructionSink<'_>) {
        let places = self.places(&ty.results);
        set_all(&places, out);
        for _ in &ty.params {
            out.drop();
        }
        get_all(&places, out);
    }
}

fn set_all(places: &[u32], out: &mut InstructionSink<'_>) {
    for &place in places.iter().rev() {
        out.local_set(place);
    }
}

fn get_all(places: &[u32], out: &mut InstructionSink<'_>) {
    for &place in places {
        out.local_get(place);
    }
}
