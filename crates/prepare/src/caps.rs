//! Checks against [`ComplexityCaps`]. `validate` calls them before it hands the same thing to the validator.

use crate::{ComplexityCaps, PrepareError};

/// Tables of a module; not an option, because nothing real comes near it.
const MAX_TABLES: u64 = 100;

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
