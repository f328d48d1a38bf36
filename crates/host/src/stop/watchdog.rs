//! The thread that stops what passed its deadline, and looks after a pool that has more to run than there are processors. It runs while
//! there is something to watch.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::cell::StopCell;
use super::clock::Moment;
use super::reason::StopReason;
use super::registry::{Due, Registry};
use super::ticket::Ticket;

/// How long the thread stays when nothing has a deadline.
const IDLE: Duration = Duration::from_secs(2);

/// A pool that the watchdog looks after.
pub(crate) trait Relieve: Send + Sync {
    /// Does something for jobs that wait, and answers when to look again.
    fn relieve(self: Arc<Self>, now: Moment) -> Moment;
}

/// One for each engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watchdog {
    inner: Arc<Inner>,
}

struct Inner {
    /// When the thread will look next. A deadline before that has to wake it.
    next: AtomicU64,
    /// Whether it looks, and will read `next` before it sleeps.
    looking: AtomicBool,
    /// When to look after the pool.
    relief: AtomicU64,
    pool: OnceLock<Weak<dyn Relieve>>,
    /// How often it has looked.
    #[cfg(test)]
    looks: AtomicU64,
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
                looking: AtomicBool::new(false),
                relief: AtomicU64::new(Moment::NEVER.0),
                pool: OnceLock::new(),
                #[cfg(test)]
                looks: AtomicU64::new(0),
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

    /// Says which pool is to be looked after; once.
    pub(crate) fn relieves(&self, pool: Weak<impl Relieve + 'static>) {
        let pool: Weak<dyn Relieve> = pool;
        let _ = self.inner.pool.set(pool);
    }

    /// Whether the pool will be looked after.
    pub(crate) fn expects_relief(&self) -> bool {
        self.inner.relief.load(Ordering::SeqCst) != Moment::NEVER.0
    }

    /// Has the pool looked after at that time, or before.
    pub(crate) fn expect_relief(&self, at: Moment) {
        self.inner.relief.fetch_min(at.0, Ordering::SeqCst);
        self.inner.rouse();
    }

    /// As [`Watchdog::expect_relief`] if the thread runs, which it answers: for threads that should not start it, because it would have
    /// their priority.
    pub(crate) fn bring_relief_forward(&self, at: Moment) -> bool {
        let state = self.inner.lock();
        let comes = state.running && !state.closed;
        if comes {
            self.inner.relief.fetch_min(at.0, Ordering::SeqCst);
            self.inner.wake.notify_one();
        }
        comes
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
        let planned = self.next.fetch_min(deadline.0, Ordering::SeqCst);
        if planned > deadline.0 && !self.looking.load(Ordering::SeqCst) {
            self.rouse();
        }
    }

    /// Has the thread plan anew, and starts it if it does not run.
    fn rouse(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
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
            self.next.store(Moment::NEVER.0, Ordering::SeqCst);
            self.relief.store(Moment::NEVER.0, Ordering::SeqCst);
        }
    }

    /// The life of the thread. A deadline that was asked for is looked at when it is over, and not before, whether its call
    /// still runs or not: so calls that end in time, one after the other, cost it one look in all that time.
    fn watch(&self) {
        let mut state = self.lock();
        while !state.closed {
            let now = Moment::now();
            let next = Moment(self.next.load(Ordering::SeqCst));
            if next <= now {
                let due = self.look(&mut state, now);
                if !due.is_empty() {
                    drop(state);
                    self.stop(due, now);
                    state = self.lock();
                }
                continue;
            }
            let relief = Moment(self.relief.load(Ordering::SeqCst));
            if relief <= now {
                drop(state);
                self.relieve(now);
                state = self.lock();
                continue;
            }
            let next = next.min(relief);
            let idle = next == Moment::NEVER;
            let pause = if idle {
                IDLE
            } else {
                Duration::from_nanos(next.since(now))
            };
            let timeout;
            (state, timeout) = self
                .wake
                .wait_timeout(state, pause)
                .unwrap_or_else(PoisonError::into_inner);
            let asked = [&self.next, &self.relief]
                .iter()
                .any(|at| at.load(Ordering::SeqCst) != Moment::NEVER.0);
            if idle && timeout.timed_out() && !asked {
                break;
            }
        }
        state.running = false;
    }

    /// What is due, after which it is planned when to look again.
    fn look(&self, state: &mut State, now: Moment) -> Due {
        #[cfg(test)]
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.looking.store(true, Ordering::SeqCst);
        // First planned, then looked: see `expect`. Whoever asks meanwhile lowers the plan.
        self.next.store(Moment::NEVER.0, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let due = state.registry.due(now);
        self.looking.store(false, Ordering::SeqCst);
        self.next.fetch_min(due.next.0, Ordering::SeqCst);
        due
    }

    /// Looks after the pool. Holds no lock: the pool may come back here.
    fn relieve(&self, now: Moment) {
        // First: who asks from now on may have seen something that the pool does not see any more.
        self.relief.store(Moment::NEVER.0, Ordering::SeqCst);
        if let Some(pool) = self.pool.get().and_then(Weak::upgrade) {
            let again = pool.relieve(now);
            self.relief.fetch_min(again.0, Ordering::SeqCst);
        }
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
                self.next.fetch_min(again.0, Ordering::SeqCst);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(watchdog: &Watchdog) -> u64 {
        watchdog.inner.looks.load(Ordering::Relaxed)
    }

    fn running(watchdog: &Watchdog) -> Arc<StopCell> {
        let cell = Arc::new(StopCell::new());
        watchdog.add_cell(&cell);
        cell
    }

    /// Begins a call whose time is over so many milliseconds from now.
    fn begin(watchdog: &Watchdog, cell: &StopCell, call: u64, limit_ms: u64) {
        let deadline = Moment::after(limit_ms);
        cell.begin(call, deadline, limit_ms);
        watchdog.expect(deadline);
    }

    #[test]
    fn calls_that_end_in_time_are_looked_at_once_in_that_time() {
        let watchdog = Watchdog::new();
        let cell = running(&watchdog);
        for call in 1..=200 {
            begin(&watchdog, &cell, call, 60_000);
            assert_eq!(cell.end(), None);
            thread::sleep(Duration::from_micros(100));
        }
        assert_eq!(looks(&watchdog), 0);
        watchdog.close(true);
    }

    #[test]
    fn a_shorter_limit_is_met_while_a_longer_one_is_waited_for() {
        let watchdog = Watchdog::new();
        let (long, short) = (running(&watchdog), running(&watchdog));
        begin(&watchdog, &long, 1, 60_000);
        for call in 1..=5 {
            begin(&watchdog, &short, call, 5);
            while !short.is_stopping() {
                thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(short.end(), Some(StopReason::Timeout(5)));
        }
        assert!(!long.is_stopping());
        watchdog.close(true);
    }

    #[test]
    fn deadlines_that_are_set_while_it_looks_are_met() {
        let watchdog = Watchdog::new();
        let cells: Vec<_> = (0..1_000).map(|_| running(&watchdog)).collect();
        thread::scope(|scope| {
            for part in cells.chunks(250) {
                let watchdog = &watchdog;
                scope.spawn(move || {
                    for call in 1..=3 {
                        for (wait, cell) in (1..=10).cycle().zip(part) {
                            begin(watchdog, cell, call, wait);
                        }
                        for cell in part {
                            while !cell.is_stopping() {
                                thread::yield_now();
                            }
                            assert!(cell.end().is_some());
                        }
                    }
                });
            }
        });
        watchdog.close(true);
    }
}
