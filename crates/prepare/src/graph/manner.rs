//! Which operators only cost, so that the walk passes them quickly.

use crate::operators::{CODES, Code, code, is_trapping_conversion};

/// What the builder does with an operator.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    /// Counts what it costs.
    Plain,
    /// The same, unless unrolling has added it.
    Constant,
    /// The same, and notes the local it accesses.
    Local,
    /// More than that.
    Other,
}

pub(super) const MANNERS: [Manner; CODES] = {
    let mut table = [Manner::Plain; CODES];
    let mut code = 0;
    while code < CODES {
        table[code] = manner(code as Code);
        code += 1;
    }
    table
};

const fn manner(code: Code) -> Manner {
    match code {
        code::UNREACHABLE..=code::CALL_INDIRECT
        | code::SELECT
        | code::TYPED_SELECT
        | code::TABLE_SET
        | code::MEMORY_GROW
        | code::REF_FUNC
        | code::MEMORY_INIT..=code::TABLE_FILL => Manner::Other,
        code if is_trapping_conversion(code) => Manner::Other,
        code::I32_CONST => Manner::Constant,
        code::LOCAL_GET | code::LOCAL_SET | code::LOCAL_TEE => Manner::Local,
        _ => Manner::Plain,
    }
}

/// Whether what an operator gives is surely no comparison of an `i32` with zero, also when an engine has simplified it.
pub(super) fn cannot_be_eqz(code: Code) -> bool {
    // `i32.lt_s` to `f64.ge`: comparisons other than those for equality of an `i32`.
    let ordered = 0x48..=0x66;
    let loads = 0x28..=0x35;
    [
        code::LOCAL_GET,
        code::GLOBAL_GET,
        code::I32_CONST,
        code::CALL,
    ]
    .contains(&code)
        || ordered.contains(&code)
        || loads.contains(&code)
}
