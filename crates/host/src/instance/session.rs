//! What a call shares with the host functions that it reaches.
//!
//! One thread at a time uses a guest, so every cell here is written without contention; they are atomics and locks only
//! because host functions must be shareable between threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use aingle_wasm_types::meter::MAX_FUEL;
use aingle_wasm_types::{ErrorCode, Phase};

use super::convention::Convention;
use super::outcome;
use super::slices::{SliceOptions, Slices};
use super::state::{InstanceState, StateCell};
use crate::backend::{Frame, FunctionId, Guest, Stopped};
use crate::engine::WasmEngine;
use crate::error::{ErrorKind, GuestError, HostError, TrapFrame};
use crate::limits::{InstanceLimits, MAX_NESTING, pages};
use crate::module::Origin;
use crate::stop::{Moment, StopCell, StopReason, Stoppable, Ticket, TimeLimit};
use crate::value::Slot;

pub(crate) struct Session {
    /// Stops the running call from outside.
    pub(crate) stop: Arc<StopCell>,
    pub(super) state: StateCell,
    pub(super) limits: SessionLimits,
    origin: Origin,
    pub(super) convention: OnceLock<Convention>,
    /// The exported functions of bytes, for calls from host functions.
    pub(super) exports: OnceLock<HashMap<String, FunctionId>>,
    timed: AtomicBool,
    fuel_limit: AtomicU64,
    /// Fuel of the call that the guest was not given yet; 0 unless it runs in slices.
    reserve: AtomicU64,
    slices: Mutex<Option<Slices>>,
    host_calls: AtomicU64,
    host_ns: AtomicU64,
    nesting: AtomicU32,
    failure: Mutex<Option<HostError>>,
    panic: Mutex<Option<GuestError>>,
    /// Whether `panic` holds something, so that calls without a panic need not lock.
    panicked: AtomicBool,
}

/// The limits of one instance, resolved.
pub(crate) struct SessionLimits {
    pub(crate) memory_pages: u32,
    pub(crate) table_elements: u32,
    pub(crate) call_depth: u32,
    pub(crate) output_bytes: usize,
    pub(crate) host_calls: u64,
}

impl From<&InstanceLimits> for SessionLimits {
    fn from(limits: &InstanceLimits) -> Self {
        let output_bytes = limits.output_bytes.unwrap_or(u64::MAX);
        Self {
            memory_pages: pages(limits.memory_bytes.unwrap_or(0)),
            table_elements: limits.table_elements.unwrap_or(0),
            call_depth: limits.call_depth.unwrap_or(1),
            output_bytes: usize::try_from(output_bytes).unwrap_or(usize::MAX),
            host_calls: limits.host_calls.unwrap_or(u64::MAX),
        }
    }
}

/// What a finished call did in the host.
pub(super) struct HostShare {
    pub(super) calls: u64,
    pub(super) ns: u64,
}

impl Session {
    pub(super) fn new(limits: SessionLimits, origin: Origin) -> Self {
        Self {
            stop: Arc::new(StopCell::new()),
            state: StateCell::new(),
            limits,
            origin,
            convention: OnceLock::new(),
            exports: OnceLock::new(),
            timed: AtomicBool::new(false),
            fuel_limit: AtomicU64::new(0),
            reserve: AtomicU64::new(0),
            slices: Mutex::new(None),
            host_calls: AtomicU64::new(0),
            host_ns: AtomicU64::new(0),
            nesting: AtomicU32::new(0),
            failure: Mutex::new(None),
            panic: Mutex::new(None),
            panicked: AtomicBool::new(false),
        }
    }

    /// The frames that are the author's functions.
    pub(super) fn authors(&self, frames: Vec<Frame>) -> Vec<TrapFrame> {
        let own = frames
            .into_iter()
            .filter(|frame| frame.function < self.origin.functions());
        own.map(
            |Frame {
                 function,
                 name,
                 offset,
             }| TrapFrame::new(function, name, offset, self.origin.clone()),
        )
        .collect()
    }

    /// Begins a call from outside.
    pub(super) fn begin(&self, fuel: u64, timed: bool) {
        self.state.set(InstanceState::Running);
        self.timed.store(timed, Relaxed);
        self.fuel_limit.store(fuel, Relaxed);
        self.host_calls.store(0, Relaxed);
        self.host_ns.store(0, Relaxed);
        self.nesting.store(1, Relaxed);
        if self.panicked.load(Relaxed) {
            // A guest reported a panic and returned all the same: the report is not about this call.
            drop(self.take_panic());
        }
    }

    /// Lets the call that has just begun be stopped: by its time limit, or through the ticket of its job, which has one
    /// of its own that is watched already.
    #[inline]
    pub(super) fn watch(
        &self,
        call: u64,
        engine: &WasmEngine,
        time: TimeLimit,
        ticket: Option<&Ticket>,
    ) {
        let Some(ticket) = ticket else {
            let limit = time.resolve(engine.config().timeout_ms);
            let deadline = limit.map_or(Moment::NEVER, Moment::after);
            self.stop.begin(call, deadline, limit.unwrap_or_default());
            return engine.watchdog().expect(deadline);
        };
        self.stop.begin(call, ticket.deadline(), ticket.limit_ms());
        let cell = Arc::clone(&self.stop);
        ticket.running(Arc::new(RunningCall { cell, call }));
    }

    pub(super) fn host_share(&self) -> HostShare {
        HostShare {
            calls: self.host_calls.load(Relaxed),
            ns: self.host_ns.load(Relaxed),
        }
    }

    /// Fuel that the running call began with.
    pub(crate) fn fuel_limit(&self) -> u64 {
        self.fuel_limit.load(Relaxed)
    }

    /// Fuel left of the call, given what the guest has left; negative if a host charged more than there was.
    pub(crate) fn left(&self, of_guest: i64) -> i64 {
        of_guest + self.reserve.load(Relaxed).cast_signed()
    }

    /// Has the call that begins run in slices, and answers the fuel of the first one.
    #[cold]
    pub(super) fn begin_slices(&self, options: SliceOptions) -> u64 {
        let limit = self.fuel_limit();
        let first = options.fuel.clamp(1, limit);
        self.set_reserve(limit - first);
        *self.lock_slices() = Some(Slices { options, count: 0 });
        first
    }

    /// Ends what [`Session::begin_slices`] began.
    #[cold]
    pub(super) fn end_slices(&self) {
        self.set_reserve(0);
        drop(self.lock_slices().take());
    }

    pub(super) fn lock_slices(&self) -> MutexGuard<'_, Option<Slices>> {
        self.slices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_reserve(&self, reserve: u64) {
        self.reserve.store(reserve, Relaxed);
    }

    /// Adds to the call's fuel, up to the largest limit there is, and answers the reserve.
    pub(super) fn raise_limit(&self, more: u64) -> u64 {
        let limit = self.fuel_limit();
        let more = more.min(MAX_FUEL - limit);
        self.fuel_limit.store(limit + more, Relaxed);
        self.reserve.load(Relaxed) + more
    }

    pub(crate) fn memory_pages_limit(&self) -> u32 {
        self.limits.memory_pages
    }

    /// The convention of byte calls; `None` before the guest's first step.
    pub(crate) fn convention(&self) -> Option<&Convention> {
        self.convention.get()
    }

    /// Lowers the guest's fuel.
    pub(crate) fn charge(&self, guest: &mut dyn Guest, fuel: u64) -> Result<(), HostError> {
        // Both are at most 2^62 in size, so the difference cannot wrap; more would not make the guest stop sooner.
        let left = guest.fuel() - fuel.min(MAX_FUEL).cast_signed();
        let reserve = self.reserve.load(Relaxed);
        let taken = left.min(0).unsigned_abs().min(reserve);
        self.set_reserve(reserve - taken);
        let left = left + taken.cast_signed();
        guest.set_fuel(left.max(-1));
        if left < 0 {
            Err(outcome::fuel_exhausted(Phase::Host, self.fuel_limit()))
        } else {
            Ok(())
        }
    }

    /// Notes why the guest has to be stopped; of several reasons the first counts.
    #[cold]
    pub(crate) fn stop_call(&self, reason: HostError) -> Stopped {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(reason);
        Stopped
    }

    pub(super) fn take_failure(&self) -> Option<HostError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Notes a guest's panic for the trap that follows.
    pub(crate) fn report_panic(&self, error: GuestError) {
        *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.panicked.store(true, Relaxed);
    }

    pub(super) fn take_panic(&self) -> Option<GuestError> {
        self.panicked.store(false, Relaxed);
        self.panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Runs a host function of the user: counts it, charges it, times it, catches its panic.
    pub(crate) fn host_call<R>(
        &self,
        guest: &mut dyn Guest,
        cost: u64,
        body: impl FnOnce(&mut dyn Guest) -> Result<R, HostError>,
    ) -> Result<R, Stopped> {
        self.count_host_call()
            .map_err(|error| self.stop_call(error))?;
        if cost > 0 {
            self.charge(guest, cost)
                .map_err(|error| self.stop_call(error))?;
        }
        let result = outcome::caught(|| self.in_host(guest, body));
        if let Some(reason) = self.stop.reason_now() {
            return Err(self.stop_call(reason.into_error(Phase::Host)));
        }
        if self.left(guest.fuel()) < 0 {
            return Err(self.stop_call(outcome::fuel_exhausted(Phase::Host, self.fuel_limit())));
        }
        result.map_err(|error| self.stop_call(error))
    }

    /// Runs what the host does while the guest waits, and counts its time.
    pub(super) fn in_host<R>(
        &self,
        guest: &mut dyn Guest,
        body: impl FnOnce(&mut dyn Guest) -> R,
    ) -> R {
        let visit = HostVisit {
            session: self,
            started: self.timed.load(Relaxed).then(Instant::now),
        };
        self.state.set(InstanceState::Host);
        let result = body(guest);
        drop(visit);
        result
    }

    fn count_host_call(&self) -> Result<(), HostError> {
        let calls = self.host_calls.load(Relaxed).saturating_add(1);
        if calls > self.limits.host_calls {
            return Err(outcome::over_limit(
                Phase::Host,
                ErrorCode::HostCallLimit,
                self.limits.host_calls,
                calls,
            ));
        }
        self.host_calls.store(calls, Relaxed);
        Ok(())
    }

    /// Calls a function of the waiting guest from a host function.
    pub(crate) fn nested_call(
        &self,
        guest: &mut dyn Guest,
        function: FunctionId,
        slots: &mut [Slot],
    ) -> Result<(), HostError> {
        // The innermost guest that is allowed must still be able to have its reply.
        self.nested(guest, MAX_NESTING + 1, |guest| guest.call(function, slots))?
            .map_err(|how| outcome::explain(guest, self, how, self.stop.reason(), Phase::Call))
    }

    /// Lets the waiting guest run, one level deeper, up to this level.
    ///
    /// # Errors
    /// - `ERR_CALL_DEPTH`; nothing has run then.
    pub(super) fn nested<R>(
        &self,
        guest: &mut dyn Guest,
        deepest: u32,
        run: impl FnOnce(&mut dyn Guest) -> R,
    ) -> Result<R, HostError> {
        self.check_nesting(deepest)?;
        let nesting = self.nesting.load(Relaxed) + 1;
        let state = self.state.get();
        self.nesting.store(nesting, Relaxed);
        self.state.set(InstanceState::Running);
        let result = run(guest);
        self.state.set(state);
        self.nesting.store(nesting - 1, Relaxed);
        Ok(result)
    }

    /// Whether a guest may run one level deeper.
    pub(super) fn check_nesting(&self, deepest: u32) -> Result<(), HostError> {
        let nesting = self.nesting.load(Relaxed) + 1;
        if nesting > deepest {
            return Err(outcome::over_limit(
                Phase::Host,
                ErrorCode::CallDepth,
                MAX_NESTING.into(),
                nesting.into(),
            ));
        }
        Ok(())
    }
}

/// One call, for who wants to stop it.
struct RunningCall {
    cell: Arc<StopCell>,
    call: u64,
}

impl Stoppable for RunningCall {
    fn stop(&self, reason: StopReason) -> bool {
        self.cell.stop(Some(self.call), reason);
        true
    }
}

/// The time in which the guest waits for its host; over also when the host panics.
struct HostVisit<'a> {
    session: &'a Session,
    started: Option<Instant>,
}

impl Drop for HostVisit<'_> {
    fn drop(&mut self) {
        let session = self.session;
        session.state.set(InstanceState::Running);
        if let Some(started) = self.started {
            let ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let sum = session.host_ns.load(Relaxed).saturating_add(ns);
            session.host_ns.store(sum, Relaxed);
        }
    }
}

/// Whether a call that ended with `error` leaves the guest's memory worth nothing even with `AfterTrap::Keep`.
pub(super) fn always_poisons(error: &HostError) -> bool {
    let ordinary = matches!(
        error.kind(),
        ErrorKind::Trap { .. }
            | ErrorKind::StackOverflow { .. }
            | ErrorKind::Guest(_)
            | ErrorKind::HostFunction { .. }
    );
    let by_limit = matches!(
        error.code(),
        ErrorCode::GuestPointer | ErrorCode::CallDepth | ErrorCode::HostCallLimit
    );
    let by_envelope = matches!(error.kind(), ErrorKind::Envelope { .. });
    !(ordinary || by_limit || by_envelope)
}
