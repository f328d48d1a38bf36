//! The kinds of trap that every engine can tell apart.

use crate::names::named;

named! {
    /// How a guest trapped by itself; `details.trap` of an `ERR_TRAP`.
    pub enum TrapKind {
        /// The `unreachable` operator.
        Unreachable => "unreachable",
        /// An access outside the memory, or a memory operation with such a range.
        MemoryOutOfBounds => "memory_out_of_bounds",
        /// A table operation with an index outside the table.
        TableOutOfBounds => "table_out_of_bounds",
        /// An integer division or remainder by zero.
        IntegerDivideByZero => "integer_divide_by_zero",
        /// The least integer divided by -1.
        IntegerOverflow => "integer_overflow",
        /// A float without integer counterpart, or NaN, converted by a trapping conversion.
        FloatToInteger => "float_to_integer",
        /// An indirect call of a null element or of a function of another type.
        IndirectCallMismatch => "indirect_call_mismatch",
    }
}
