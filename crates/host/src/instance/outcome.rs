//! From the way a guest came to a stop to the error that its caller gets.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aingle_wasm_types::meter::Stop;
use aingle_wasm_types::{ErrorCode, Phase};

use super::session::Session;
use crate::backend::{Guest, Interruption};
use crate::error::{ErrorKind, HostError};
use crate::stop::StopReason;

/// Says why the guest did not return. What a host function noted comes first, then the guest's own status; `stopped` is
/// why it was asked to stop, if it was.
#[cold]
pub(super) fn explain(
    guest: &dyn Guest,
    session: &Session,
    how: Interruption,
    stopped: Option<StopReason>,
    phase: Phase,
) -> HostError {
    // A report of a panic belongs to this trap or to none.
    let panic = session.take_panic();
    let noted = session.take_failure();
    let stack_overflow = ErrorKind::StackOverflow {
        limit: session.limits.call_depth.into(),
    };
    let kind = match how {
        Interruption::Host => match noted {
            Some(error) => return error,
            None => ErrorKind::Internal {
                reason: "a host function stopped the guest without a reason".to_owned(),
            },
        },
        Interruption::Trap { trap, frames } => match Stop::from_i32(guest.status()) {
            // Which of the two the guest says is a matter of the memory model, see `reserved::FLOOR`.
            Some(Stop::Fuel | Stop::Interrupted) if stopped.is_some() => {
                return stopped.expect("just looked at").into_error(phase);
            }
            Some(Stop::None) => match panic {
                Some(report) => ErrorKind::Guest(report),
                None => ErrorKind::Trap {
                    trap,
                    frames: session.authors(frames),
                },
            },
            Some(Stop::Fuel) => return fuel_exhausted(phase, session.fuel_limit()),
            Some(Stop::Depth) => stack_overflow,
            Some(Stop::OutOfMemory) => ErrorKind::OutOfMemory {
                resource: "growth of a guest's memory or table",
                limit: 0,
                value: 0,
            },
            status => ErrorKind::Internal {
                reason: format!("the guest stopped with the status {status:?}"),
            },
        },
        Interruption::StackOverflow => stack_overflow,
        Interruption::OutOfMemory(resource) => ErrorKind::OutOfMemory {
            resource,
            limit: 0,
            value: 0,
        },
        Interruption::Fault(reason) => ErrorKind::Internal { reason },
    };
    HostError::new(phase, kind)
}

/// Runs what is not the library's own; its panic becomes an error.
pub(super) fn caught<R>(body: impl FnOnce() -> Result<R, HostError>) -> Result<R, HostError> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|panic| Err(HostError::panicked(Phase::Host, &*panic)))
}

#[cold]
pub(crate) fn fuel_exhausted(phase: Phase, limit: u64) -> HostError {
    HostError::new(phase, ErrorKind::FuelExhausted { used: limit, limit })
}

#[cold]
pub(crate) fn over_limit(phase: Phase, code: ErrorCode, limit: u64, value: u64) -> HostError {
    HostError::new(phase, ErrorKind::Limit { code, limit, value })
}
