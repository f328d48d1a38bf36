//! What one JavaScript environment has for all of its engines: the inbox, the shared buffers, and the count of promises
//! that keep the event loop alive.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use aingle_wasm_host::{Lane, MAX_NESTING, Phase, Pool, StopReason, Ticket, Turn};
use napi::sys;

use crate::dispatcher::{Dispatcher, Message};
use crate::error::Failure;
use crate::host_calls::HostCalls;
use crate::instance::Instances;
use crate::js::{Js, Local, Thrown, guarded};
use crate::reference::JsRef;
use crate::region::Region;
use crate::settle::{Batch, Outcome};

/// The binding's state in one environment. It lives on the JavaScript thread.
pub(crate) struct Runtime {
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// What a synchronous call is asked for, see [`crate::hot`].
    pub(crate) control: Region,
    /// Input of a synchronous call, if it fits.
    pub(crate) input: Region,
    /// Output of a synchronous call, if it fits.
    pub(crate) output: Region,
    /// The receipt of the last synchronous call.
    pub(crate) receipt: Region,
    pub(crate) instances: RefCell<Instances>,
    pub(crate) host_calls: RefCell<HostCalls>,
    /// The jobs of pending promises, by the promise's number.
    tickets: RefCell<HashMap<u32, Ticket>>,
    /// Synchronous calls that are on the stack.
    depth: Cell<u32>,
    settle: JsRef,
    batch: Batch,
    pending: Cell<u32>,
}

impl Runtime {
    /// `buffers` is an array of those of `native/shared.ts`. `settle(count, values)` of `native.ts` reads the first `count` entries of `words`; see [`crate::settle`].
    pub(crate) fn open(js: Js, settle: Local, buffers: Local) -> Result<Rc<Self>, Failure> {
        let dispatcher = Dispatcher::new(js);
        let region = |index| Region::new(js, js.element(buffers, index)?, &dispatcher);
        let runtime = Rc::new(Self {
            control: region(0)?,
            input: region(1)?,
            output: region(2)?,
            receipt: region(3)?,
            instances: RefCell::default(),
            host_calls: RefCell::default(),
            tickets: RefCell::default(),
            depth: Cell::new(0),
            settle: JsRef::new(js, settle, &dispatcher)?,
            batch: Batch::new(region(4)?, region(5)?),
            pending: Cell::new(0),
            dispatcher,
        });
        let context = Rc::into_raw(Rc::clone(&runtime))
            .cast_mut()
            .cast::<c_void>();
        // SAFETY: the context holds a count of the `Rc` until `release`, and is used on this thread only.
        unsafe {
            runtime
                .dispatcher
                .open(js, Some(deliver), Some(release), context)
        }?;
        Ok(runtime)
    }

    /// Counts one more promise that will be settled; the first keeps the event loop alive.
    pub(crate) fn begin(&self, js: Js) -> Result<(), Failure> {
        self.pending.set(self.pending.get() + 1);
        if self.pending.get() == 1 {
            self.dispatcher.keep_alive(js, true)
        } else {
            Ok(())
        }
    }

    /// Queues `work` and settles promise `id` with what it returns. If this fails, `native.ts` rejects the promise itself.
    pub(crate) fn submit(
        &self,
        js: Js,
        queue: &Queue<'_>,
        id: u32,
        work: impl FnOnce(&Ticket) -> Outcome + Send + 'static,
    ) -> Result<(), Failure> {
        let dispatcher = Arc::clone(&self.dispatcher);
        let ticket = queue.submit(work, move |outcome| {
            dispatcher.post(Message::Settle(id, outcome));
        })?;
        // The job may be done by now; its message is delivered on this thread, so later.
        self.tickets.borrow_mut().insert(id, ticket);
        self.begin(js)
    }

    /// Stops the job of a pending promise.
    pub(crate) fn stop(&self, id: u32, reason: StopReason) {
        let ticket = self.tickets.borrow().get(&id).cloned();
        if let Some(ticket) = ticket {
            ticket.stop(reason);
        }
    }

    /// Counts a synchronous call as long as the guard lives.
    ///
    /// # Errors
    /// - `ERR_CALL_DEPTH` if too many are on the stack: each is one of JavaScript and of a guest.
    pub(crate) fn enter(&self) -> Result<Depth<'_>, Failure> {
        let depth = self.depth.get();
        if depth >= MAX_NESTING {
            return Err(Failure::TooDeep(depth + 1));
        }
        self.depth.set(depth + 1);
        Ok(Depth(&self.depth))
    }

    fn deliver(self: &Rc<Self>, js: Js) -> Result<(), Failure> {
        // Only what is there now: a guest that calls the host without end must not keep the event loop here.
        for message in self.dispatcher.take() {
            match message {
                Message::Release(reference) => reference.delete(js),
                Message::Host(message) => {
                    // What happened before the guest's call is settled before it.
                    self.flush(js)?;
                    js.scoped(|| {
                        message.run(js, self);
                        Ok(())
                    })?;
                }
                Message::Forget(number) => {
                    let forgotten = self.host_calls.borrow_mut().take(number);
                    drop(forgotten);
                }
                Message::Settle(id, outcome) => {
                    let ticket = self.tickets.borrow_mut().remove(&id);
                    drop(ticket);
                    if self.batch.is_full() {
                        self.flush(js)?;
                    }
                    self.batch.add(js, self, id, outcome)?;
                }
            }
        }
        self.flush(js)
    }

    /// Hands the open entries to `native.ts`, and lets the event loop end when they were the last.
    fn flush(&self, js: Js) -> Result<(), Failure> {
        let Some((count, values)) = self.batch.close(js)? else {
            return Ok(());
        };
        let arguments = [js.uint32(count)?, values];
        if let Err(Thrown(Some(error))) = js.call(self.settle.get(js)?, &arguments) {
            js.uncaught(error);
        }
        self.pending.set(self.pending.get().saturating_sub(count));
        if self.pending.get() == 0 {
            self.dispatcher.keep_alive(js, false)
        } else {
            Ok(())
        }
    }
}

/// Where a job waits, and for how long it may take.
pub(crate) struct Queue<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) lane: &'a Lane,
    /// Milliseconds, from now.
    pub(crate) limit: Option<u64>,
    /// Of the error of a job that was stopped before it began.
    pub(crate) phase: Phase,
}

impl Queue<'_> {
    /// Queues `work` and hands what it returns to `done`, on the thread that ran it.
    pub(crate) fn submit(
        &self,
        work: impl FnOnce(&Ticket) -> Outcome + Send + 'static,
        done: impl FnOnce(Outcome) + Send + 'static,
    ) -> Result<Ticket, Failure> {
        let phase = self.phase;
        let job = move |turn: Turn, ticket: &Ticket| {
            done(match turn {
                Turn::Run => guarded(|| work(ticket)),
                Turn::Stopped(reason) => Err(reason.into_error(phase).into()),
            });
        };
        Ok(self.pool.submit_within(self.lane, self.limit, job)?)
    }
}

/// See [`Runtime::enter`].
pub(crate) struct Depth<'a>(&'a Cell<u32>);

impl Drop for Depth<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Called by Node on the JavaScript thread after the bell was rung.
unsafe extern "C" fn deliver(
    env: sys::napi_env,
    _: sys::napi_value,
    context: *mut c_void,
    _: *mut c_void,
) {
    // Without an environment the function is being closed: the cleanup hook has emptied the inbox.
    if env.is_null() {
        return;
    }
    // SAFETY: Node calls this on the environment's thread in a handle scope.
    let js = unsafe { Js::new(env) };
    // SAFETY: `context` is the `Rc` of `Runtime::open`, whose count is given back by `release` alone.
    let runtime = ManuallyDrop::new(unsafe { Rc::from_raw(context.cast::<Runtime>()) });
    if let Err(failure) = guarded(|| runtime.deliver(js))
        && let Ok(Some(value)) = failure.take_value(js)
    {
        js.uncaught(value);
    }
}

/// Called by Node when the threadsafe function is gone.
unsafe extern "C" fn release(_: sys::napi_env, context: *mut c_void, _: *mut c_void) {
    // SAFETY: the count that `Runtime::open` gave away, once.
    drop(unsafe { Rc::from_raw(context.cast::<Runtime>()) });
}
