//! From wasmer's traps to ours.

use aingle_wasm_types::TrapKind;
use wasmer::sys::vm::{Trap, TrapCode};
use wasmer::{FrameInfo, InstantiationError, LinkError, RuntimeError};

use crate::backend::Interruption;

/// Most frames of a trace that are kept: the innermost ones.
const MAX_FRAMES: usize = 64;

/// What a guest call ended with.
pub(super) fn of_call(trap: Trap) -> Interruption {
    match trap {
        Trap::User(_) => Interruption::Host,
        Trap::OOM { .. } => Interruption::OutOfMemory("a stack for signals"),
        trap => of_runtime_error(RuntimeError::from(trap)),
    }
}

/// What making an instance ended with.
pub(super) fn of_instantiation(error: InstantiationError) -> Interruption {
    match error {
        InstantiationError::Start(error) | InstantiationError::Link(LinkError::Trap(error)) => {
            of_runtime_error(error)
        }
        InstantiationError::Link(LinkError::Resource(_)) => {
            Interruption::OutOfMemory("a guest's memory or table")
        }
        error => Interruption::Fault(error.to_string()),
    }
}

fn of_runtime_error(error: RuntimeError) -> Interruption {
    let frames = error.trace().iter().take(MAX_FRAMES).map(frame).collect();
    match error.clone().to_trap().map(kind) {
        Some(Some(trap)) => Interruption::Trap { trap, frames },
        Some(None) => Interruption::StackOverflow,
        None => Interruption::Fault(error.message()),
    }
}

/// The trap's kind; `None` is the end of the native stack.
fn kind(code: TrapCode) -> Option<TrapKind> {
    Some(match code {
        TrapCode::StackOverflow => return None,
        TrapCode::HeapAccessOutOfBounds | TrapCode::HeapMisaligned | TrapCode::UnalignedAtomic => {
            TrapKind::MemoryOutOfBounds
        }
        TrapCode::TableAccessOutOfBounds => TrapKind::TableOutOfBounds,
        TrapCode::IndirectCallToNull | TrapCode::BadSignature => TrapKind::IndirectCallMismatch,
        TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
        TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivideByZero,
        TrapCode::BadConversionToInteger => TrapKind::FloatToInteger,
        _ => TrapKind::Unreachable,
    })
}

fn frame(frame: &FrameInfo) -> String {
    match frame.function_name() {
        Some(name) => name.to_owned(),
        None => format!("wasm-function[{}]", frame.func_index()),
    }
}
