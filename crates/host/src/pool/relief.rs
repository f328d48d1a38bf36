//! What is done about jobs that take long while others want a processor: they give way, and where the pool may grow their place as well.

use std::sync::Arc;

use super::{Shared, State};
use crate::config::cores;
use crate::stop::{Moment, Relieve};

/// How often the watchdog looks at a pool in which more want to run than there are processors, in nanoseconds.
const AGAIN_NS: u64 = 10_000_000;

impl Shared {
    /// When jobs will have run long while others want a processor, unless the watchdog looks before anyway.
    pub(super) fn next_relief(&self, state: &State) -> Option<Moment> {
        let wanted = self.is_crowded(state) && !self.watchdog.expects_relief();
        wanted.then(|| state.places.next_long())
    }

    /// Whether jobs that hold a place, or will at once, might have to give way to others or give it up.
    fn is_crowded(&self, state: &State) -> bool {
        let places = &state.places;
        let coming = if self.relieved {
            state.ready.len()
        } else {
            let free = self.threads.saturating_sub(places.held);
            state.ready.len().min(free)
        };
        let holding = places.held + coming;
        holding > 0 && holding + places.given_up > cores()
    }
}

impl Relieve for Shared {
    fn relieve(self: Arc<Self>, now: Moment) -> Moment {
        let mut state = self.lock();
        if state.closed {
            return Moment::NEVER;
        }
        if self.is_crowded(&state) {
            state.places.give_way(now);
            if self.relieved && !state.ready.is_empty() {
                state.places.give_up();
            }
        }
        let wanted = state.ready.len().saturating_sub(state.idle);
        for _ in 0..wanted {
            // Without a thread the lanes wait for those that are there, or for the next look.
            if !self.may_start_worker(&state) || self.start_worker(&mut state).is_err() {
                break;
            }
        }
        if self.is_crowded(&state) || state.lacks_threads() {
            Moment(now.0.saturating_add(AGAIN_NS))
        } else {
            Moment::NEVER
        }
    }
}
