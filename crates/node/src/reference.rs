//! JavaScript values that Rust keeps across calls, and that may be dropped on any thread.

use std::sync::Arc;

use napi::sys;

use crate::dispatcher::{Dispatcher, Message};
use crate::error::Failure;
use crate::js::{Js, Local};

/// A JavaScript value of any type, kept alive and returned with its identity.
pub(crate) struct JsRef(Owned);

/// A JavaScript object that may be collected meanwhile: it must be kept alive by others.
pub(crate) struct WeakJsRef(Owned);

/// A reference with the way to release it: on the JavaScript thread, or not at all once the environment has ended (which
/// releases all of its references by itself).
struct Owned {
    raw: RawRef,
    dispatcher: Arc<Dispatcher>,
}

/// A reference without owner.
#[derive(Clone, Copy)]
pub(crate) struct RawRef(sys::napi_ref);

// SAFETY: other threads only pass the pointer along; to do something with it takes a `Js`, which exists on the JavaScript
// thread only.
unsafe impl Send for RawRef {}
// SAFETY: as above.
unsafe impl Sync for RawRef {}

impl JsRef {
    pub(crate) fn new(js: Js, value: Local, dispatcher: &Arc<Dispatcher>) -> Result<Self, Failure> {
        // Node-API 8 makes references to objects only, and anything can be thrown: refer to an array that holds it.
        let holder = js.array(1)?;
        js.set_element(holder, 0, value)?;
        Owned::new(js, holder, 1, dispatcher).map(Self)
    }

    /// The value that was given.
    pub(crate) fn get(&self, js: Js) -> Result<Local, Failure> {
        js.element(js.referenced(self.0.raw.0)?, 0)
    }
}

impl WeakJsRef {
    pub(crate) fn new(
        js: Js,
        object: Local,
        dispatcher: &Arc<Dispatcher>,
    ) -> Result<Self, Failure> {
        Owned::new(js, object, 0, dispatcher).map(Self)
    }

    /// The object.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it was collected: whoever uses it has to keep it alive.
    pub(crate) fn get(&self, js: Js) -> Result<Local, Failure> {
        js.referenced(self.0.raw.0)
    }
}

impl Owned {
    fn new(
        js: Js,
        object: Local,
        count: u32,
        dispatcher: &Arc<Dispatcher>,
    ) -> Result<Self, Failure> {
        let raw = RawRef(js.reference(object, count)?);
        Ok(Self {
            raw,
            dispatcher: Arc::clone(dispatcher),
        })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.dispatcher.post(Message::Release(self.raw));
    }
}

impl RawRef {
    /// Releases the reference. To be called once, by the dispatcher.
    pub(crate) fn delete(self, js: Js) {
        js.delete_reference(self.0);
    }
}
