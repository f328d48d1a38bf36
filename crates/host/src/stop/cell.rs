//! The stop of one instance: which call runs, whether it is to end, and how it learns of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::Moment;
use super::reason::StopReason;

/// Makes a running guest stop at its next check, or no longer. Used from any thread while its instance lives.
pub(crate) trait StopSwitch: Send {
    fn set(&self, stop: bool);
}

/// Wakes a host function that waits. May be called at any time and more than once.
pub(crate) type Waker = Arc<dyn Fn() + Send + Sync>;

/// Every call has a number, and a stop is meant for one call: what comes too late hits nothing.
pub(crate) struct StopCell {
    /// 0 while no call runs, else twice its number, and 1 more once it is to stop.
    state: AtomicU64,
    /// When the running call is to be stopped, as a [`Moment`].
    deadline: AtomicU64,
    /// Milliseconds of that limit, for the error.
    limit_ms: AtomicU64,
    /// Whether every call is to stop that begins from now on; why is in `inner`.
    closed: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    switch: Option<Box<dyn StopSwitch>>,
    reason: Option<StopReason>,
    waker: Option<Waker>,
    closed_by: Option<StopReason>,
}

impl StopCell {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU64::new(0),
            deadline: AtomicU64::new(Moment::NEVER.0),
            limit_ms: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            inner: Mutex::default(),
        }
    }

    /// Gives the cell the way to stop its guest; `None` before the guest goes.
    pub(crate) fn connect(&self, switch: Option<Box<dyn StopSwitch>>) {
        self.lock().switch = switch;
    }

    /// Begins a call. Its number must be above that of the call before.
    pub(crate) fn begin(&self, call: u64, deadline: Moment, limit_ms: u64) {
        // Before the state: who sees the call sees its deadline.
        self.limit_ms.store(limit_ms, Ordering::Relaxed);
        self.deadline.store(deadline.0, Ordering::Relaxed);
        self.state.store(call << 1, Ordering::Release);
        // Of this call and whoever closes the cell or plans when to look at deadlines, one sees the other.
        fence(Ordering::SeqCst);
        if self.closed.load(Ordering::Relaxed) {
            self.stop_closed(call);
        }
    }

    #[cold]
    fn stop_closed(&self, call: u64) {
        let reason = self.lock().closed_by;
        self.stop(Some(call), reason.unwrap_or(StopReason::InstanceClosed));
    }

    /// Stops the call that runs and all that begin from now on.
    pub(crate) fn close(&self, reason: StopReason) {
        self.lock().closed_by.get_or_insert(reason);
        self.closed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.stop(None, reason);
    }

    /// Whether it was closed: no call of it needs a deadline any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Ends the running call, and says why it was to stop if it was.
    pub(crate) fn end(&self) -> Option<StopReason> {
        let state = self.state.swap(0, Ordering::AcqRel);
        if state & 1 == 0 { None } else { self.settle() }
    }

    #[cold]
    fn settle(&self) -> Option<StopReason> {
        // Whoever asked for the stop holds the lock until it has thrown the switch.
        let mut inner = self.lock();
        if let Some(switch) = &inner.switch {
            switch.set(false);
        }
        inner.waker = None;
        inner.reason.take()
    }

    /// Whether the running call is to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state.load(Ordering::Acquire) & 1 == 1
    }

    /// Why the running call is to stop.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        if self.is_stopping() {
            self.lock().reason
        } else {
            None
        }
    }

    /// As [`StopCell::reason`], looking at the clock as well: what the thread of the call cannot wait for the watchdog to say.
    pub(crate) fn reason_now(&self) -> Option<StopReason> {
        if Moment(self.deadline.load(Ordering::Relaxed)).is_over() {
            self.expire(Moment::now());
        }
        self.reason()
    }

    /// Stops a call, or whichever is running. False if that call does not run, or is stopping already.
    pub(crate) fn stop(&self, call: Option<u64>, reason: StopReason) -> bool {
        let mut inner = self.lock();
        let running = self.state.load(Ordering::Acquire);
        let meant =
            running != 0 && running & 1 == 0 && call.is_none_or(|call| running == call << 1);
        let swapped = meant
            && self
                .state
                .compare_exchange(running, running | 1, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if !swapped {
            return false;
        }
        inner.reason = Some(reason);
        if let Some(switch) = &inner.switch {
            switch.set(true);
        }
        let waker = inner.waker.clone();
        drop(inner);
        if let Some(wake) = waker {
            wake();
        }
        true
    }

    /// When the running call is to be stopped; `None` if that is now.
    pub(super) fn due(&self, now: Moment) -> Option<Moment> {
        let state = self.state.load(Ordering::Acquire);
        let deadline = Moment(self.deadline.load(Ordering::Relaxed));
        if state == 0 || state & 1 == 1 {
            Some(Moment::NEVER)
        } else {
            (deadline > now).then_some(deadline)
        }
    }

    /// Stops the running call if its time is over.
    pub(super) fn expire(&self, now: Moment) {
        let call = self.state.load(Ordering::Acquire) >> 1;
        if self.due(now).is_none() {
            let limit = self.limit_ms.load(Ordering::Relaxed);
            self.stop(Some(call), StopReason::Timeout(limit));
        }
    }

    /// Has a host function that waits woken when the call is to stop; at once if it is already. `None` ends that.
    pub(crate) fn set_waker(&self, waker: Option<Waker>) {
        let mut inner = self.lock();
        inner.waker.clone_from(&waker);
        let stopping = self.is_stopping();
        drop(inner);
        if let (true, Some(wake)) = (stopping, waker) {
            wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Switch(Arc<AtomicU64>);

    impl StopSwitch for Switch {
        fn set(&self, stop: bool) {
            self.0.store(stop.into(), Ordering::SeqCst);
        }
    }

    fn cell() -> (StopCell, Arc<AtomicU64>) {
        let (cell, switch) = (StopCell::new(), Arc::new(AtomicU64::new(0)));
        cell.connect(Some(Box::new(Switch(Arc::clone(&switch)))));
        (cell, switch)
    }

    #[test]
    fn a_stop_hits_the_call_that_it_is_meant_for_once() {
        let (cell, switch) = cell();
        assert!(!cell.stop(None, StopReason::Aborted));
        cell.begin(7, Moment::NEVER, 0);
        assert!(!cell.stop(Some(6), StopReason::Aborted));
        assert!(cell.stop(Some(7), StopReason::Aborted));
        assert!(!cell.stop(Some(7), StopReason::InstanceClosed));
        assert!(cell.is_stopping());
        assert_eq!(switch.load(Ordering::SeqCst), 1);
        assert_eq!(cell.end(), Some(StopReason::Aborted));
        assert_eq!(switch.load(Ordering::SeqCst), 0);
        cell.begin(8, Moment::NEVER, 0);
        assert!(!cell.stop(Some(7), StopReason::Aborted));
        assert_eq!(cell.end(), None);
    }

    #[test]
    fn a_closed_cell_stops_every_call() {
        let (cell, _) = cell();
        cell.begin(1, Moment::NEVER, 0);
        cell.close(StopReason::EngineClosed);
        cell.close(StopReason::InstanceClosed);
        assert_eq!(cell.end(), Some(StopReason::EngineClosed));
        cell.begin(2, Moment::NEVER, 0);
        assert!(cell.is_stopping());
        assert_eq!(cell.end(), Some(StopReason::EngineClosed));
    }

    #[test]
    fn a_deadline_stops_the_call_that_has_it() {
        let (cell, _) = cell();
        cell.begin(1, Moment(50), 3);
        assert_eq!(cell.due(Moment(49)), Some(Moment(50)));
        assert_eq!(cell.due(Moment(50)), None);
        cell.expire(Moment(50));
        assert_eq!(cell.due(Moment(51)), Some(Moment::NEVER));
        assert_eq!(cell.end(), Some(StopReason::Timeout(3)));
        assert_eq!(cell.due(Moment(60)), Some(Moment::NEVER));
    }

    #[test]
    fn a_deadline_that_no_thread_watches_is_seen_by_who_asks() {
        let (cell, switch) = cell();
        cell.begin(1, Moment::NEVER, 0);
        assert_eq!(cell.reason_now(), None);
        cell.begin(2, Moment::after(60_000), 60_000);
        assert_eq!(cell.reason_now(), None);
        cell.begin(3, Moment::now(), 3);
        assert_eq!(cell.reason(), None);
        assert_eq!(cell.reason_now(), Some(StopReason::Timeout(3)));
        assert_eq!(switch.load(Ordering::SeqCst), 1);
        assert_eq!(cell.end(), Some(StopReason::Timeout(3)));
    }

    #[test]
    fn a_waker_that_comes_late_is_called_at_once() {
        let (cell, _) = cell();
        let woken = Arc::new(AtomicU64::new(0));
        let wake = |count: &Arc<AtomicU64>| -> Waker {
            let count = Arc::clone(count);
            Arc::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
            })
        };
        cell.begin(1, Moment::NEVER, 0);
        cell.set_waker(Some(wake(&woken)));
        assert!(cell.stop(None, StopReason::EngineClosed));
        cell.set_waker(Some(wake(&woken)));
        assert_eq!(woken.load(Ordering::SeqCst), 2);
    }
}
