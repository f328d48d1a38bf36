//! The queue of one instance.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::stop::{StopReason, Ticket};

/// The queue of one instance. Its jobs never run at the same time.
#[derive(Clone, Default)]
pub struct Lane {
    inner: Arc<Mutex<LaneState>>,
}

#[derive(Default)]
pub(super) struct LaneState {
    pub(super) jobs: VecDeque<Entry>,
    /// Whether the lane is among the ready ones or a thread runs one of its jobs.
    pub(super) scheduled: bool,
}

/// A job in its lane.
pub(super) struct Entry {
    pub(super) ticket: Ticket,
    /// Where the watchdog has it.
    pub(super) watched: Option<usize>,
}

impl Lane {
    /// Stops every job that waits in the lane.
    pub fn stop_waiting(&self, reason: StopReason) {
        let tickets: Vec<Ticket> = self
            .lock()
            .jobs
            .iter()
            .map(|entry| entry.ticket.clone())
            .collect();
        for ticket in tickets {
            ticket.stop(reason);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
