//! Jobs that wait and lend their place to others.

use std::cell::Cell;
use std::sync::Arc;

use super::Shared;

thread_local! {
    /// The pool and the number of the job that runs on this thread.
    static CURRENT: Cell<Option<(*const Shared, usize)>> = const { Cell::new(None) };
}

/// The place of a job in its pool, while the job runs.
pub struct Place {
    shared: Arc<Shared>,
    job: usize,
}

impl Place {
    pub(super) fn current(shared: &Arc<Shared>) -> Option<Self> {
        let (pool, job) = CURRENT.get()?;
        std::ptr::eq(pool, Arc::as_ptr(shared)).then(|| Self {
            shared: Arc::clone(shared),
            job,
        })
    }

    /// Says which job runs on this thread from now on.
    pub(super) fn set_current(shared: &Arc<Shared>, job: Option<usize>) {
        CURRENT.set(job.map(|job| (Arc::as_ptr(shared), job)));
    }

    /// Gives the place to another job until the guard is dropped, which must be before the job ends: to be called where the job waits.
    /// `None` if 256 jobs wait without theirs; then it is kept.
    #[must_use]
    pub fn park(self) -> Option<Parked> {
        let mut state = self.shared.lock();
        if !state.places.park(self.job) {
            return None;
        }
        let lacks_threads = state.lacks_threads() && self.shared.may_start_worker(&state);
        if lacks_threads && !self.shared.call_for_threads() {
            // One of a low priority is better than none.
            let _ = self.shared.start_worker(&mut state);
        }
        drop(state);
        Some(Parked(self))
    }
}

/// The time in which a job does not hold its place in the pool.
pub struct Parked(Place);

impl Drop for Parked {
    fn drop(&mut self) {
        let Place { shared, job } = &self.0;
        let mut state = shared.lock();
        state.places.unpark(*job);
        let relief = shared.next_relief(&state);
        drop(state);
        if let Some(at) = relief {
            shared.watchdog.bring_relief_forward(at);
        }
    }
}
