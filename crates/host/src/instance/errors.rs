//! Errors about what a guest handed over.

use aingle_wasm_codec::{CodecError, ErrorPayload};
use aingle_wasm_types::{ErrorCode, Phase};

use super::convention::{Block, Unwritten};
use super::outcome;
use crate::error::{ErrorKind, GuestError, GuestOrigin, HostError};
use crate::suggest;

#[cold]
pub(super) fn pointer(phase: Phase, block: Block, memory: usize) -> HostError {
    let kind = ErrorKind::GuestPointer {
        ptr: block.ptr.into(),
        len: block.len.into(),
        memory: memory as u64,
    };
    HostError::new(phase, kind)
}

/// Why a payload could not be written into a block that the guest gave.
#[cold]
pub(super) fn unwritten(phase: Phase, why: Unwritten, block: Block, memory: usize) -> HostError {
    match why {
        Unwritten::Pointer => pointer(phase, block, memory),
        Unwritten::Envelope(error) => envelope(phase, error),
    }
}

#[cold]
pub(super) fn envelope(phase: Phase, error: CodecError) -> HostError {
    if let CodecError::Limit { limit, actual } = error {
        return outcome::over_limit(phase, ErrorCode::OutputLimit, limit as u64, actual as u64);
    }
    if let CodecError::OutOfMemory { needed } = error {
        let kind = ErrorKind::OutOfMemory {
            resource: "a decompressed payload",
            limit: 0,
            value: needed as u64,
        };
        return HostError::new(phase, kind);
    }
    let (expected, actual) = error.expected_and_actual().unzip();
    let kind = ErrorKind::Envelope {
        code: error.code(),
        expected,
        actual,
        text: error.to_string(),
    };
    HostError::new(phase, kind)
}

#[cold]
pub(super) fn too_long(len: usize) -> HostError {
    let kind = ErrorKind::Argument {
        code: ErrorCode::OutOfRange,
        option: "input",
        value: format!("{len} bytes"),
        allowed: "a block that a 32-bit length can say".to_owned(),
    };
    HostError::new(Phase::Call, kind)
}

/// A guest has no such function of bytes, or no allocator for its input.
#[cold]
pub(super) fn no_export<'a>(
    name: &str,
    expected: &'static str,
    exports: impl Iterator<Item = &'a str>,
) -> HostError {
    let kind = ErrorKind::ExportNotFound {
        name: name.to_owned(),
        expected,
        near: suggest::near(name, exports),
    };
    HostError::new(Phase::Call, kind)
}

/// The error that a guest returned.
#[cold]
pub(super) fn guest(phase: Phase, payload: &[u8]) -> HostError {
    HostError::new(phase, ErrorKind::Guest(guest_error(payload)))
}

/// Reads an error payload; text is what it is, anything else is read as well as it can be.
pub(crate) fn guest_error(payload: &[u8]) -> GuestError {
    match ErrorPayload::decode(payload) {
        ErrorPayload::Text(message) => GuestError {
            message: message.into_owned(),
            origin: None,
        },
        ErrorPayload::Structured(error) => GuestError {
            message: error.message.into_owned(),
            origin: Some(GuestOrigin {
                kind: error.kind,
                file: error.file.into_owned(),
                line: error.line,
            }),
        },
    }
}
