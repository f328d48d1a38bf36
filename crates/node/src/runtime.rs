//! What one JavaScript environment has for all of its engines: the inbox, the shared buffers, and the count of promises
//! that keep the event loop alive.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use aingle_wasm_host::{Lane, Pool, Turn};
use napi::sys;

use crate::dispatcher::{Dispatcher, Message};
use crate::error::Failure;
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
        pool: &Pool,
        lane: &Lane,
        id: u32,
        work: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Result<(), Failure> {
        let dispatcher = Arc::clone(&self.dispatcher);
        pool.submit(lane, move |turn| {
            let outcome = match turn {
                Turn::Run => guarded(work),
                Turn::Cancelled => Err(Failure::Closed("engine")),
            };
            dispatcher.post(Message::Settle(id, outcome));
        })?;
        // The job may be done by now; its message is delivered on this thread, so later.
        self.begin(js)
    }

    fn deliver(self: &Rc<Self>, js: Js) -> Result<(), Failure> {
        // Only what is there now: a guest that calls the host without end must not keep the event loop here.
        for message in self.dispatcher.take() {
            match message {
                Message::Release(reference) => reference.delete(js),
                Message::Errand(errand) => {
                    // What happened before the guest's call is settled before it.
                    self.flush(js)?;
                    js.scoped(|| {
                        errand.run(js);
                        Ok(())
                    })?;
                }
                Message::Settle(id, outcome) => {
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
