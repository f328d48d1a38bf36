//! A job that was handed in: waiting, begun, over. It can be stopped wherever it is.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::Moment;
use super::reason::StopReason;
use crate::pool::{Job, Turn};

/// Something under way that can be stopped from any thread.
pub trait Stoppable: Send + Sync {
    /// Asks for the stop; answers whether it will come. If not, a deadline asks again a moment later.
    fn stop(&self, reason: StopReason) -> bool;
}

/// A job of a [`crate::Pool`], as its submitter sees it.
#[derive(Clone)]
pub struct Ticket {
    inner: Arc<Inner>,
}

struct Inner {
    deadline: Moment,
    limit_ms: u64,
    /// Counts the jobs of the pool that wait.
    waiting: Arc<AtomicUsize>,
    stage: Mutex<Stage>,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

enum Stage {
    Waiting(Job),
    /// It runs, and nothing of it can be stopped yet.
    Begun,
    /// A stop came while it had only begun.
    Asked(StopReason),
    Running(Arc<dyn Stoppable>),
    Over,
}

impl Ticket {
    /// A ticket whose time, if it is limited, begins now. Whoever admits it counts it in `waiting`, until it begins.
    pub(crate) fn new(limit_ms: Option<u64>, waiting: Arc<AtomicUsize>, job: Job) -> Self {
        let inner = Inner {
            waiting,
            deadline: limit_ms.map_or(Moment::NEVER, Moment::after),
            limit_ms: limit_ms.unwrap_or_default(),
            stage: Mutex::new(Stage::Waiting(job)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Says what a stop is to reach from now on. A stop that came before reaches it at once.
    pub fn running(&self, target: Arc<dyn Stoppable>) {
        let mut stage = self.lock();
        let asked = match *stage {
            Stage::Asked(reason) => Some(reason),
            _ => None,
        };
        *stage = Stage::Running(Arc::clone(&target));
        drop(stage);
        if let Some(reason) = asked {
            target.stop(reason);
        }
    }

    /// Stops the job: one that waits does not begin, one that runs is asked to end. Answers whether that will come.
    pub fn stop(&self, reason: StopReason) -> bool {
        let mut stage = self.lock();
        match std::mem::replace(&mut *stage, Stage::Over) {
            Stage::Waiting(job) => {
                drop(stage);
                self.inner.waiting.fetch_sub(1, Relaxed);
                // As in the pool, its panic is its own affair.
                let _ = catch_unwind(AssertUnwindSafe(|| job(Turn::Stopped(reason), self)));
                true
            }
            Stage::Begun => {
                *stage = Stage::Asked(reason);
                true
            }
            Stage::Running(target) => {
                *stage = Stage::Running(Arc::clone(&target));
                // What is stopped may ask for this ticket.
                drop(stage);
                target.stop(reason)
            }
            former @ Stage::Asked(_) => {
                *stage = former;
                true
            }
            Stage::Over => true,
        }
    }

    /// Takes the job to run it; `None` if it was stopped before.
    pub(crate) fn begin(&self) -> Option<Job> {
        let mut stage = self.lock();
        match std::mem::replace(&mut *stage, Stage::Begun) {
            Stage::Waiting(job) => {
                self.inner.waiting.fetch_sub(1, Relaxed);
                Some(job)
            }
            former => {
                *stage = former;
                None
            }
        }
    }

    /// Lets go of what the job used.
    pub(crate) fn finish(&self) {
        let former = std::mem::replace(&mut *self.lock(), Stage::Over);
        // Outside of the lock: what is dropped may ask for this ticket.
        drop(former);
    }

    /// When its time is over.
    pub(crate) fn deadline(&self) -> Moment {
        self.inner.deadline
    }

    /// Milliseconds of that limit, 0 for none.
    pub(crate) fn limit_ms(&self) -> u64 {
        self.inner.limit_ms
    }

    /// Stops the job for its deadline, if that is over by `now`; answers when to look again.
    pub(super) fn expire(&self, now: Moment) -> Moment {
        const AGAIN_NS: u64 = 50_000_000;
        if self.inner.deadline > now || self.stop(StopReason::Timeout(self.inner.limit_ms)) {
            return Moment::NEVER;
        }
        Moment(now.0.saturating_add(AGAIN_NS))
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.inner
            .stage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
