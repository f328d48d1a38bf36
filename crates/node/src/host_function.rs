//! Host functions written in JavaScript. They run on the JavaScript thread: directly when the guest was called there,
//! by a message when it runs in the pool, whose thread then waits (see [`crate::host_call`]).

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aingle_wasm_host::{
    Caller, FunctionType, HostFunction, HostFunctionError, Imports, Pool, Slice, SliceDecision,
    Value, ValueType,
};

use crate::convert;
use crate::dispatcher::{Dispatcher, Message};
use crate::error::Failure;
use crate::host_call::{Answer, Answered, Duty, HostCall, ending, threw};
use crate::js::{Js, Local, Thrown};
use crate::reference::{JsRef, WeakJsRef};
use crate::runtime::Runtime;
use crate::step::Started;

/// The number of the function that decides on slices, whose place is before those of all others.
const SLICES: u32 = u32::MAX;

/// What connects the host functions of one instance with JavaScript.
pub(crate) struct HostLink {
    dispatcher: Arc<Dispatcher>,
    /// The array of the functions, before them the one that decides on slices. The facade keeps it alive while the instance
    /// is reachable or called: a strong reference would keep instances that their own host functions refer to from ever
    /// being collected.
    functions: WeakJsRef,
    /// Whether the guest can call any.
    used: AtomicBool,
    /// The pool whose threads run the instance.
    pool: OnceLock<Pool>,
    /// The caller of the host function that is running, called on this thread. Set and read on the JavaScript thread only.
    caller: AtomicPtr<c_void>,
    /// The host calls that the guest waits in on another thread, the innermost last.
    waiting: Mutex<Vec<Arc<HostCall>>>,
    /// Number of the promise of the call that is running, 0 for a synchronous one.
    call: AtomicU32,
    /// Whether host functions of the call that is running are served by steps, and how.
    started: Mutex<Option<Arc<Started>>>,
    stepwise: AtomicBool,
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

/// Arguments of a host function, and the form of its results.
pub(crate) enum Request {
    /// Core values, and zeros of the types of the results.
    Values(Vec<Value>, Vec<Value>),
    Bytes(Vec<u8>),
}

/// A host call on its way to the JavaScript thread.
pub(crate) struct HostMessage {
    link: Arc<HostLink>,
    index: u32,
    /// Number of the promise of the guest's call.
    promise: u32,
    request: Request,
    duty: Duty,
}

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
            pool: OnceLock::new(),
            caller: AtomicPtr::new(ptr::null_mut()),
            waiting: Mutex::default(),
            call: AtomicU32::new(0),
            started: Mutex::default(),
            stepwise: AtomicBool::new(false),
        }))
    }

    /// Says whose threads will wait.
    pub(crate) fn attach(&self, pool: &Pool) {
        self.pool.get_or_init(|| pool.clone());
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

    /// Says which call runs from now on, with its steps if it is served by them.
    pub(crate) fn begin_call(&self, id: u32, started: Option<Arc<Started>>) {
        self.call.store(id, Ordering::Relaxed);
        if started.is_some() || self.stepwise.load(Ordering::Relaxed) {
            self.stepwise.store(started.is_some(), Ordering::Relaxed);
            *self.started.lock().unwrap_or_else(PoisonError::into_inner) = started;
        }
    }

    /// The guest that waits in a host function, if it does. To be used on the JavaScript thread only.
    pub(crate) fn with_caller<R>(
        &self,
        _: Js,
        body: impl FnOnce(&mut Caller<'_>) -> R,
    ) -> Option<R> {
        let caller = self.caller.load(Ordering::Relaxed).cast::<Caller<'_>>();
        // SAFETY: a caller is there only between `Visit::new` and its drop, which both happen on this thread (`Js` proves
        // that we are on it) while the guest waits, so it is alive. JavaScript cannot run inside of `body`, so the
        // reference is the only one.
        match unsafe { caller.as_mut() } {
            Some(caller) => Some(body(caller)),
            None => self.innermost()?.with_caller(body),
        }
    }

    /// Whether a call can reach JavaScript.
    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether the guest waits in a host function.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.caller.load(Ordering::Relaxed).is_null()
            || self.innermost().is_some_and(|call| call.is_waiting())
    }

    fn innermost(&self) -> Option<Arc<HostCall>> {
        self.lock_waiting().last().cloned()
    }

    fn lock_waiting(&self) -> std::sync::MutexGuard<'_, Vec<Arc<HostCall>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call_numeric(
        self: &Arc<Self>,
        index: u32,
        caller: &mut Caller<'_>,
        arguments: &[Value],
        results: &mut [Value],
    ) -> Result<(), HostFunctionError> {
        if !self.dispatcher.is_current() {
            let request = Request::Values(arguments.to_vec(), results.to_vec());
            if let Answer::Values(values) = self.wait(index, caller, request)? {
                results.copy_from_slice(&values);
            }
            return Ok(());
        }
        self.visit(caller, |js| {
            let mut locals = self.first_arguments(js, 0, arguments.len())?;
            for argument in arguments {
                locals.push(convert::to_js(js, *argument)?);
            }
            let value = self.call_js(js, index, &locals)?;
            Ok(convert::read_results(js, value, results)?)
        })
    }

    fn call_envelope(
        self: &Arc<Self>,
        index: u32,
        caller: &mut Caller<'_>,
        input: &[u8],
    ) -> Result<Vec<u8>, HostFunctionError> {
        if !self.dispatcher.is_current() {
            let request = Request::Bytes(input.to_vec());
            return match self.wait(index, caller, request)? {
                Answer::Bytes(output) => Ok(output),
                Answer::Values(_) => Ok(Vec::new()),
            };
        }
        self.visit(caller, |js| {
            let mut locals = self.first_arguments(js, 0, 1)?;
            locals.push(js.bytes(input)?);
            let output = self.call_js(js, index, &locals)?;
            // SAFETY: nothing runs before the bytes are copied.
            Ok(unsafe { js.slice(output) }?.to_vec())
        })
    }

    /// Asks JavaScript what becomes of a guest that has paused.
    pub(crate) fn decide(
        self: &Arc<Self>,
        caller: &mut Caller<'_>,
        slice: Slice,
    ) -> Result<SliceDecision, HostFunctionError> {
        let arguments = [slice.used, slice.left, slice.count]
            .map(|number| Value::I64(number.cast_signed()))
            .to_vec();
        let request = Request::Values(arguments, vec![Value::I64(0)]);
        let more = match self.wait(SLICES, caller, request)? {
            Answer::Values(values) => match values[..] {
                [Value::I64(more)] => more,
                _ => 0,
            },
            Answer::Bytes(_) => 0,
        };
        Ok(u64::try_from(more).map_or(SliceDecision::Stop, SliceDecision::Continue))
    }

    /// Has a host call served on the JavaScript thread while this thread waits.
    fn wait(self: &Arc<Self>, index: u32, caller: &mut Caller<'_>, request: Request) -> Answered {
        let call = HostCall::new();
        self.lock_waiting().push(Arc::clone(&call));
        let message = HostMessage {
            link: Arc::clone(self),
            index,
            promise: self.call.load(Ordering::Relaxed),
            request,
            duty: Duty::new(&call),
        };
        let answered = call.wait(caller, || {
            match self.steps() {
                Some(started) if index != SLICES => started.step(message),
                _ => self.dispatcher.post(Message::Host(message)),
            }
            // In this order: a thread less is needed only from here on.
            self.pool.get().and_then(Pool::place)?.park()
        });
        self.lock_waiting().pop();
        if let Some(number) = call.abandoned() {
            self.dispatcher.post(Message::Forget(number));
        }
        answered
    }

    fn steps(&self) -> Option<Arc<Started>> {
        if !self.stepwise.load(Ordering::Relaxed) {
            return None;
        }
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.clone()
    }

    /// What every host function gets first: the number of the promise of the guest's call and that of the host call, both 0
    /// in a synchronous call.
    fn first_arguments(&self, js: Js, token: u32, more: usize) -> Result<Vec<Local>, Failure> {
        let mut locals = Vec::with_capacity(more + 2);
        locals.push(js.uint32(self.call.load(Ordering::Relaxed))?);
        locals.push(js.uint32(token)?);
        Ok(locals)
    }

    /// Runs `body` on this thread, with the guest's memory and fuel open to it.
    fn visit<R>(
        &self,
        caller: &mut Caller<'_>,
        body: impl FnOnce(Js) -> Result<R, Ended>,
    ) -> Result<R, HostFunctionError> {
        // SAFETY: a guest that was called on the JavaScript thread runs inside of a native function, which has a handle scope.
        let Some(js) = (unsafe { self.dispatcher.js() }) else {
            return Err(ending());
        };
        let _visit = Visit::new(self, ptr::from_mut(caller).cast::<c_void>());
        let result =
            js.scoped(|| Ok(body(js).map_err(|ended| ended.into_error(js, &self.dispatcher))));
        result.unwrap_or_else(|_| Err(ending()))
    }

    fn call_js(&self, js: Js, index: u32, arguments: &[Local]) -> Result<Local, Ended> {
        let function = js.element(self.functions.get(js)?, index.wrapping_add(1))?;
        js.call(function, arguments).map_err(Ended::Thrown)
    }
}

impl HostMessage {
    /// Calls the function. If it defers its answer, [`Runtime::host_calls`] keeps what is needed for it.
    pub(crate) fn run(self, js: Js, runtime: &Runtime) {
        // It may have been stopped while the message was on its way.
        if self.duty.call().is_over() {
            return;
        }
        let (link, call) = (Arc::clone(&self.link), Arc::clone(self.duty.call()));
        let (index, promise) = (self.index, self.promise);
        let locals = self.request.arguments(js);
        let token = runtime.host_calls.borrow_mut().add(self);
        let returned = locals.map_err(Ended::from).and_then(|locals| {
            let mut all = vec![js.uint32(promise)?, js.uint32(token)?];
            all.extend(locals);
            link.call_js(js, index, &all)
        });
        let kept = match &returned {
            Ok(_) => runtime.host_calls.borrow_mut().take_unless_deferred(token),
            Err(_) => runtime.host_calls.borrow_mut().take(token),
        };
        if let Some(message) = kept {
            let read = returned.and_then(|value| Ok(message.request.read(js, value)?));
            call.answer(read.map_err(|ended| ended.into_error(js, &link.dispatcher)));
        }
    }

    /// Answers with what a promise resolved with.
    pub(crate) fn complete(self, js: Js, value: Local) {
        let read = self.request.read(js, value).map_err(Ended::from);
        let answered = read.map_err(|ended| ended.into_error(js, &self.link.dispatcher));
        self.duty.call().answer(answered);
    }

    /// Answers with what was thrown.
    pub(crate) fn fail(self, js: Js, thrown: Local) {
        let ended = Ended::Thrown(Thrown(Some(thrown)));
        let error = ended.into_error(js, &self.link.dispatcher);
        self.duty.call().answer(Err(error));
    }

    pub(crate) fn host_call(&self) -> &Arc<HostCall> {
        self.duty.call()
    }

    /// The function and its arguments, as a step shows them.
    pub(crate) fn describe(&self, js: Js) -> Result<Vec<Local>, Failure> {
        let mut locals = vec![js.uint32(self.index)?];
        locals.extend(self.request.arguments(js)?);
        Ok(locals)
    }
}

impl Request {
    fn arguments(&self, js: Js) -> Result<Vec<Local>, Failure> {
        match self {
            Self::Values(arguments, _) => arguments
                .iter()
                .map(|argument| convert::to_js(js, *argument))
                .collect(),
            Self::Bytes(input) => Ok(vec![js.bytes(input)?]),
        }
    }

    fn read(&self, js: Js, value: Local) -> Result<Answer, Failure> {
        match self {
            Self::Values(_, results) => {
                let mut results = results.clone();
                convert::read_results(js, value, &mut results)?;
                Ok(Answer::Values(results))
            }
            // SAFETY: nothing runs before the bytes are copied.
            Self::Bytes(_) => Ok(Answer::Bytes(unsafe { js.slice(value) }?.to_vec())),
        }
    }
}

/// The number of a function that there is not.
const NO_FUNCTION: u32 = u32::MAX - 1;

/// The number of the function whose type is that of the call.
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
            .map_or(NO_FUNCTION, |(_, index)| *index),
    }
}

/// The time in which a host function runs that was called on this thread: lays the caller open, and covers it at the end,
/// come what may.
struct Visit<'a> {
    link: &'a HostLink,
    /// The caller of the host function around this one, if the guest was called from there.
    former: *mut c_void,
}

impl<'a> Visit<'a> {
    fn new(link: &'a HostLink, caller: *mut c_void) -> Self {
        let former = link.caller.swap(caller, Ordering::Relaxed);
        Self { link, former }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.link.caller.store(self.former, Ordering::Relaxed);
    }
}

/// The text `code` of something that was thrown; empty if it has none.
fn code_of(js: Js, thrown: Local) -> String {
    js.get(thrown, c"code")
        .and_then(|code| js.to_string(code))
        .unwrap_or_else(|_| {
            // What is no error of ours may throw when it is looked at.
            js.take_exception();
            String::new()
        })
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
        let Some(thrown) = thrown else {
            return ending();
        };
        match JsRef::new(js, thrown, dispatcher) {
            Ok(value) => threw(value, &code_of(js, thrown)),
            Err(_) => ending(),
        }
    }
}
