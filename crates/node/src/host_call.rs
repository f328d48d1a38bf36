//! A guest's thread that waits for its host: what it asked for is done on the JavaScript thread, at once or when a promise
//! is settled, and meanwhile its memory and fuel can be used and its guest be called.

use std::collections::VecDeque;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aingle_wasm_host::{
    Caller, ErrorCode, HostError, HostFunctionError, Receipt, TERMINATED, Value,
};

use crate::reference::JsRef;

/// What a host function gives back.
pub(crate) enum Answer {
    Values(Vec<Value>),
    Bytes(Vec<u8>),
}

/// How a host call ends.
pub(crate) type Answered = Result<Answer, HostFunctionError>;

/// Hands the output of a nested call over, on the guest's thread.
pub(crate) type Deliver = Box<dyn FnOnce(Result<(Vec<u8>, Receipt), HostError>) + Send>;

/// One host call of a guest that does not run on the JavaScript thread.
pub(crate) struct HostCall {
    /// By which JavaScript knows it; 0 before its function was called.
    number: AtomicU32,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    /// Null while the guest runs: before and after this call, and in nested calls.
    caller: *mut Caller<'static>,
    answer: Option<Answered>,
    nested: VecDeque<Nested>,
    stopped: bool,
    /// The guest has gone on or was given up: nothing that comes now has an effect.
    over: bool,
}

// SAFETY: the caller is used under the lock only, while the guest's thread does not use it (see `next`).
unsafe impl Send for State {}

struct Nested {
    name: String,
    input: Vec<u8>,
    deliver: Deliver,
}

impl Nested {
    fn run(self, caller: &mut Caller<'_>) -> Finished {
        let (started, fuel) = (Instant::now(), caller.fuel_left());
        let called = caller.call(&self.name, &self.input).map(|output| {
            let receipt = Receipt {
                fuel_used: fuel - caller.fuel_left(),
                fuel_limit: fuel,
                fuel_exact: true,
                wall_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
                memory_pages: caller.memory_pages(),
                bytes_in: self.input.len() as u64,
                bytes_out: output.len() as u64,
                ..Receipt::default()
            };
            (output, receipt)
        });
        Finished {
            deliver: self.deliver,
            called,
        }
    }
}

/// A nested call that has ended, and nobody knows yet.
struct Finished {
    deliver: Deliver,
    called: Result<(Vec<u8>, Receipt), HostError>,
}

/// What a waiting thread does next.
enum Task {
    End(Answered),
    Call(Nested),
}

impl HostCall {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            caller: ptr::null_mut(),
            answer: None,
            nested: VecDeque::new(),
            stopped: false,
            over: false,
        };
        Arc::new(Self {
            number: AtomicU32::new(0),
            state: Mutex::new(state),
            wake: Condvar::new(),
        })
    }

    /// Waits until the call is answered or stopped, and does what is asked for meanwhile. `ask` has the call served; the
    /// guest is open to others from before it on.
    pub(crate) fn wait<P>(
        self: &Arc<Self>,
        caller: &mut Caller<'_>,
        ask: impl FnOnce() -> P,
    ) -> Answered {
        let waker = Arc::clone(self);
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            waker.lock().stopped = true;
            waker.wake.notify_all();
        });
        let (mut ask, mut asked) = (Some(ask), None);
        let mut finished: Option<Finished> = None;
        let answered = loop {
            // Anew each time: a nested call may have waited in between, with a waker of its own.
            let watch = caller.on_stop(Arc::clone(&wake));
            self.lock().caller = ptr::from_mut(caller).cast();
            asked = asked.or_else(|| ask.take().map(|ask| ask()));
            // Whoever is told that a nested call has ended finds the guest waiting again.
            if let Some(Finished { deliver, called }) = finished.take() {
                deliver(called);
            }
            let task = self.next();
            drop(watch);
            match task {
                Task::End(answered) => break answered,
                Task::Call(nested) => finished = Some(nested.run(caller)),
            }
        };
        drop(asked);
        answered
    }

    /// What to do next. Until then others may use the caller, from then on this thread.
    fn next(&self) -> Task {
        let mut state = self.lock();
        let task = loop {
            if state.stopped {
                break Task::End(Err(HostFunctionError::new("the call was stopped")));
            }
            // Calls into the guest that were asked for before the answer come before it.
            if let Some(nested) = state.nested.pop_front() {
                break Task::Call(nested);
            }
            if let Some(answered) = state.answer.take() {
                break Task::End(answered);
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        state.caller = ptr::null_mut();
        if let Task::End(_) = task {
            state.over = true;
            let dropped = std::mem::take(&mut state.nested);
            drop(state);
            drop(dropped);
        }
        task
    }

    pub(crate) fn set_number(&self, number: u32) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// The number of a call that has ended without the answer of its function, which is not to be kept then.
    pub(crate) fn abandoned(&self) -> Option<u32> {
        let number = self.number.load(Ordering::Relaxed);
        (number != 0 && self.lock().stopped).then_some(number)
    }

    /// Ends the call. Only the first answer counts.
    pub(crate) fn answer(&self, answered: Answered) {
        let mut state = self.lock();
        if !state.over && state.answer.is_none() {
            state.answer = Some(answered);
            self.wake.notify_all();
        }
    }

    /// Uses the waiting guest; `None` if it does not wait in this call now, or the call's function was not called yet.
    pub(crate) fn with_caller<R>(&self, body: impl FnOnce(&mut Caller<'_>) -> R) -> Option<R> {
        let state = self.lock();
        if self.number.load(Ordering::Relaxed) == 0 {
            return None;
        }
        // SAFETY: a caller is there only until its thread leaves `next`, which cannot happen as long as the lock is held; until
        // then that thread does not use it.
        unsafe { state.caller.as_mut() }.map(body)
    }

    /// Whether the guest waits in this call now, as JavaScript sees it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.number.load(Ordering::Relaxed) != 0 && !self.lock().caller.is_null()
    }

    /// Whether the guest has gone on or was given up.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.lock();
        state.over || state.stopped || state.answer.is_some()
    }

    /// Calls the waiting guest; false if the host call is over.
    pub(crate) fn call_guest(&self, name: String, input: Vec<u8>, deliver: Deliver) -> bool {
        let mut state = self.lock();
        if state.over || state.stopped || state.answer.is_some() {
            return false;
        }
        state.nested.push_back(Nested {
            name,
            input,
            deliver,
        });
        self.wake.notify_all();
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to answer a host call; who drops it without an answer says that the environment is ending.
pub(crate) struct Duty(Arc<HostCall>);

impl Duty {
    pub(crate) fn new(call: &Arc<HostCall>) -> Self {
        Self(Arc::clone(call))
    }

    pub(crate) fn call(&self) -> &Arc<HostCall> {
        &self.0
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.0.answer(Err(ending()));
    }
}

/// The error of a host function that threw. The facade throws finished errors, and something with the code [`TERMINATED`] for a call that was ended
/// on purpose.
pub(crate) fn threw(value: JsRef, code: &str) -> HostFunctionError {
    let error = HostFunctionError::new("it threw").with_payload(Box::new(value));
    if code == TERMINATED {
        error.terminating()
    } else if code == ErrorCode::AsyncHostInSync.as_str() {
        error.with_code(ErrorCode::AsyncHostInSync)
    } else {
        error
    }
}

/// The error of a host function that cannot run any more.
#[cold]
pub(crate) fn ending() -> HostFunctionError {
    HostFunctionError::new("the JavaScript environment is ending")
}
