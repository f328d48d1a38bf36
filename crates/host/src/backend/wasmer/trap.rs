//! From wasmer's traps to ours.

use std::slice;
use std::sync::PoisonError;

use aingle_wasm_types::TrapKind;
use wasmer::sys::vm::{Trap, TrapCode};
use wasmer::{FrameInfo, InstantiationError, LinkError, RuntimeError};
use wasmer_compiler::FRAME_INFO;

use crate::backend::{Frame, Interruption};

/// Most frames of a trace that are kept: the innermost ones.
const MAX_FRAMES: usize = 64;

/// What a guest call ended with. `prepared` is the module that was compiled.
pub(super) fn of_call(trap: Trap, prepared: &[u8]) -> Interruption {
    match trap {
        Trap::User(_) => Interruption::Host,
        Trap::OOM { .. } => Interruption::OutOfMemory("a stack for signals"),
        trap => {
            let address = match trap {
                Trap::Wasm { pc, .. } => Some(pc),
                _ => None,
            };
            of_runtime_error(&RuntimeError::from(trap), address, prepared)
        }
    }
}

/// What making an instance ended with. Of guest code only constant expressions have run.
pub(super) fn of_instantiation(error: InstantiationError) -> Interruption {
    match error {
        InstantiationError::Start(error) | InstantiationError::Link(LinkError::Trap(error)) => {
            of_runtime_error(&error, None, &[])
        }
        InstantiationError::Link(LinkError::Resource(_)) => {
            Interruption::OutOfMemory("a guest's memory or table")
        }
        error => Interruption::Fault(error.to_string()),
    }
}

/// `address` is that of the machine instruction that trapped, if one did.
fn of_runtime_error(error: &RuntimeError, address: Option<usize>, prepared: &[u8]) -> Interruption {
    let Some(code) = error.clone().to_trap() else {
        return Interruption::Fault(error.message());
    };
    let innermost = match error.trace() {
        [] => address.and_then(frame_at),
        _ => None,
    };
    let trace = innermost.as_ref().map_or(error.trace(), slice::from_ref);
    let operator = trace
        .first()
        .and_then(|frame| prepared.get(frame.module_offset()));
    match kind(code, operator.copied()) {
        Some(trap) => {
            let frames = trace.iter().take(MAX_FRAMES).map(frame).collect();
            Interruption::Trap { trap, frames }
        }
        None => Interruption::StackOverflow,
    }
}

/// The frame of compiled code that an address is in. On musl it is all that is known of a trap that came as a signal: nothing describes the
/// signal's own frame there, so that the trace ends at once.
fn frame_at(address: usize) -> Option<FrameInfo> {
    FRAME_INFO
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .lookup_frame_info(address)
}

/// The trap's kind, given the first byte of the operator that trapped; `None` is the end of the native stack.
fn kind(code: TrapCode, operator: Option<u8>) -> Option<TrapKind> {
    Some(match code {
        TrapCode::StackOverflow => return None,
        TrapCode::HeapAccessOutOfBounds | TrapCode::HeapMisaligned | TrapCode::UnalignedAtomic => {
            TrapKind::MemoryOutOfBounds
        }
        TrapCode::TableAccessOutOfBounds => TrapKind::TableOutOfBounds,
        TrapCode::IndirectCallToNull | TrapCode::BadSignature => TrapKind::IndirectCallMismatch,
        // Cranelift has one code for the least integer divided by -1 and for a float that is too large.
        TrapCode::IntegerOverflow if operator.is_some_and(converts_float) => {
            TrapKind::FloatToInteger
        }
        TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
        TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivideByZero,
        TrapCode::BadConversionToInteger => TrapKind::FloatToInteger,
        _ => TrapKind::Unreachable,
    })
}

/// Whether this is one of the eight trapping conversions from float to integer.
fn converts_float(operator: u8) -> bool {
    matches!(operator, 0xa8..=0xab | 0xae..=0xb1)
}

fn frame(frame: &FrameInfo) -> Frame {
    Frame {
        function: frame.func_index(),
        name: frame.function_name().map(str::to_owned),
        offset: offset(frame),
    }
}

/// An instruction that was made for no operator is where the function begins, before its operators, or nowhere.
fn offset(frame: &FrameInfo) -> Option<u32> {
    let offset = u32::try_from(frame.module_offset()).ok()?;
    (offset != u32::MAX && frame.func_offset() > 0).then_some(offset)
}
