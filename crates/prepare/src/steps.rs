//! The places where the copy of a function body differs from the original, and what is written there.

use crate::operators::Code;

/// A place where the copy differs, with the range of original bytes that it replaces; empty for an insertion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) action: Action,
}

/// What to write there. Edges are indices into [`Graph::edges`](crate::graph::Graph::edges).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// Nothing: the original cannot be reached.
    Skip,
    /// What the edge charges.
    Charge { edge: u32 },
    /// What the node charges, then a check if it has one.
    Head { edge: u32, check: bool },
    /// Whether there is less fuel than the most that the copies of a loop can cost; `edge` is the node's that it begins.
    Short { edge: u32, most: u32 },
    /// A `br_if` whose taken edge may charge.
    BranchIf { edge: u32, label: u32 },
    /// The `else` that is missing, if it has to charge.
    Else { edge: u32 },
    /// A jump to the function's label.
    Return { nesting: u32 },
    /// An operator that traps; the counter is written out first.
    Unreachable { edge: u32 },
    /// A call of a defined function.
    Call { edge: u32, function: u32 },
    /// A call of an imported function.
    CallImport { edge: u32, function: u32 },
    /// A call through a table, of the element whose number is on the stack or in this local.
    CallIndirect {
        edge: u32,
        ty: u32,
        table: u32,
        index: Option<u32>,
    },
    /// An operator that grows the memory or a table.
    Grow { edge: u32, code: Code, table: u32 },
    /// An operator that works in bulk and costs by the length on the stack; `edge` is the node's that it begins.
    Bulk { edge: u32, code: Code, first: u32 },
    /// An access to a declared local, whose index moves.
    Local { code: Code, index: u32 },
    /// A reference to an imported function.
    Reference { function: u32 },
    /// A write to a table of the module's own beside imported ones.
    SetElement { table: u32 },
    /// Before the operator that opens a block with parameters.
    Guard,
    /// Before a `select` by a condition that may compare with zero.
    GuardCondition,
    /// A conversion that can trap, from or to here.
    Converting(bool),
    /// The function's last `end`.
    Close,
    /// The way out after it; `edge` folds what is owed into the value that is returned.
    Exit { edge: u32 },
}
