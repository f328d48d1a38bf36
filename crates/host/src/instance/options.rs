//! How an instance is made and how a call is made.

use super::slices::SliceOptions;
use crate::imports::{HostFunction, Imports};
use crate::limits::InstanceLimits;
use crate::stop::{Ticket, TimeLimit};

/// How an instance is made. All fields have the defaults of `InstanceOptions::default()`.
#[derive(Clone, Default)]
pub struct InstanceOptions {
    /// Host functions. Default: none.
    pub imports: Imports,
    /// Host functions that references of imported tables and globals stand for, by position; each with a type of its own.
    /// Default: none.
    pub functions: Vec<HostFunction>,
    /// How bytes are handed to the guest's exports. Default [`AbiChoice::Auto`].
    pub abi: AbiChoice,
    /// What an ordinary trap leaves behind. Default [`AfterTrap::Poison`].
    pub after_trap: AfterTrap,
    /// Limits below the engine's. Default: the engine's.
    pub limits: InstanceLimits,
    /// Fuel of the instantiation itself: start function, `_initialize` and the guest kit's own set-up. Default: the
    /// engine's metering limit.
    pub fuel: Option<u64>,
    /// Time of the instantiation itself. Default: the engine's.
    pub time: TimeLimit,
    /// The job that the instantiation runs in, whose time limit counts then.
    pub ticket: Option<Ticket>,
}

/// The call convention of exports that take and return bytes, `(ptr: i32, len: i32) -> i64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AbiChoice {
    /// Envelopes if the guest exports an allocator of the guest kit, else bare bytes.
    #[default]
    Auto,
    /// Envelopes with header and checksum.
    Envelope,
    /// Bare bytes in memory from `malloc`, `allocate` or `__new`.
    Bytes,
}

/// Whether an instance is usable after an ordinary trap, a failed host function or a guest's panic. A call that was
/// stopped (fuel, memory of the machine) always poisons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterTrap {
    /// No later call runs: the guest's memory may be half-written.
    #[default]
    Poison,
    /// Later calls run on the memory as it is.
    Keep,
}

/// How a single call is made.
#[derive(Clone, Copy, Default)]
pub struct CallOptions<'a> {
    /// Fuel of this call, 1 to 2^62. Default: the engine's metering limit.
    pub fuel: Option<u64>,
    /// Whether the receipt has times. They cost two readings of the clock for the call and two for each host function.
    /// Default false; [`crate::WasmInstance::call`] and [`crate::WasmInstance::invoke`] always measure.
    pub timed: bool,
    /// Time of this call. Default: the engine's.
    pub time: TimeLimit,
    /// The job that the call runs in, whose time limit counts then.
    pub ticket: Option<&'a Ticket>,
    /// Has the call pause every so many units. Default: it does not.
    pub slices: Option<&'a SliceOptions>,
}
