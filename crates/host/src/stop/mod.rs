//! Stopping calls from outside: by a deadline, by their caller, by closing.

mod cell;
mod clock;
mod reason;
mod registry;
mod ticket;
mod watchdog;

pub(crate) use cell::{StopCell, StopSwitch};
pub(crate) use clock::Moment;
#[cfg(target_os = "linux")]
pub(crate) use clock::read_clock;
pub use reason::{StopReason, TimeLimit};
pub use ticket::{Stoppable, Ticket};
pub(crate) use watchdog::{Relieve, Watchdog};
