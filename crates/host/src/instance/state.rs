//! The state machine of an instance, readable from any thread.

use std::sync::atomic::{AtomicU8, Ordering};

/// What an instance is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InstanceState {
    /// Ready for a call.
    Idle,
    /// A guest function runs.
    Running,
    /// A guest function waits in a host function.
    Host,
    /// A call ended so that the guest's memory may be in any state; only closing is left.
    Poisoned,
    /// Closed; its memory is gone.
    Closed,
}

impl InstanceState {
    /// The lower-case name, as in JavaScript: `idle`, `running`, `host`, `poisoned`, `closed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Host => "host",
            Self::Poisoned => "poisoned",
            Self::Closed => "closed",
        }
    }
}

/// A state that its owner writes and others read. Ordering is relaxed: a reader learns what was, never that it still is.
#[derive(Debug)]
pub(crate) struct StateCell(AtomicU8);

impl StateCell {
    pub(crate) const fn new() -> Self {
        Self(AtomicU8::new(InstanceState::Idle as u8))
    }

    pub(crate) fn get(&self) -> InstanceState {
        match self.0.load(Ordering::Relaxed) {
            0 => InstanceState::Idle,
            1 => InstanceState::Running,
            2 => InstanceState::Host,
            3 => InstanceState::Poisoned,
            _ => InstanceState::Closed,
        }
    }

    pub(crate) fn set(&self, state: InstanceState) {
        self.0.store(state as u8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back() {
        use InstanceState::{Closed, Host, Idle, Poisoned, Running};
        let cell = StateCell::new();
        assert_eq!(cell.get(), Idle);
        for state in [Running, Host, Poisoned, Closed, Idle] {
            cell.set(state);
            assert_eq!(cell.get(), state);
        }
    }
}
