//! The specification's names of traps, as the kinds that every engine can tell apart.

use aingle_wasm_types::TrapKind;

/// Beginnings of the specification's names, and the kinds that each may be.
const NAMES: [(&str, &[TrapKind]); 9] = [
    ("unreachable", &[TrapKind::Unreachable]),
    (
        "out of bounds memory access",
        &[TrapKind::MemoryOutOfBounds],
    ),
    ("out of bounds table access", &[TrapKind::TableOutOfBounds]),
    ("undefined element", &[TrapKind::TableOutOfBounds]),
    ("uninitialized element", &[TrapKind::IndirectCallMismatch]),
    (
        "indirect call type mismatch",
        &[TrapKind::IndirectCallMismatch],
    ),
    ("integer divide by zero", &[TrapKind::IntegerDivideByZero]),
    // The specification calls a float that is too large for the integer an overflow as well.
    (
        "integer overflow",
        &[TrapKind::IntegerOverflow, TrapKind::FloatToInteger],
    ),
    ("invalid conversion to integer", &[TrapKind::FloatToInteger]),
];

/// Whether the specification may call a trap of this kind by this name.
pub(crate) fn is_named(kind: TrapKind, name: &str) -> bool {
    NAMES
        .iter()
        .any(|(beginning, kinds)| name.starts_with(beginning) && kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_details_keep_their_kind() {
        assert!(is_named(
            TrapKind::IndirectCallMismatch,
            "uninitialized element 2"
        ));
        assert!(is_named(TrapKind::FloatToInteger, "integer overflow"));
        assert!(!is_named(
            TrapKind::FloatToInteger,
            "integer divide by zero"
        ));
        assert!(!is_named(TrapKind::Unreachable, "a name that nobody knows"));
    }
}
