//! The engine's own threads. Jobs of one lane run one after the other in the order they came; lanes take turns.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use aingle_wasm_types::Phase;

use crate::error::{ErrorKind, HostError};
use crate::priority;
use crate::stop::{StopReason, Ticket, Watchdog};

/// Native stack of a pool thread: host functions and the compiler run there, guests have stacks of their own.
const STACK_BYTES: usize = 8 << 20;

/// A bounded pool of threads, started when there is work for them. Cheap to clone; all clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// The queue of one instance. Its jobs never run at the same time.
#[derive(Clone)]
pub struct Lane {
    inner: Arc<Mutex<LaneState>>,
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

/// Threads that may wait in host functions without holding a place in the pool.
const MAX_PARKED: usize = 256;

#[derive(Default)]
struct LaneState {
    jobs: VecDeque<Entry>,
    /// Whether the lane is among the ready ones or a thread runs one of its jobs.
    scheduled: bool,
}

/// A job in its lane.
struct Entry {
    ticket: Ticket,
    /// Where the watchdog has it.
    watched: Option<usize>,
}

struct Shared {
    threads: usize,
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
    /// Jobs that run and do not wait in a host function.
    running: usize,
    /// Jobs that do.
    parked: usize,
    /// Threads, those of them that have nothing to do, and those of these that are on their way to a lane.
    live: usize,
    idle: usize,
    woken: usize,
    workers: Vec<JoinHandle<()>>,
    closed: bool,
}

impl State {
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
        Self::with_watchdog(threads, queue, Watchdog::new())
    }

    pub(crate) fn with_watchdog(threads: usize, queue: usize, watchdog: Watchdog) -> Self {
        let shared = Shared {
            threads: threads.max(1),
            queue,
            watchdog,
            waiting: Arc::default(),
            state: Mutex::default(),
            work: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A new lane.
    #[must_use]
    pub fn lane(&self) -> Lane {
        Lane {
            inner: Arc::default(),
        }
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
        let free = shared.threads.saturating_sub(state.running);
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
            if state.ready.len() >= state.idle && state.live < shared.threads + state.parked {
                self.start_worker(&mut state)?;
            }
            queue.scheduled = true;
            state.ready.push_back(lane.clone());
            // One thread on its way wakes the next when it comes, see `work`.
            wakes = state.woken == 0 && state.wake();
        }
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
        Ok(ticket)
    }

    /// Jobs that have not begun.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Relaxed)
    }

    /// Gives the place of the job that runs on this thread to another one until the guard is dropped: to be called where
    /// a job waits. Beyond 256 such jobs the place is kept.
    #[must_use]
    pub fn park(&self) -> Parked {
        let mut state = self.shared.lock();
        if state.parked >= MAX_PARKED {
            return Parked(None);
        }
        state.parked += 1;
        state.running = state.running.saturating_sub(1);
        if state.ready.len() > state.idle && state.live < self.shared.threads + state.parked {
            // Without a new thread the lanes wait for those that are there.
            let _ = self.start_worker(&mut state);
        }
        Parked(Some(Arc::clone(&self.shared)))
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

    fn start_worker(&self, state: &mut State) -> Result<(), HostError> {
        let shared = Arc::clone(&self.shared);
        let name = format!("aingle-wasm-{}", state.live);
        state.workers.retain(|worker| !worker.is_finished());
        let started = std::thread::Builder::new()
            .name(name)
            .stack_size(STACK_BYTES)
            .spawn(move || {
                priority::give_way();
                shared.work();
            });
        match started {
            Ok(worker) => {
                state.workers.push(worker);
                state.live += 1;
            }
            // The threads that are there will come to the job.
            Err(_) if state.live > state.parked => {}
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

    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The life of a worker: one job of the next lane, until the pool is closed and nothing waits.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(lane) = state.ready.pop_front() {
                if !state.ready.is_empty() && state.wake() {
                    self.work.notify_one();
                }
                state = self.take_turn(state, lane);
            } else if state.closed || state.live > self.threads + state.parked {
                state.live -= 1;
                return;
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
    }

    /// Runs the first job of a lane and puts the lane behind the others if it has more.
    fn take_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        lane: Lane,
    ) -> MutexGuard<'a, State> {
        let entry = lane.lock().jobs.pop_front();
        if let Some(Entry { ticket, watched }) = entry {
            let turn = if state.closed {
                Turn::Stopped(StopReason::EngineClosed)
            } else {
                Turn::Run
            };
            state.running += 1;
            drop(state);
            // Nothing is left of a job that was stopped while it waited.
            if let Some(job) = ticket.begin() {
                // Its panic is the job's own affair and must not take the worker with it.
                let _ = catch_unwind(AssertUnwindSafe(|| job(turn, &ticket)));
                ticket.finish();
            }
            self.forget(watched);
            drop(ticket);
            state = self.lock();
            state.running -= 1;
        }
        let mut queue = lane.lock();
        queue.scheduled = !queue.jobs.is_empty();
        if queue.scheduled {
            drop(queue);
            // Nobody is woken: this thread takes a lane next.
            state.ready.push_back(lane);
        }
        state
    }
}

/// The time in which a job does not hold its place in the pool.
pub struct Parked(Option<Arc<Shared>>);

impl Drop for Parked {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            let mut state = shared.lock();
            state.parked -= 1;
            state.running += 1;
        }
    }
}
