//! What a call used.

/// What the last finished call used. All numbers are of the whole call: allocation, export, host functions, reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Fuel used.
    pub fuel_used: u64,
    /// Fuel the call had.
    pub fuel_limit: u64,
    /// Whether `fuel_used` is exact. After a trap it is a lower bound, because a guest counts in steps.
    pub fuel_exact: bool,
    /// Nanoseconds from the first to the last step; 0 for a call that was not timed.
    pub wall_ns: u64,
    /// Nanoseconds of these spent in host functions; 0 for a call that was not timed.
    pub host_ns: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Pages of memory after the call.
    pub memory_pages: u32,
    /// Payload bytes given.
    pub bytes_in: u64,
    /// Payload bytes returned.
    pub bytes_out: u64,
}
