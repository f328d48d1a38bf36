//! Host functions written in JavaScript. They run on the JavaScript thread: directly when the guest was called there,
//! by an errand when it runs in the pool.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use aingle_wasm_host::{
    Caller, FunctionType, HostFunction, HostFunctionError, Imports, Value, ValueType,
};

use crate::convert;
use crate::dispatcher::Dispatcher;
use crate::errand::run_there;
use crate::error::Failure;
use crate::js::{Js, Local, Thrown};
use crate::reference::{JsRef, WeakJsRef};

/// What connects the host functions of one instance with JavaScript.
pub(crate) struct HostLink {
    dispatcher: Arc<Dispatcher>,
    /// The array of the functions. The facade keeps it alive while the instance is reachable or called: a strong reference
    /// would keep instances that their own host functions refer to from ever being collected.
    functions: WeakJsRef,
    /// Whether there is any function.
    used: AtomicBool,
    /// The caller of the host function that is running. Set and read on the JavaScript thread only.
    caller: AtomicPtr<c_void>,
    /// Number of the promise of the call that is running, 0 for a synchronous one.
    call: AtomicU32,
}

/// A function as the facade describes it, with the type it is imported with.
pub(crate) struct Declared {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) ty: FunctionType,
    pub(crate) cost: u64,
    pub(crate) envelope: bool,
}

/// A function of core values: its type and its place in the array. One name may be imported with several types.
type Overload = (FunctionType, u32);

impl HostLink {
    pub(crate) fn new(
        js: Js,
        functions: Local,
        dispatcher: &Arc<Dispatcher>,
    ) -> Result<Arc<Self>, Failure> {
        Ok(Arc::new(Self {
            functions: WeakJsRef::new(js, functions, dispatcher)?,
            dispatcher: Arc::clone(dispatcher),
            used: AtomicBool::new(false),
            caller: AtomicPtr::new(ptr::null_mut()),
            call: AtomicU32::new(0),
        }))
    }

    /// The imports that call the functions, which are in the same order as `declared`.
    pub(crate) fn imports(
        self: &Arc<Self>,
        declared: impl IntoIterator<Item = Declared>,
    ) -> Imports {
        let mut imports = Imports::new();
        let mut numeric = HashMap::<(String, String), (u64, Vec<Overload>)>::new();
        for (index, function) in (0..).zip(declared) {
            self.used.store(true, Ordering::Relaxed);
            if function.envelope {
                let link = Arc::clone(self);
                imports.envelope_fn(&function.name, move |caller, input| {
                    link.call_envelope(index, caller, input)
                });
            } else {
                let (cost, overloads) =
                    numeric.entry((function.module, function.name)).or_default();
                *cost = function.cost;
                overloads.push((function.ty, index));
            }
        }
        for ((module, name), (cost, overloads)) in numeric {
            let link = Arc::clone(self);
            let function = HostFunction::new(move |caller, arguments, results| {
                link.call_numeric(
                    choose(&overloads, arguments, results),
                    caller,
                    arguments,
                    results,
                )
            });
            imports.function(&module, &name, function.with_cost(cost));
        }
        imports
    }

    /// The function at a place in the array, for references to stand for.
    pub(crate) fn reference(
        self: &Arc<Self>,
        index: u32,
        ty: FunctionType,
        cost: u64,
    ) -> HostFunction {
        self.used.store(true, Ordering::Relaxed);
        let link = Arc::clone(self);
        let function = HostFunction::new(move |caller, arguments, results| {
            link.call_numeric(index, caller, arguments, results)
        });
        function.with_type(ty).with_cost(cost)
    }

    /// Says which call runs from now on.
    pub(crate) fn begin_call(&self, id: u32) {
        self.call.store(id, Ordering::Relaxed);
    }

    /// The caller of the running host function, if there is one. To be used on the JavaScript thread only.
    pub(crate) fn with_caller<R>(
        &self,
        _: Js,
        body: impl FnOnce(&mut Caller<'_>) -> R,
    ) -> Option<R> {
        let caller = self.caller.load(Ordering::Relaxed).cast::<Caller<'_>>();
        // SAFETY: a caller is there only between `Visit::new` and its drop, which both happen on this thread (`Js` proves
        // that we are on it) while the guest waits, so it is alive. JavaScript cannot run inside of `body`, so the
        // reference is the only one.
        unsafe { caller.as_mut() }.map(body)
    }

    /// Whether a call can reach JavaScript.
    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether a host function is running.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.caller.load(Ordering::Relaxed).is_null()
    }

    fn call_numeric(
        &self,
        index: u32,
        caller: &mut Caller<'_>,
        arguments: &[Value],
        results: &mut [Value],
    ) -> Result<(), HostFunctionError> {
        self.visit(caller, |js| {
            let mut locals = Vec::with_capacity(arguments.len() + 1);
            locals.push(self.call_number(js)?);
            for argument in arguments {
                locals.push(convert::to_js(js, *argument)?);
            }
            let value = self.call_js(js, index, &locals)?;
            Ok(convert::read_results(js, value, results)?)
        })
    }

    fn call_envelope(
        &self,
        index: u32,
        caller: &mut Caller<'_>,
        input: &[u8],
    ) -> Result<Vec<u8>, HostFunctionError> {
        self.visit(caller, |js| {
            let output = self.call_js(js, index, &[self.call_number(js)?, js.bytes(input)?])?;
            // SAFETY: nothing runs before the bytes are copied.
            Ok(unsafe { js.slice(output) }?.to_vec())
        })
    }

    fn call_number(&self, js: Js) -> Result<Local, Failure> {
        js.uint32(self.call.load(Ordering::Relaxed))
    }

    /// Runs `body` on the JavaScript thread, with the guest's memory and fuel open to it.
    fn visit<R>(
        &self,
        caller: &mut Caller<'_>,
        body: impl FnOnce(Js) -> Result<R, Ended>,
    ) -> Result<R, HostFunctionError> {
        let caller = ptr::from_mut(caller).cast::<c_void>();
        // SAFETY: this thread waits, and what `body` uses of it (the caller, arguments, results) has no tie to its thread.
        // On the JavaScript thread a guest runs inside of a native function, which has a handle scope.
        let result = unsafe {
            run_there(&self.dispatcher, |js| {
                let _visit = Visit::new(self, caller);
                js.scoped(|| Ok(body(js).map_err(|ended| ended.into_error(js, &self.dispatcher))))
            })
        };
        match result {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(HostFunctionError::new(
                "the JavaScript environment is ending",
            )),
        }
    }

    fn call_js(&self, js: Js, index: u32, arguments: &[Local]) -> Result<Local, Ended> {
        let function = js.element(self.functions.get(js)?, index)?;
        js.call(function, arguments).map_err(Ended::Thrown)
    }
}

/// The place of the function whose type is that of the call.
fn choose(overloads: &[Overload], arguments: &[Value], results: &[Value]) -> u32 {
    let same = |types: &[ValueType], values: &[Value]| {
        values.iter().map(Value::ty).eq(types.iter().copied())
    };
    let fits = |(ty, _): &&Overload| same(&ty.params, arguments) && same(&ty.results, results);
    match overloads {
        [(_, only)] => *only,
        several => several
            .iter()
            .find(fits)
            .map_or(u32::MAX, |(_, index)| *index),
    }
}

/// The time in which a host function runs: lays the caller open, and covers it at the end, come what may.
struct Visit<'a>(&'a HostLink);

impl<'a> Visit<'a> {
    fn new(link: &'a HostLink, caller: *mut c_void) -> Self {
        link.caller.store(caller, Ordering::Relaxed);
        Self(link)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.caller.store(ptr::null_mut(), Ordering::Relaxed);
    }
}

/// How a host function ended without a result.
enum Ended {
    /// It threw.
    Thrown(Thrown),
    /// It could not be called, or its result not be read.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Ended {
    /// The core's error, with what was thrown attached.
    fn into_error(self, js: Js, dispatcher: &Arc<Dispatcher>) -> HostFunctionError {
        let thrown = match self {
            Self::Thrown(Thrown(value)) => value,
            Self::Failed(failure) => failure.take_value(js).ok().flatten(),
        };
        match thrown.and_then(|value| JsRef::new(js, value, dispatcher).ok()) {
            Some(value) => HostFunctionError::new("it threw").with_payload(Box::new(value)),
            None => HostFunctionError::new("the JavaScript environment is ending"),
        }
    }
}
