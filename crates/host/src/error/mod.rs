//! The one error type of the crate. [`HostError`] is a thin pointer; what happened is an [`ErrorKind`].

mod details;
mod frame;
mod kind;
mod text;

pub(crate) use text::of_panic as panic_text;

use std::any::Any;
use std::fmt;

use aingle_wasm_types::{ErrorCode, Phase};

use crate::config::BackendKind;

pub use details::{Detail, ImportProblem};
pub use frame::TrapFrame;
pub use kind::{ErrorKind, GuestError, GuestOrigin, TERMINATED};

/// Why an operation of an engine, a module or an instance failed.
///
/// [`HostError::code`] is the contract to program against; the text of `Display` is for people and may change.
pub struct HostError {
    inner: Box<Inner>,
}

struct Inner {
    phase: Phase,
    kind: ErrorKind,
    payload: Option<Box<dyn Any + Send>>,
}

impl HostError {
    #[cold]
    pub(crate) fn new(phase: Phase, kind: ErrorKind) -> Self {
        Self {
            inner: Box::new(Inner {
                phase,
                kind,
                payload: None,
            }),
        }
    }

    #[cold]
    pub(crate) fn argument(option: &'static str, value: impl fmt::Display, allowed: &str) -> Self {
        let kind = ErrorKind::Argument {
            code: ErrorCode::InvalidArgValue,
            option,
            value: value.to_string(),
            allowed: allowed.to_owned(),
        };
        Self::new(Phase::Load, kind)
    }

    #[cold]
    pub(crate) fn internal(phase: Phase, reason: impl fmt::Display) -> Self {
        Self::new(
            phase,
            ErrorKind::Internal {
                reason: reason.to_string(),
            },
        )
    }

    /// An internal error for a caught panic, with the text of the panic.
    #[cold]
    pub(crate) fn panicked(phase: Phase, panic: &(dyn Any + Send)) -> Self {
        Self::internal(phase, format_args!("a panic: {}", text::of_panic(panic)))
    }

    #[cold]
    pub(crate) fn engine_closed() -> Self {
        let kind = ErrorKind::State {
            code: ErrorCode::EngineClosed,
            text: "the engine is closed",
        };
        Self::new(Phase::Close, kind)
    }

    /// This build does not have a backend.
    #[cold]
    pub(crate) fn unavailable(backend: BackendKind) -> Self {
        let backend = backend.as_str();
        Self::new(Phase::Load, ErrorKind::EngineUnavailable { backend })
    }

    pub(crate) fn with_payload(mut self, payload: Option<Box<dyn Any + Send>>) -> Self {
        self.inner.payload = payload;
        self
    }

    /// What happened, as data.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.inner.kind.code()
    }

    /// Where in the life of a guest it happened.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.inner.phase
    }

    /// Whether the same operation may succeed a moment later with nothing changed.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(
            self.code(),
            ErrorCode::InstanceBusy | ErrorCode::QueueFull | ErrorCode::OutOfMemory
        )
    }

    /// The numbers and names behind the message, under the keys of the JavaScript error's `details`.
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, Detail)> {
        self.inner.kind.details()
    }

    /// What a failing host function attached to its error, unchanged; see [`crate::HostFunctionError::with_payload`].
    #[must_use]
    pub fn host_payload(&self) -> Option<&(dyn Any + Send)> {
        self.inner.payload.as_deref()
    }

    /// Takes what a failing host function attached to its error out of this error.
    #[must_use]
    pub fn take_host_payload(&mut self) -> Option<Box<dyn Any + Send>> {
        self.inner.payload.take()
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.inner.kind)
    }
}

impl fmt::Debug for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostError")
            .field("code", &self.code())
            .field("phase", &self.phase())
            .field("kind", &self.inner.kind)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<HostError>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), HostError>>(), size_of::<usize>());
    }
}
