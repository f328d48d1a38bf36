//! The way from other threads to the JavaScript thread: an inbox and a wake-up. Messages that arrive together are
//! delivered by one wake-up; what they do there is in [`crate::runtime`].

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use aingle_wasm_host::{WasmEngine, WeakEngine};
use napi::sys;

use crate::error::Failure;
use crate::host_function::HostMessage;
use crate::js::Js;
use crate::reference::RawRef;
use crate::settle::Outcome;

/// Something for the JavaScript thread to do.
pub(crate) enum Message {
    /// Settle the promise that `native.ts` knows by this number.
    Settle(u32, Outcome),
    /// Serve a host call that a guest's thread waits in.
    Host(HostMessage),
    /// Let go of a host call whose guest does not wait any more.
    Forget(u32),
    /// Release a reference.
    Release(RawRef),
}

/// The inbox of one JavaScript environment.
pub(crate) struct Dispatcher {
    thread: ThreadId,
    env: Environment,
    /// The engines of the environment, whose guests have to end with it.
    engines: Mutex<Vec<WeakEngine>>,
    inbox: Mutex<Inbox>,
}

struct Inbox {
    messages: Vec<Message>,
    /// `None` once the environment is ending: nothing is taken any more.
    bell: Option<Bell>,
    /// A wake-up is on its way.
    ringing: bool,
}

/// Wakes the JavaScript thread.
#[derive(Clone, Copy)]
struct Bell(sys::napi_threadsafe_function);

// SAFETY: calling a threadsafe function from any thread is its purpose. `Inbox` holds it only while it exists.
unsafe impl Send for Bell {}

/// The environment that the inbox belongs to.
struct Environment(sys::napi_env);

// SAFETY: the pointer is used on the environment's own thread only, see `Dispatcher::js`.
unsafe impl Send for Environment {}
// SAFETY: as above.
unsafe impl Sync for Environment {}

impl Dispatcher {
    /// An inbox without bell; [`Dispatcher::open`] adds it.
    pub(crate) fn new(js: Js) -> Arc<Self> {
        let inbox = Mutex::new(Inbox {
            messages: Vec::new(),
            bell: None,
            ringing: false,
        });
        Arc::new(Self {
            thread: thread::current().id(),
            env: Environment(js.env()),
            engines: Mutex::default(),
            inbox,
        })
    }

    /// Begins to take messages; `deliver` is called with `context` on the JavaScript thread whenever there are some. A
    /// cleanup hook closes the inbox when the environment ends; `finalize` gets the context after that.
    ///
    /// # Safety
    /// `deliver` may be called with `context` on this thread until `finalize` has been.
    pub(crate) unsafe fn open(
        self: &Arc<Self>,
        js: Js,
        deliver: sys::napi_threadsafe_function_call_js,
        finalize: sys::napi_finalize,
        context: *mut c_void,
    ) -> Result<(), Failure> {
        let bell = js.threadsafe_function("aingle_wasm", deliver, finalize, context)?;
        // Registered after the threadsafe function's own hook, so it runs before: nobody rings a bell that is gone.
        js.add_cleanup_hook(close, Arc::into_raw(Arc::clone(self)).cast_mut().cast())?;
        self.lock().bell = Some(Bell(bell));
        js.unref_bell(bell)
    }

    /// Puts a message into the inbox. Once the environment is ending it is dropped instead, which tells whoever waits
    /// for its reply.
    pub(crate) fn post(&self, message: Message) {
        let mut inbox = self.lock();
        let Some(bell) = inbox.bell else {
            drop(inbox);
            return mem::drop(message);
        };
        inbox.messages.push(message);
        if !mem::replace(&mut inbox.ringing, true) {
            // SAFETY: the lock is held, so the environment's cleanup hook has not run and the function still exists. Its
            // queue has no bound, so the call does not block.
            unsafe {
                sys::napi_call_threadsafe_function(
                    bell.0,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                )
            };
        }
    }

    /// Has an engine's guests stopped when the environment ends.
    pub(crate) fn add_engine(&self, engine: &WasmEngine) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(WeakEngine::is_alive);
        engines.push(engine.downgrade());
    }

    /// All messages that are there, oldest first.
    pub(crate) fn take(&self) -> Vec<Message> {
        let mut inbox = self.lock();
        inbox.ringing = false;
        mem::take(&mut inbox.messages)
    }

    /// Whether the caller is on the JavaScript thread.
    pub(crate) fn is_current(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// The environment; `None` on other threads and once it is ending.
    ///
    /// # Safety
    /// On the JavaScript thread, the caller is inside a handle scope.
    pub(crate) unsafe fn js(&self) -> Option<Js> {
        let open = self.is_current() && self.lock().bell.is_some();
        // SAFETY: this is the environment's thread, its cleanup hook has not run, and by the contract there is a scope.
        open.then(|| unsafe { Js::new(self.env.0) })
    }

    /// Lets the event loop live on for what is pending here, or not.
    pub(crate) fn keep_alive(&self, js: Js, alive: bool) -> Result<(), Failure> {
        let Some(bell) = self.lock().bell else {
            return Ok(());
        };
        if alive {
            js.ref_bell(bell.0)
        } else {
            js.unref_bell(bell.0)
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        // Nothing that panics runs under the lock; should it, the inbox is still whole.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The environment's cleanup hook.
unsafe extern "C" fn close(data: *mut c_void) {
    // SAFETY: `data` is the `Arc` that `open` gave away, and a hook runs once.
    let dispatcher = unsafe { Arc::from_raw(data.cast::<Dispatcher>()) };
    let messages = {
        let mut inbox = dispatcher.lock();
        inbox.bell = None;
        mem::take(&mut inbox.messages)
    };
    // Outside of the lock: what is dropped may post in turn.
    drop(messages);
    let engines = mem::take(
        &mut *dispatcher
            .engines
            .lock()
            .unwrap_or_else(PoisonError::into_inner),
    );
    engines.iter().for_each(WeakEngine::stop);
}
