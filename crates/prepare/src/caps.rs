//! Checks against [`ComplexityCaps`]. `validate` calls them before it hands the same thing to the validator.

use crate::{ComplexityCaps, PrepareError};

/// Tables of a module; not an option, because nothing real comes near it.
const MAX_TABLES: u64 = 100;

/// What the parser says where its own limits end its work, before a cap is looked at; the cap that stands for the
/// limit, and the limit.
const PARSER_LIMITS: [(&str, &str, u64); 3] = [
    ("function params size is out of bounds", "params", 1_000),
    ("function returns size is out of bounds", "results", 1_000),
    ("string size out of bounds", "nameBytes", 100_000),
];

/// The refusal to report if the parser ended at a limit of its own. Its value is a lower bound.
pub(crate) fn parser_limit(
    error: &wasmparser::Error,
    caps: &ComplexityCaps,
) -> Option<PrepareError> {
    let (_, cap, limit) = PARSER_LIMITS
        .iter()
        .find(|(message, ..)| *message == error.message())?;
    let max = match *cap {
        "params" => caps.params,
        "results" => caps.results,
        _ => caps.name_bytes,
    };
    Some(PrepareError::too_complex(cap, limit + 1, max.min(*limit)))
}

/// Refuses `value` over `max` in the name of `cap`.
pub(crate) fn check(cap: &'static str, value: u64, max: u64) -> Result<(), PrepareError> {
    if value > max {
        Err(PrepareError::too_complex(cap, value, max))
    } else {
        Ok(())
    }
}

/// Refuses too many tables.
pub(crate) fn check_tables(tables: usize) -> Result<(), PrepareError> {
    check("tables", tables as u64, MAX_TABLES)
}

/// Refuses a type with too many parameters or results.
pub(crate) fn check_type(
    caps: &ComplexityCaps,
    params: usize,
    results: usize,
) -> Result<(), PrepareError> {
    check("params", params as u64, caps.params)?;
    check("results", results as u64, caps.results)
}

/// Refuses a name that is too long.
pub(crate) fn check_name(caps: &ComplexityCaps, name: &str) -> Result<(), PrepareError> {
    check("nameBytes", name.len() as u64, caps.name_bytes)
}
