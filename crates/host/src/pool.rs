//! The engine's own threads. Jobs of one lane run one after the other in the order they came; lanes take turns.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use aingle_wasm_types::Phase;

use crate::error::{ErrorKind, HostError};

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
    /// The pool was closed first: tell whoever waits, run nothing.
    Cancelled,
}

type Job = Box<dyn FnOnce(Turn) + Send>;

#[derive(Default)]
struct LaneState {
    jobs: VecDeque<Job>,
    /// Whether the lane is among the ready ones or a thread runs one of its jobs.
    scheduled: bool,
}

struct Shared {
    threads: usize,
    queue: usize,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    /// Lanes with a job to run, in the order of their turns.
    ready: VecDeque<Lane>,
    /// Jobs that have not begun, in all lanes.
    waiting: usize,
    running: usize,
    idle: usize,
    workers: Vec<JoinHandle<()>>,
    closed: bool,
}

impl Pool {
    /// A pool of up to `threads` threads, at least 1, and `queue` waiting jobs; with 0 only what can begin at once is
    /// taken. Starts no thread.
    #[must_use]
    pub fn new(threads: usize, queue: usize) -> Self {
        let shared = Shared {
            threads: threads.max(1),
            queue,
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
    /// [`Turn::Run`] on a thread of the pool, or with [`Turn::Cancelled`] on the thread that closes the pool. A job that
    /// panics ends with its panic.
    ///
    /// # Errors
    /// - `ERR_QUEUE_FULL` if as many jobs wait as the pool admits.
    /// - `ERR_ENGINE_CLOSED` if the pool is closed.
    /// - `ERR_OUT_OF_MEMORY` if the machine gives no thread and none is running.
    pub fn submit(
        &self,
        lane: &Lane,
        job: impl FnOnce(Turn) + Send + 'static,
    ) -> Result<(), HostError> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(HostError::engine_closed());
        }
        let mut queue = lane.lock();
        let free = self.shared.threads.saturating_sub(state.running);
        let begins_at_once = !queue.scheduled && state.ready.len() < free;
        // Lanes that a free thread is about to take do not wait.
        if !begins_at_once && state.waiting - state.ready.len().min(free) >= self.shared.queue {
            let limit = self.shared.queue as u64;
            return Err(HostError::new(Phase::Call, ErrorKind::QueueFull { limit }));
        }
        if !queue.scheduled {
            // Idle threads may be on their way to lanes that became ready before this one.
            if state.ready.len() >= state.idle && state.workers.len() < self.shared.threads {
                self.start_worker(&mut state)?;
            }
            queue.scheduled = true;
            state.ready.push_back(lane.clone());
            self.shared.work.notify_one();
        }
        queue.jobs.push_back(Box::new(job));
        state.waiting += 1;
        Ok(())
    }

    /// Jobs that have not begun.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting
    }

    /// Refuses new jobs, cancels those that wait, and returns when those that run are done. Called from a job of this
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
        // A lane that has a job running is not among these; its thread cancels what is left.
        let lanes = std::mem::take(&mut state.ready);
        let jobs: Vec<Job> = lanes
            .iter()
            .flat_map(|lane| std::mem::take(&mut lane.lock().jobs))
            .collect();
        state.waiting -= jobs.len();
        self.shared.work.notify_all();
        drop(state);
        jobs.into_iter().for_each(|job| run(job, Turn::Cancelled));
    }

    fn start_worker(&self, state: &mut State) -> Result<(), HostError> {
        let shared = Arc::clone(&self.shared);
        let name = format!("aingle-wasm-{}", state.workers.len());
        let started = std::thread::Builder::new()
            .name(name)
            .stack_size(STACK_BYTES)
            .spawn(move || shared.work());
        match started {
            Ok(worker) => state.workers.push(worker),
            // The threads that are there will come to the job.
            Err(_) if !state.workers.is_empty() => {}
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
    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker: one job of the next lane, until the pool is closed and nothing waits.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(lane) = state.ready.pop_front() {
                state = self.take_turn(state, lane);
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// Runs the first job of a lane and puts the lane behind the others if it has more.
    fn take_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        lane: Lane,
    ) -> MutexGuard<'a, State> {
        let job = lane.lock().jobs.pop_front();
        if let Some(job) = job {
            state.waiting -= 1;
            let turn = if state.closed {
                Turn::Cancelled
            } else {
                Turn::Run
            };
            state.running += 1;
            drop(state);
            run(job, turn);
            state = self.lock();
            state.running -= 1;
        }
        let mut queue = lane.lock();
        queue.scheduled = !queue.jobs.is_empty();
        if queue.scheduled {
            drop(queue);
            state.ready.push_back(lane);
            self.work.notify_one();
        }
        state
    }
}

/// Runs a job; its panic is the job's own affair and must not take the worker with it.
fn run(job: Job, turn: Turn) {
    let _ = catch_unwind(AssertUnwindSafe(|| job(turn)));
}
