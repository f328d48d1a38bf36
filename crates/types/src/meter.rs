//! Names and numbers by which a host drives a prepared module.

/// Every reserved export and import begins with this. A module that brings such a name itself is refused.
pub const RESERVED_PREFIX: &str = "__aingle_meter";

/// Global, mutable `i64`: fuel left. The host sets it before a call from outside and reads it after.
pub const FUEL: &str = "__aingle_meter_fuel";
/// Global, mutable `i32`: a [`Stop`] as a number. The host sets it to 0 before a call from outside.
pub const STATUS: &str = "__aingle_meter_status";
/// Global, mutable `i32`: units of call depth left. The host sets it before a call from outside.
pub const DEPTH: &str = "__aingle_meter_depth";
/// Global, mutable `i32`: cap of the memory in pages; initially the cap given to `prepare`.
pub const MEMORY_CAP: &str = "__aingle_meter_memory_cap";
/// Global, mutable `i32`: cap of all tables' elements together; initially the cap given to `prepare`.
pub const TABLE_CAP: &str = "__aingle_meter_table_cap";
/// Function `() -> ()`: the module's start function, present only if it had one.
pub const START: &str = "__aingle_meter_start";
/// Memory 0 under a name of ours, present whenever the module has a memory.
pub const MEMORY: &str = "__aingle_meter_memory";

/// Largest fuel limit.
pub const MAX_FUEL: u64 = 1 << 62;
/// Bytes of a WebAssembly page.
pub const PAGE_BYTES: u32 = 65_536;

/// Why a prepared module trapped: what it stored in [`STATUS`] before `unreachable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stop {
    /// An ordinary trap of the guest's own.
    None = 0,
    /// Fuel ran out.
    Fuel = 1,
    /// Call depth ran out.
    Depth = 2,
    /// A growth below the cap was refused by the engine.
    OutOfMemory = 3,
    /// The host asked it to stop.
    Interrupted = 4,
}

impl Stop {
    /// The reason with this number; `None` for a number that no reason has.
    #[must_use]
    pub const fn from_i32(status: i32) -> Option<Self> {
        Some(match status {
            0 => Self::None,
            1 => Self::Fuel,
            2 => Self::Depth,
            3 => Self::OutOfMemory,
            4 => Self::Interrupted,
            _ => return None,
        })
    }

    /// The number in [`STATUS`].
    #[must_use]
    pub const fn as_i32(self) -> i32 {
        self as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_begin_with_the_prefix() {
        for name in [FUEL, STATUS, DEPTH, MEMORY_CAP, TABLE_CAP, START, MEMORY] {
            assert!(name.starts_with(RESERVED_PREFIX));
        }
    }

    #[test]
    fn stops_read_back_and_other_numbers_are_no_stop() {
        for status in -2..8 {
            let expected = (0..=4).contains(&status).then_some(status);
            assert_eq!(Stop::from_i32(status).map(Stop::as_i32), expected);
        }
    }
}
