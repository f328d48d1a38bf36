//! What operators cost: model 1, frozen by tests, and tables that replace its weights.

use std::collections::BTreeMap;
use std::fmt;

use crate::names::operators;
use crate::operators::{CODES, Code, code};

/// log2 of the bytes that a bulk memory operator moves for one unit.
const BULK_BYTES_LOG2: i64 = 4;
/// Declared locals that a function's entry clears for one unit.
const LOCALS_A_UNIT: u64 = 16;
/// Units a page of a successful `memory.grow` costs.
pub(crate) const PAGE_COST: i64 = 4_096;
/// Largest weight of an operator.
const MAX_WEIGHT: u32 = 1 << 20;

/// Operators that only give structure and cost nothing.
const STRUCTURE: [Code; 5] = [code::NOP, code::BLOCK, code::LOOP, code::ELSE, code::END];

/// Weights of operators.
///
/// By default model 1: each executed operator costs 1, and `nop`, `block`, `loop`, `else` and `end` cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Costs {
    changed: BTreeMap<Code, u32>,
}

/// A weight that cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CostError {
    /// No operator of the accepted set has this name.
    UnknownOperator,
    /// The operator only gives structure and is always free.
    Free,
    /// The weight is not between 1 and 2^20.
    OutOfRange,
}

impl fmt::Display for CostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownOperator => "there is no operator of this name",
            Self::Free => "block, loop, else, end and nop are always free",
            Self::OutOfRange => "a weight is 1 to 1,048,576",
        })
    }
}

impl std::error::Error for CostError {}

impl Costs {
    /// Gives the operator, by its name in the text format, a weight of 1 to 2^20.
    ///
    /// # Errors
    /// - [`CostError::UnknownOperator`] if the name is not an operator's, [`CostError::Free`] if the operator only
    ///   gives structure, [`CostError::OutOfRange`] if the weight is.
    ///
    /// # Example
    /// ```
    /// let mut costs = aingle_wasm_prepare::Costs::default();
    /// costs.set("i64.div_s", 20)?;
    /// assert!(costs.set("i64.divide", 20).is_err());
    /// # Ok::<(), aingle_wasm_prepare::CostError>(())
    /// ```
    pub fn set(&mut self, operator: &str, weight: u32) -> Result<(), CostError> {
        if !(1..=MAX_WEIGHT).contains(&weight) {
            return Err(CostError::OutOfRange);
        }
        let codes: Vec<Code> = operators()
            .filter(|(_, name)| *name == operator)
            .map(|(code, _)| code)
            .collect();
        if codes.is_empty() {
            return Err(CostError::UnknownOperator);
        }
        if codes.iter().any(|code| STRUCTURE.contains(code)) {
            return Err(CostError::Free);
        }
        self.changed
            .extend(codes.into_iter().map(|code| (code, weight)));
        Ok(())
    }

    /// The weights that were set, by operator.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        operators().filter_map(|(code, name)| self.changed.get(&code).map(|&weight| (name, weight)))
    }
}

/// The weight of each operator.
pub(crate) struct Weights([u32; CODES]);

impl Weights {
    pub(crate) fn new(costs: &Costs) -> Self {
        let mut weights = [1; CODES];
        for code in STRUCTURE {
            weights[usize::from(code)] = 0;
        }
        for (&code, &weight) in &costs.changed {
            weights[usize::from(code)] = weight;
        }
        Self(weights)
    }

    /// What executing the operator costs, apart from the work it does in bulk.
    pub(crate) fn weight(&self, code: Code) -> u64 {
        u64::from(self.0[usize::from(code)])
    }
}

/// log2 of the bytes or elements that the operator handles for one unit, if its cost depends on a length, which is then
/// its last operand.
pub(crate) fn bulk_shift(code: Code) -> Option<i64> {
    match code {
        code::MEMORY_INIT | code::MEMORY_COPY | code::MEMORY_FILL => Some(BULK_BYTES_LOG2),
        code::TABLE_INIT | code::TABLE_COPY | code::TABLE_FILL => Some(0),
        _ => None,
    }
}

/// What entering a function costs that declares so many locals.
pub(crate) fn entry_cost(locals: u32) -> u64 {
    u64::from(locals) / LOCALS_A_UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_free_and_all_else_costs_one() {
        let weights = Weights::new(&Costs::default());
        let free: Vec<_> = (0..CODES as Code)
            .filter(|&code| weights.weight(code) == 0)
            .collect();
        assert_eq!(free, [0x01, 0x02, 0x03, 0x05, 0x0b]);
        assert_eq!(weights.weight(code::IF), 1);
    }

    #[test]
    fn weights_are_set_by_name_within_their_range() {
        let mut costs = Costs::default();
        for (operator, weight, expected) in [
            ("i32.add", 7, Ok(())),
            ("select", MAX_WEIGHT, Ok(())),
            ("i32.add", 0, Err(CostError::OutOfRange)),
            ("i32.add", MAX_WEIGHT + 1, Err(CostError::OutOfRange)),
            ("i32.plus", 1, Err(CostError::UnknownOperator)),
            ("loop", 1, Err(CostError::Free)),
        ] {
            assert_eq!(costs.set(operator, weight), expected, "{operator}");
        }
        let weights = Weights::new(&costs);
        assert_eq!(
            [0x6a, 0x1b, 0x1c, 0x6b].map(|code| weights.weight(code)),
            [7, 1 << 20, 1 << 20, 1]
        );
        assert_eq!(costs.iter().next(), Some(("select", 1 << 20)));
    }

    #[test]
    fn an_entry_costs_one_for_sixteen_locals() {
        assert_eq!([0, 15, 16, 33].map(entry_cost), [0, 0, 1, 2]);
    }
}
