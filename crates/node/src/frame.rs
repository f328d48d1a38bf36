//! The frame of every `#[napi]` function: failures are thrown as the objects of [`crate::error`], panics as internal
//! ones.

use napi::bindgen_prelude::{Env, External, ToNapiValue};
use napi::{JsValue, Status};

use crate::error::Failure;
use crate::js::{Js, Local, guarded};

/// Runs the body of a `#[napi]` function.
pub(crate) fn run<R>(env: Env, body: impl FnOnce(Js) -> Result<R, Failure>) -> napi::Result<R> {
    // SAFETY: napi-rs calls its functions on the environment's thread in a handle scope; `js` does not leave this frame.
    let js = unsafe { Js::new(env.raw()) };
    guarded(|| body(js)).map_err(|failure| {
        failure.throw(js);
        // Tells napi-rs that there is nothing left to throw.
        napi::Error::from_status(Status::PendingException)
    })
}

/// The value behind one of napi-rs.
pub(crate) fn local<'a>(value: &impl JsValue<'a>) -> Local {
    value.raw()
}

/// A value that `#[napi]` functions take as an external of this type.
pub(crate) fn external<T: 'static>(js: Js, object: T) -> Result<Local, Failure> {
    // SAFETY: `js` proves that the environment is alive and that this is its thread.
    unsafe { External::to_napi_value(js.env(), External::new(object)) }
        .map_err(|_| Failure::Pending)
}
