//! The threads of a pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};

use aingle_wasm_types::Phase;

use super::lane::{Entry, Lane};
use super::parked::Place;
use super::{Shared, State, Turn};
use crate::error::{ErrorKind, HostError};
use crate::priority::GuestThread;
use crate::stop::{Moment, StopReason};

/// Native stack of a pool thread: host functions and the compiler run there, guests have stacks of their own.
const STACK_BYTES: usize = 8 << 20;

/// How old a reading of a thread's own clock may be, in nanoseconds: each is a system call.
const READING_NS: u64 = 1_000_000;

/// A thread of a pool, as it knows itself.
struct Worker {
    thread: GuestThread,
    /// How long it had a processor until `read`.
    ran: Option<u64>,
    read: Moment,
}

impl Worker {
    fn begin() -> Self {
        let thread = GuestThread::begin();
        Self {
            thread,
            ran: thread.own_ran_ns(),
            read: Moment::now(),
        }
    }

    fn take_place(&mut self, state: &mut State) -> usize {
        let now = Moment::now();
        if now.since(self.read) > READING_NS {
            (self.ran, self.read) = (self.thread.own_ran_ns(), now);
        }
        state.places.take(self.thread, now, self.ran)
    }
}

impl Shared {
    /// How many threads there may be.
    fn most_threads(&self, state: &State) -> usize {
        self.threads + state.places.parked + state.places.given_up
    }

    pub(super) fn may_start_worker(&self, state: &State) -> bool {
        state.live < self.most_threads(state)
    }

    /// Starts a thread. Its priority is that of this thread, so this must not be one of the pool.
    pub(super) fn start_worker(self: &Arc<Self>, state: &mut State) -> Result<(), HostError> {
        let shared = Arc::clone(self);
        let name = format!("aingle-wasm-{}", state.live);
        state.workers.retain(|worker| !worker.is_finished());
        let started = std::thread::Builder::new()
            .name(name)
            .stack_size(STACK_BYTES)
            .spawn(move || shared.work(Worker::begin()));
        match started {
            Ok(worker) => {
                state.workers.push(worker);
                state.live += 1;
            }
            // The threads that are there will come to the job.
            Err(_) if state.live > state.places.parked => {}
            Err(_) => {
                let kind = ErrorKind::OutOfMemory {
                    resource: "a thread",
                    limit: 0,
                    value: 1,
                };
                return Err(HostError::new(Phase::Call, kind));
            }
        }
        Ok(())
    }

    /// Has the watchdog start the threads that ready lanes need. Answers whether it will.
    pub(super) fn call_for_threads(&self) -> bool {
        self.watchdog.bring_relief_forward(Moment::now())
    }

    /// The life of a worker: one job of the next lane, until the pool is closed and nothing waits.
    fn work(self: &Arc<Self>, mut worker: Worker) {
        let mut state = self.lock();
        loop {
            if let Some(lane) = state.ready.pop_front() {
                if !state.ready.is_empty() && state.wake() {
                    self.work.notify_one();
                }
                let lowered;
                (state, lowered) = self.take_turn(state, lane, &mut worker);
                // The next job does not deserve what this one did to the thread.
                if lowered && self.can_spare_one(&mut state) {
                    break;
                }
            } else if state.closed || state.live > self.most_threads(&state) {
                break;
            } else {
                state.idle += 1;
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                state.woken = state.woken.saturating_sub(1);
            }
        }
        state.live -= 1;
    }

    /// Whether others will come to the lanes that are ready if this thread does not.
    fn can_spare_one(&self, state: &mut State) -> bool {
        if state.lacks_threads() {
            return !state.closed && self.call_for_threads();
        }
        if !state.ready.is_empty() && state.wake() {
            self.work.notify_one();
        }
        true
    }

    /// Runs the first job of a lane and puts the lane behind the others if it has more. Answers as well whether the thread's priority was
    /// lowered because of it.
    fn take_turn<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        lane: Lane,
        worker: &mut Worker,
    ) -> (MutexGuard<'a, State>, bool) {
        let entry = lane.lock().jobs.pop_front();
        let mut lowered = false;
        if let Some(Entry { ticket, watched }) = entry {
            let turn = if state.closed {
                Turn::Stopped(StopReason::EngineClosed)
            } else {
                Turn::Run
            };
            let number = worker.take_place(&mut state);
            let relief = self.next_relief(&state);
            drop(state);
            if let Some(at) = relief {
                self.watchdog.bring_relief_forward(at);
            }
            // Nothing is left of a job that was stopped while it waited.
            if let Some(job) = ticket.begin() {
                Place::set_current(self, Some(number));
                // Its panic is the job's own affair and must not take the worker with it.
                let _ = catch_unwind(AssertUnwindSafe(|| job(turn, &ticket)));
                Place::set_current(self, None);
                ticket.finish();
            }
            self.forget(watched);
            drop(ticket);
            state = self.lock();
            lowered = state.places.leave(number);
        }
        let mut queue = lane.lock();
        queue.scheduled = !queue.jobs.is_empty();
        if queue.scheduled {
            drop(queue);
            // Nobody is woken: this thread takes a lane next.
            state.ready.push_back(lane);
        }
        (state, lowered)
    }
}
