//! From wasmi's errors to ours.

use std::fmt;

use aingle_wasm_types::TrapKind;
use wasmi::errors::{ErrorKind, HostError, InstantiationError, MemoryError, TableError};
use wasmi::{Error, TrapCode};

use crate::backend::Interruption;

/// What a host function fails with to end the guest's call. The reason is noted with the caller.
#[derive(Debug)]
pub(super) struct GuestStopped;

impl fmt::Display for GuestStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped by the host")
    }
}

impl HostError for GuestStopped {}

/// What a guest call ended with, `converting` a float or not.
pub(super) fn of_call(error: &Error, converting: bool) -> Interruption {
    if error.downcast_ref::<GuestStopped>().is_some() {
        return Interruption::Host;
    }
    match error.as_trap_code() {
        Some(TrapCode::StackOverflow) => Interruption::StackOverflow,
        Some(TrapCode::OutOfSystemMemory) => Interruption::OutOfMemory("a guest's stack"),
        code => match code.and_then(|code| kind(code, converting)) {
            Some(trap) => trapped(trap),
            None => Interruption::Fault(error.to_string()),
        },
    }
}

/// What making an instance ended with: a segment that does not fit is a trap like any other.
pub(super) fn of_instantiation(error: &Error) -> Interruption {
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            trapped(TrapKind::TableOutOfBounds)
        }
        ErrorKind::Instantiation(
            InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory)
            | InstantiationError::FailedToInstantiateTable(TableError::OutOfSystemMemory),
        ) => Interruption::OutOfMemory("a guest's memory or table"),
        _ => of_call(error, false),
    }
}

/// wasmi tells no frames.
fn trapped(trap: TrapKind) -> Interruption {
    Interruption::Trap {
        trap,
        frames: Vec::new(),
    }
}

/// The kind of a trap of the guest's own; `None` for what the engine stops by itself.
fn kind(code: TrapCode, converting: bool) -> Option<TrapKind> {
    Some(match code {
        TrapCode::UnreachableCodeReached => TrapKind::Unreachable,
        TrapCode::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => TrapKind::TableOutOfBounds,
        TrapCode::IndirectCallToNull | TrapCode::BadSignature => TrapKind::IndirectCallMismatch,
        TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivideByZero,
        TrapCode::IntegerOverflow if converting => TrapKind::FloatToInteger,
        TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
        TrapCode::BadConversionToInteger => TrapKind::FloatToInteger,
        TrapCode::StackOverflow
        | TrapCode::OutOfFuel
        | TrapCode::GrowthOperationLimited
        | TrapCode::OutOfSystemMemory => return None,
    })
}
