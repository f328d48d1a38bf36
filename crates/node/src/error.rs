//! How failures cross to JavaScript: a thrown or rejected plain object `{ code, phase, details, thrown? }`, from which
//! `src/backend/native.ts` makes the public error. Its message is written there, for all backends alike.

use std::any::Any;
use std::ffi::CStr;

use aingle_wasm_host::{Detail, ErrorCode, ErrorKind, HostError, MAX_NESTING, Phase, TrapFrame};

use crate::js::{Js, Local};
use crate::reference::JsRef;

/// Why an operation of the binding failed.
pub(crate) enum Failure {
    /// The core refused or failed.
    Host(HostError),
    /// The binding itself refused: an instance is not in the state for it.
    Refused(ErrorCode, Phase),
    /// Calls of guests and host functions are nested this deep.
    TooDeep(u32),
    /// This was closed: `engine` or `module`.
    Closed(&'static str),
    /// The argument that should have been this was something else. Only `native.ts` calls the binding, so it is our bug.
    Argument(&'static str),
    /// A fault of this library.
    Internal(String),
    /// A JavaScript exception is pending, or the environment is ending: nothing is left to throw.
    Pending,
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error.kind() {
            ErrorKind::State {
                code: ErrorCode::EngineClosed,
                ..
            } => Self::Closed("engine"),
            _ => Self::Host(error),
        }
    }
}

impl Failure {
    /// The failure for a caught panic, with the panic's text.
    #[cold]
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Self::Internal(format!("a panic: {}", text.unwrap_or("without a text")))
    }

    /// Throws the failure's object.
    #[cold]
    pub(crate) fn throw(self, js: Js) {
        if let Ok(Some(value)) = self.into_value(js) {
            js.throw(value);
        }
    }

    /// The failure's object; `None` if an exception is pending already.
    pub(crate) fn into_value(self, js: Js) -> Result<Option<Local>, Self> {
        match self {
            Self::Host(error) => host_error(js, error).map(Some),
            Self::Refused(code, phase) => object(js, code, phase, &[]).map(Some),
            Self::TooDeep(depth) => object(
                js,
                ErrorCode::CallDepth,
                Phase::Call,
                &[
                    ("limit", Detail::U64(MAX_NESTING.into())),
                    ("value", Detail::U64(depth.into())),
                ],
            )
            .map(Some),
            Self::Closed(what) => object(
                js,
                ErrorCode::EngineClosed,
                Phase::Close,
                &[("closed", Detail::Str(what.to_owned()))],
            )
            .map(Some),
            Self::Argument(expected) => {
                internal(js, &format!("an argument of the binding is not {expected}")).map(Some)
            }
            Self::Internal(reason) => internal(js, &reason).map(Some),
            Self::Pending => Ok(None),
        }
    }
}

impl Failure {
    /// As [`Failure::into_value`], or else the exception that is pending; it is pending no longer.
    pub(crate) fn take_value(self, js: Js) -> Result<Option<Local>, Self> {
        self.into_value(js)
            .map(|value| value.or_else(|| js.take_exception()))
    }
}

fn host_error(js: Js, mut error: HostError) -> Result<Local, Failure> {
    let value = object(js, error.code(), error.phase(), &details(&error))?;
    if let Some(thrown) = error
        .take_host_payload()
        .and_then(|payload| payload.downcast::<JsRef>().ok())
    {
        js.set(value, c"thrown", thrown.get(js)?)?;
    }
    Ok(value)
}

/// The core's details, without what the facade words from the others or from what was thrown.
fn details(error: &HostError) -> Vec<(&'static str, Detail)> {
    let mut details = error.details();
    if matches!(
        error.kind(),
        ErrorKind::Envelope { .. } | ErrorKind::HostFunction { .. }
    ) {
        details.retain(|(key, _)| *key != "reason");
    }
    details
}

fn internal(js: Js, reason: &str) -> Result<Local, Failure> {
    object(
        js,
        ErrorCode::Internal,
        Phase::Load,
        &[("reason", Detail::Str(reason.to_owned()))],
    )
}

fn object(
    js: Js,
    code: ErrorCode,
    phase: Phase,
    details: &[(&'static str, Detail)],
) -> Result<Local, Failure> {
    let object = js.object()?;
    js.set(object, c"code", js.string(code.as_str())?)?;
    js.set(object, c"phase", js.string(phase.as_str())?)?;
    if !details.is_empty() {
        js.set(object, c"details", details_object(js, details)?)?;
    }
    Ok(object)
}

fn details_object(js: Js, details: &[(&'static str, Detail)]) -> Result<Local, Failure> {
    let object = js.object()?;
    for (key, detail) in details {
        js.set_text_key(object, key, detail_value(js, detail)?)?;
    }
    Ok(object)
}

fn detail_value(js: Js, detail: &Detail) -> Result<Local, Failure> {
    match detail {
        Detail::U64(number) => js.number(*number as f64),
        Detail::Fuel(fuel) => js.bigint_u64(*fuel),
        Detail::Str(text) => js.string(text),
        Detail::Strings(texts) => strings(js, texts),
        Detail::Frames(frames) => raw_frames(js, frames),
        Detail::Imports(problems) => list(js, problems, |problem| {
            let object = js.object()?;
            let texts: [(&CStr, &str); 3] = [
                (c"module", &problem.module),
                (c"name", &problem.name),
                (c"expected", &problem.expected),
            ];
            for (key, text) in texts {
                js.set(object, key, js.string(text)?)?;
            }
            if let Some(actual) = &problem.actual {
                js.set(object, c"actual", js.string(actual)?)?;
            }
            js.set(object, c"near", strings(js, &problem.near)?)?;
            Ok(object)
        }),
        // `Detail` may grow; a kind this binding does not know is shown as the core prints it.
        other => js.string(&format!("{other:?}")),
    }
}

fn strings(js: Js, texts: &[String]) -> Result<Local, Failure> {
    list(js, texts, |text| js.string(text))
}

/// `RawFrames` of src/errors/trap-frame.ts.
fn raw_frames(js: Js, frames: &[TrapFrame]) -> Result<Local, Failure> {
    let array = js.array(3 * frames.len())?;
    for (index, frame) in (0..).step_by(3).zip(frames) {
        let offset = frame.prepared_offset().map_or(-1.0, f64::from);
        let name = frame
            .name()
            .map_or_else(|| js.null(), |name| js.string(name))?;
        js.set_element(array, index, js.uint32(frame.function())?)?;
        js.set_element(array, index + 1, js.number(offset)?)?;
        js.set_element(array, index + 2, name)?;
    }
    Ok(array)
}

fn list<T>(
    js: Js,
    items: &[T],
    make: impl Fn(&T) -> Result<Local, Failure>,
) -> Result<Local, Failure> {
    let array = js.array(items.len())?;
    for (index, item) in (0..).zip(items) {
        js.set_element(array, index, make(item)?)?;
    }
    Ok(array)
}
