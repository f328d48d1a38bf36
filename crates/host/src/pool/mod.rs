//! The engine's own threads. Jobs of one lane run one after the other in the order they came; lanes take turns.

mod lane;
mod parked;
mod places;
mod relief;
mod worker;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use aingle_wasm_types::Phase;

pub use lane::Lane;
pub use parked::{Parked, Place};

use crate::config::cores;
use crate::error::{ErrorKind, HostError};
use crate::stop::{StopReason, Ticket, Watchdog};
use lane::Entry;
use places::Places;

/// A bounded pool of threads, started when there is work for them. Cheap to clone; all clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is the job's turn: run it.
    Run,
    /// It was stopped before: tell whoever waits, run nothing.
    Stopped(StopReason),
}

pub(crate) type Job = Box<dyn FnOnce(Turn, &Ticket) + Send>;

struct Shared {
    /// Places for jobs.
    threads: usize,
    /// Whether a job that takes long gives its place to one that waits.
    relieved: bool,
    queue: usize,
    watchdog: Watchdog,
    /// Jobs that have not begun, in all lanes.
    waiting: Arc<AtomicUsize>,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    /// Lanes with a job to run, in the order of their turns.
    ready: VecDeque<Lane>,
    places: Places,
    /// Threads, those of them that have nothing to do, and those of these that are on their way to a lane.
    live: usize,
    idle: usize,
    woken: usize,
    workers: Vec<JoinHandle<()>>,
    closed: bool,
}

impl State {
    /// Whether another thread would have work to do.
    fn lacks_threads(&self) -> bool {
        self.ready.len() > self.idle
    }

    /// Counts one of the idle threads as woken; whether there is one, who must then be notified.
    fn wake(&mut self) -> bool {
        let sleeps = self.idle > self.woken;
        self.woken += usize::from(sleeps);
        sleeps
    }
}

impl Pool {
    /// A pool of up to `threads` threads, at least 1, and `queue` waiting jobs; with 0 only what can begin at once is
    /// taken. Starts no thread.
    #[must_use]
    pub fn new(threads: usize, queue: usize) -> Self {
        Self::with_watchdog(threads.max(1), queue, Watchdog::new())
    }

    /// As [`Pool::new`]; 0 threads are as many as there are processors, and jobs that take long do not count among them
    /// while others wait.
    pub(crate) fn with_watchdog(threads: usize, queue: usize, watchdog: Watchdog) -> Self {
        let shared = Arc::new(Shared {
            threads: if threads == 0 { cores() } else { threads },
            relieved: threads == 0,
            queue,
            watchdog,
            waiting: Arc::default(),
            state: Mutex::default(),
            work: Condvar::new(),
        });
        let relieved: Weak<Shared> = Arc::downgrade(&shared);
        shared.watchdog.relieves(relieved);
        Self { shared }
    }

    /// A new lane.
    #[must_use]
    pub fn lane(&self) -> Lane {
        Lane::default()
    }

    /// Queues a job behind the others of its lane. It is called exactly once unless this function fails: with
    /// [`Turn::Run`] on a thread of the pool, or with [`Turn::Stopped`] on the thread that stops it or closes the pool.
    /// A job that panics ends with its panic.
    ///
    /// # Errors
    /// - `ERR_QUEUE_FULL` if as many jobs wait as the pool admits.
    /// - `ERR_ENGINE_CLOSED` if the pool is closed.
    /// - `ERR_OUT_OF_MEMORY` if the machine gives no thread and none is running.
    pub fn submit(
        &self,
        lane: &Lane,
        job: impl FnOnce(Turn) + Send + 'static,
    ) -> Result<Ticket, HostError> {
        self.submit_within(lane, None, move |turn, _| job(turn))
    }

    /// As [`Pool::submit`], stopping the job when `limit_ms` milliseconds are over, its wait included. The job gets its
    /// ticket, to say what a stop is to reach while it runs.
    ///
    /// # Errors
    /// - As [`Pool::submit`].
    pub fn submit_within(
        &self,
        lane: &Lane,
        limit_ms: Option<u64>,
        job: impl FnOnce(Turn, &Ticket) + Send + 'static,
    ) -> Result<Ticket, HostError> {
        let shared = &*self.shared;
        // Whatever needs no lock is done before one is held: threads that end their jobs wait for it.
        let ticket = Ticket::new(limit_ms, Arc::clone(&shared.waiting), Box::new(job));
        let mut state = shared.lock();
        if state.closed {
            return Err(HostError::engine_closed());
        }
        let mut queue = lane.lock();
        let free = shared.threads.saturating_sub(state.places.held);
        let begins_at_once = !queue.scheduled && state.ready.len() < free;
        let waiting = shared.waiting.load(Relaxed);
        // Lanes that a free thread is about to take do not wait.
        if !begins_at_once && waiting - state.ready.len().min(free).min(waiting) >= shared.queue {
            let limit = shared.queue as u64;
            return Err(HostError::new(Phase::Call, ErrorKind::QueueFull { limit }));
        }
        let mut wakes = false;
        if !queue.scheduled {
            // Idle threads may be on their way to lanes that became ready before this one.
            if state.ready.len() >= state.idle && shared.may_start_worker(&state) {
                self.shared.start_worker(&mut state)?;
            }
            queue.scheduled = true;
            state.ready.push_back(lane.clone());
            // One thread on its way wakes the next when it comes, see `work`.
            wakes = state.woken == 0 && state.wake();
        }
        let relief = shared.next_relief(&state);
        shared.waiting.fetch_add(1, Relaxed);
        // A thread that comes to the lane now waits for its lock.
        drop(state);
        let watched = shared.watchdog.add(&ticket);
        queue.jobs.push_back(Entry {
            ticket: ticket.clone(),
            watched,
        });
        drop(queue);
        if wakes {
            shared.work.notify_one();
        }
        if let Some(at) = relief {
            shared.watchdog.expect_relief(at);
        }
        Ok(ticket)
    }

    /// Jobs that have not begun.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Relaxed)
    }

    /// The place of the job that runs on this thread, if it is one of this pool.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Place::current(&self.shared)
    }

    /// Refuses new jobs, stops those that wait, and returns when those that run are done. Called from a job of this
    /// pool it does not wait for that job.
    pub fn close(&self) {
        self.stop();
        let own = std::thread::current().id();
        let workers = std::mem::take(&mut self.shared.lock().workers);
        for worker in workers
            .into_iter()
            .filter(|worker| worker.thread().id() != own)
        {
            // A worker cannot have panicked: it catches the panics of its jobs.
            let _ = worker.join();
        }
    }

    /// As [`Pool::close`] without waiting: the threads end by themselves after what they run.
    pub(crate) fn stop(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        // A lane that has a job running is not among these; its thread stops what is left.
        let lanes = std::mem::take(&mut state.ready);
        let entries: Vec<Entry> = lanes
            .iter()
            .flat_map(|lane| std::mem::take(&mut lane.lock().jobs))
            .collect();
        self.shared.work.notify_all();
        drop(state);
        for Entry { ticket, watched } in entries {
            ticket.stop(StopReason::EngineClosed);
            self.shared.forget(watched);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, watched: Option<usize>) {
        if let Some(place) = watched {
            self.watchdog.remove(place);
        }
    }
}
