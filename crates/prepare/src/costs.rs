//! Cost model 1: what each operator costs. Frozen by tests.

use crate::operators::{CODES, Code, code};

/// log2 of the bytes that a bulk memory operator moves for one unit.
const BULK_BYTES_LOG2: i64 = 4;
/// Declared locals that a function's entry clears for one unit.
const LOCALS_A_UNIT: u64 = 16;
/// Units a page of a successful `memory.grow` costs.
pub(crate) const PAGE_COST: i64 = 4_096;

/// Operators that only give structure and cost nothing.
const STRUCTURE: [Code; 5] = [code::NOP, code::BLOCK, code::LOOP, code::ELSE, code::END];

/// Weight of each operator.
pub(crate) struct Costs {
    weights: [u32; CODES],
}

impl Costs {
    /// Model 1: every operator costs 1, except those that only give structure.
    pub(crate) fn model_1() -> Self {
        let mut weights = [1; CODES];
        for code in STRUCTURE {
            weights[usize::from(code)] = 0;
        }
        Self { weights }
    }

    /// What executing the operator costs, apart from the work it does in bulk.
    pub(crate) fn weight(&self, code: Code) -> u64 {
        u64::from(self.weights[usize::from(code)])
    }

    /// log2 of the bytes or elements that the operator handles for one unit, if its cost depends on a length, which is
    /// then its last operand.
    pub(crate) fn bulk_shift(code: Code) -> Option<i64> {
        match code {
            code::MEMORY_INIT | code::MEMORY_COPY | code::MEMORY_FILL => Some(BULK_BYTES_LOG2),
            code::TABLE_INIT | code::TABLE_COPY | code::TABLE_FILL => Some(0),
            _ => None,
        }
    }

    /// What entering a function costs that declares so many locals.
    pub(crate) fn entry(locals: u32) -> u64 {
        u64::from(locals) / LOCALS_A_UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_free_and_all_else_costs_one() {
        let costs = Costs::model_1();
        let free: Vec<_> = (0..CODES as Code)
            .filter(|&code| costs.weight(code) == 0)
            .collect();
        assert_eq!(free, [0x01, 0x02, 0x03, 0x05, 0x0b]);
        assert_eq!(costs.weight(code::IF), 1);
    }

    #[test]
    fn an_entry_costs_one_for_sixteen_locals() {
        assert_eq!([0, 15, 16, 33].map(Costs::entry), [0, 0, 1, 2]);
    }
}
