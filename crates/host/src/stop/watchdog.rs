//! The thread that stops what passed its deadline. It runs while there is something to watch.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::cell::StopCell;
use super::clock::Moment;
use super::reason::StopReason;
use super::registry::{Due, Registry};
use super::ticket::Ticket;

/// How long the thread stays when nothing has a deadline.
const IDLE: Duration = Duration::from_secs(2);

/// One for each engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watchdog {
    inner: Arc<Inner>,
}

struct Inner {
    /// When the thread will look next. A deadline before that has to wake it.
    next: AtomicU64,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    registry: Registry,
    thread: Option<JoinHandle<()>>,
    running: bool,
    closed: bool,
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        let state = State {
            registry: Registry::new(),
            thread: None,
            running: false,
            closed: false,
        };
        Self {
            inner: Arc::new(Inner {
                next: AtomicU64::new(Moment::NEVER.0),
                state: Mutex::new(state),
                wake: Condvar::new(),
            }),
        }
    }

    /// Watches the calls of an instance, as long as it lives.
    pub(crate) fn add_cell(&self, cell: &Arc<StopCell>) {
        self.inner.lock().registry.add_cell(cell);
    }

    /// Makes sure that a deadline which was just set is seen in time. To be called behind a sequentially consistent fence,
    /// which pairs with that of the thread: of a deadline that is set and a look that is planned, one sees the other.
    #[inline]
    pub(crate) fn expect(&self, deadline: Moment) {
        if deadline.0 < self.inner.next.load(Ordering::Relaxed) {
            self.inner.hurry(deadline);
        }
    }

    /// Watches a job until [`Watchdog::remove`]; `None` if it has no deadline.
    pub(crate) fn add(&self, ticket: &Ticket) -> Option<usize> {
        let deadline = ticket.deadline();
        if deadline == Moment::NEVER {
            return None;
        }
        let place = self.inner.lock().registry.add(ticket.clone());
        fence(Ordering::SeqCst);
        self.expect(deadline);
        Some(place)
    }

    pub(crate) fn remove(&self, place: usize) {
        let ticket = self.inner.lock().registry.remove(place);
        drop(ticket);
    }

    /// Stops every call that runs or will.
    pub(crate) fn close_cells(&self, reason: StopReason) {
        let cells = self.inner.lock().registry.cells();
        for cell in cells {
            cell.close(reason);
        }
    }

    /// Ends the thread. With `wait`, returns when it has ended.
    pub(crate) fn close(&self, wait: bool) {
        let mut state = self.inner.lock();
        state.closed = true;
        let thread = state.thread.take();
        drop(state);
        self.inner.wake.notify_all();
        let own = thread::current().id();
        if let Some(thread) = thread.filter(|thread| wait && thread.thread().id() != own) {
            // It cannot have panicked: what it calls catches its own panics.
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn hurry(self: &Arc<Self>, deadline: Moment) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        self.next.fetch_min(deadline.0, Ordering::Relaxed);
        if state.running {
            self.wake.notify_one();
            return;
        }
        let inner = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("aingle-wasm-watchdog".to_owned())
            .spawn(move || inner.watch());
        if let Ok(thread) = spawned {
            state.running = true;
            state.thread = Some(thread);
        } else {
            // The next deadline tries again.
            self.next.store(Moment::NEVER.0, Ordering::Relaxed);
        }
    }

    /// The life of the thread.
    fn watch(&self) {
        let mut state = self.lock();
        while !state.closed {
            // First planned, then looked: see `expect`.
            self.next.store(Moment::NEVER.0, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            let now = Moment::now();
            let due = state.registry.due(now);
            if !due.is_empty() {
                drop(state);
                self.stop(due, now);
                state = self.lock();
                continue;
            }
            self.next.store(due.next.0, Ordering::Relaxed);
            let idle = due.next == Moment::NEVER;
            let pause = if idle {
                IDLE
            } else {
                Duration::from_nanos(due.next.since(now))
            };
            let timeout;
            (state, timeout) = self
                .wake
                .wait_timeout(state, pause)
                .unwrap_or_else(PoisonError::into_inner);
            let asked = self.next.load(Ordering::Relaxed) != Moment::NEVER.0;
            if idle && timeout.timed_out() && !asked {
                break;
            }
        }
        state.running = false;
    }

    /// Stops what is due. Holds no lock: what ends because of it may come back here.
    fn stop(&self, due: Due, now: Moment) {
        for cell in due.cells {
            cell.expire(now);
        }
        for (place, ticket) in due.tickets {
            let again = ticket.expire(now);
            if again != Moment::NEVER {
                self.lock().registry.look_again(place, again);
            }
        }
    }
}
