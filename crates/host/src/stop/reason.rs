//! Why a call is stopped, and how long one may take.

use aingle_wasm_types::{ErrorCode, Phase};

use crate::error::{ErrorKind, HostError};

/// Why a call was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Its time was over: this many milliseconds.
    Timeout(u64),
    /// Its caller gave it up.
    Aborted,
    /// Its instance was closed.
    InstanceClosed,
    /// Its engine was closed.
    EngineClosed,
}

impl StopReason {
    /// The error that the call ends with.
    #[cold]
    #[must_use]
    pub fn into_error(self, phase: Phase) -> HostError {
        let state = |code, text| HostError::new(phase, ErrorKind::State { code, text });
        match self {
            Self::Timeout(limit) => HostError::new(phase, ErrorKind::Timeout { limit }),
            Self::Aborted => state(ErrorCode::Aborted, "the call was aborted"),
            Self::InstanceClosed => state(ErrorCode::InstanceClosed, "the instance is closed"),
            Self::EngineClosed => HostError::engine_closed(),
        }
    }
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeLimit {
    /// As long as the engine's `timeout_ms` says.
    #[default]
    Engine,
    /// As long as it wants.
    None,
    /// This many milliseconds, at least 1.
    Milliseconds(u64),
}

impl TimeLimit {
    /// The limit in milliseconds, given the engine's.
    pub(crate) fn resolve(self, engine: Option<u64>) -> Option<u64> {
        match self {
            Self::Engine => engine,
            Self::None => None,
            Self::Milliseconds(limit) => Some(limit),
        }
    }
}
