//! The functions that are called per call: raw Node-API, because what `#[napi]` adds to a function costs more than a
//! small guest. Each is named as in `binding.ts`.

use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use aingle_wasm_host::{
    CallOptions, ExportHandle, InstanceState, SliceOptions, Ticket, TimeLimit, Value, WasmInstance,
};
use napi::sys;

use crate::convert;
use crate::error::Failure;
use crate::frame;
use crate::host_function::HostLink;
use crate::instance::{Export, Handle, Instance};
use crate::js::{Js, Local, entry, entry_with};
use crate::receipt;
use crate::region::Word;
use crate::runtime::Runtime;
use crate::settle::{Delivery, Outcome};
use crate::step::Started;

/// Arguments of `invokeFew` beside instance and handle.
const FEW: usize = 8;

/// Adds the functions of this file to the addon's exports: each as the name for JavaScript, the function behind it and how
/// many arguments it reads.
macro_rules! functions {
    ($($name:literal => $function:ident: $arguments:expr;)+) => {
        /// Adds the raw functions to the addon's exports.
        pub(crate) fn register(js: Js, exports: Local) -> Result<(), Failure> {
            $({
                unsafe extern "C" fn callback(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
                    // SAFETY: Node calls this with the environment and information of this very call.
                    unsafe { entry::<{ $arguments }>(env, info, $function) }
                }
                js.export(exports, $name, Some(callback))?;
            })+
            Ok(())
        }
    };
}

pub(crate) use functions;

functions! {
    c"exportHandle" => export_handle: 2;
    c"instanceNumber" => instance_number: 1;
    c"callBytes" => call_bytes: 5;
    c"invokeFew" => invoke_few: 2 + FEW;
    c"invokeMany" => invoke_many: 3;
    c"call" => call: 7;
    c"invoke" => invoke: 7;
    c"start" => start: 6;
    c"instanceState" => instance_state: 1;
    c"fuelUsed" => fuel_used: 1;
    c"instanceStats" => instance_stats: 1;
    c"memoryPages" => memory_pages: 1;
    c"memoryRead" => memory_read: 3;
    c"memoryWrite" => memory_write: 3;
    c"memoryGrow" => memory_grow: 2;
    c"globalGet" => global_get: 2;
    c"globalSet" => global_set: 3;
    c"closeInstance" => close_instance: 1;
}

fn export_handle(js: Js, [instance, name]: [Local; 2]) -> Result<Local, Failure> {
    js.uint32(this(js, instance)?.number_export(&js.to_string(name)?)?)
}

fn instance_number(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    js.uint32(handle(js, instance)?.number)
}

/// Words of the control region. The first ones are written by JavaScript before a call, the last one by the call.
mod control {
    /// Number of the instance.
    pub(super) const INSTANCE: usize = 0;
    /// Number of the exported function.
    pub(super) const EXPORT: usize = 1;
    /// Bytes of the input.
    pub(super) const LENGTH: usize = 2;
    /// Whether the call has options and leaves a receipt.
    pub(super) const OPTIONS: usize = 3;
    /// Fuel of such a call, as an exact count.
    pub(super) const FUEL: usize = 4;
    /// Milliseconds of such a call; 0: no limit.
    pub(super) const TIME: usize = 5;
    /// Bytes of the output.
    pub(super) const OUTPUT: usize = 6;
}

/// The function behind `callSlab`. Everything it takes and gives goes through the runtime's regions: each argument of a
/// Node-API function costs about as much as a small guest.
pub(crate) fn slab_function(js: Js, runtime: &Rc<Runtime>) -> Result<Local, Failure> {
    unsafe extern "C" fn callback(
        env: sys::napi_env,
        info: sys::napi_callback_info,
    ) -> sys::napi_value {
        // SAFETY: Node calls this with the environment and information of this very call.
        unsafe { entry_with(env, info, call_slab) }
    }
    let data = Rc::as_ptr(runtime).cast_mut().cast();
    js.function(c"callSlab", Some(callback), data)
}

fn call_slab(js: Js, runtime: *mut c_void) -> Result<Option<Local>, Failure> {
    // SAFETY: the function was made with a runtime, which lives as long as its environment (see `Runtime::open`), and so
    // while functions of the environment are called.
    let runtime = unsafe { &*runtime.cast_const().cast::<Runtime>() };
    let control = &runtime.control;
    let instance = runtime
        .instances
        .borrow()
        .get(control.number(control::INSTANCE) as u32)?;
    let export = instance.handle(control.number(control::EXPORT) as u32)?;
    let options = if control.number(control::OPTIONS) == 0.0 {
        CallOptions::default()
    } else {
        let fuel = u64::from_ne_bytes(control.word(control::FUEL));
        limited(fuel, control.number(control::TIME))
    };
    // SAFETY: the facade fills the region before this call and leaves it alone until the call is over, also when a host
    // function calls another guest meanwhile.
    let input = unsafe {
        runtime
            .input
            .prefix(control.number(control::LENGTH) as usize)
    };
    send(&instance, export, input, options, |output| {
        if runtime.output.write(0, output) {
            control.write_words(control::OUTPUT, &[Word::Number(output.len() as f64)]);
            return Ok(None);
        }
        js.bytes(output).map(Some)
    })?
}

fn call_bytes(
    js: Js,
    [instance, handle, input, fuel, limit]: [Local; 5],
) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let export = instance.handle(js.to_u32(handle)?)?;
    let options = if js.is_undefined(fuel)? {
        CallOptions::default()
    } else {
        limited(js.to_i64(fuel)?.cast_unsigned(), js.to_f64(limit)?)
    };
    // SAFETY: without host functions no JavaScript runs before the end of the call; with them, the bytes are copied first.
    // The facade gives no array that other threads can write.
    let input = unsafe { js.slice(input) }?;
    let give = |output: &[u8]| js.bytes(output);
    if instance.shared.link.is_used() {
        let copy = input.to_vec();
        send(instance, export, &copy, options, give)?
    } else {
        send(instance, export, input, options, give)?
    }
}

/// A call of bytes on this thread. A timed one leaves a receipt.
fn send<R>(
    instance: &Instance,
    export: ExportHandle,
    input: &[u8],
    options: CallOptions<'_>,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R, Failure> {
    let _depth = instance.runtime.enter()?;
    let mut taken = instance.shared.try_use()?;
    instance.shared.link.begin_call(0, None);
    let guest = taken.guest();
    let output = guest.call_with(export, input, options, read);
    // Of a failed call as well: a host function may have ended it with a result.
    if options.timed {
        let receipt = receipt::words(guest.receipt(), 0.0);
        instance.runtime.receipt.write_words(0, &receipt);
    }
    Ok(output?)
}

fn limited(fuel: u64, limit: f64) -> CallOptions<'static> {
    CallOptions {
        fuel: Some(fuel),
        timed: true,
        time: if limit > 0.0 {
            TimeLimit::Milliseconds(limit as u64)
        } else {
            TimeLimit::None
        },
        ..CallOptions::default()
    }
}

fn invoke_few(
    js: Js,
    [instance, handle, arguments @ ..]: [Local; 2 + FEW],
) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let export = instance.export(js.to_u32(handle)?)?;
    let mut values = [Value::I32(0); FEW];
    let values = values
        .get_mut(..export.params.len())
        .ok_or(Failure::Argument("a function of few parameters"))?;
    for ((value, argument), ty) in values.iter_mut().zip(arguments).zip(&*export.params) {
        *value = convert::from_js(js, argument, *ty)?;
    }
    invoke_sync(js, instance, &export, values)
}

fn invoke_many(js: Js, [instance, handle, arguments]: [Local; 3]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let export = instance.export(js.to_u32(handle)?)?;
    let values = convert::arguments(js, arguments, &export.params)?;
    invoke_sync(js, instance, &export, &values)
}

fn invoke_sync(
    js: Js,
    instance: &Instance,
    export: &Export,
    values: &[Value],
) -> Result<Local, Failure> {
    let _depth = instance.runtime.enter()?;
    let mut taken = instance.shared.try_use()?;
    instance.shared.link.begin_call(0, None);
    let mut results = Vec::new();
    taken
        .guest()
        .invoke_with(export.handle, values, CallOptions::default(), &mut results)?;
    convert::results(js, &results)
}

fn call(
    js: Js,
    [instance, id, handle, input, fuel, limit, slice]: [Local; 7],
) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let (id, handle) = (js.to_u32(id)?, instance.handle(js.to_u32(handle)?)?);
    let limits = Limits::read(js, fuel, limit, slice)?;
    // SAFETY: nothing runs before the bytes are copied.
    let input = unsafe { js.slice(input) }?.to_vec();
    let (shared, queued) = (instance.shared.clone(), Instant::now());
    let work = move |ticket: &Ticket| {
        let queue_ms = queued.elapsed().as_secs_f64() * 1e3;
        let mut taken = shared.wait_to_use()?;
        shared.link.begin_call(id, None);
        let slices = limits.slices(&shared.link);
        let guest = taken.guest();
        let options = limits.options(ticket, slices.as_ref());
        let called = guest.call_with(handle, &input, options, <[u8]>::to_vec);
        let receipt = *guest.receipt();
        Ok(match called {
            Ok(bytes) => Delivery::Call {
                bytes,
                receipt,
                queue_ms,
            },
            Err(error) => Delivery::Failed {
                failure: error.into(),
                receipt,
                queue_ms,
            },
        })
    };
    let runtime = &instance.runtime;
    runtime.submit(js, &instance.queue(limits.time), id, work)?;
    js.undefined()
}

fn invoke(
    js: Js,
    [instance, id, handle, arguments, fuel, limit, slice]: [Local; 7],
) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let (id, export) = (js.to_u32(id)?, instance.export(js.to_u32(handle)?)?);
    let limits = Limits::read(js, fuel, limit, slice)?;
    let arguments = convert::arguments(js, arguments, &export.params)?;
    let (shared, handle) = (instance.shared.clone(), export.handle);
    let work = move |ticket: &Ticket| {
        let mut taken = shared.wait_to_use()?;
        shared.link.begin_call(id, None);
        let slices = limits.slices(&shared.link);
        let options = limits.options(ticket, slices.as_ref());
        invoke_values(taken.guest(), handle, &arguments, options)
    };
    let runtime = &instance.runtime;
    runtime.submit(js, &instance.queue(limits.time), id, work)?;
    js.undefined()
}

/// As `invoke`, with every host call shown as a step. Gives what `resumeSteps` and `abortSteps` take.
fn start(
    js: Js,
    [instance, id, handle, arguments, fuel, limit]: [Local; 6],
) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let (id, export) = (js.to_u32(id)?, instance.export(js.to_u32(handle)?)?);
    let limits = Limits::read(js, fuel, limit, js.undefined()?)?;
    let arguments = convert::arguments(js, arguments, &export.params)?;
    let (shared, handle) = (instance.shared.clone(), export.handle);
    let started = Started::new(&instance.runtime.dispatcher, id);
    let (steps, end) = (Arc::clone(&started), Arc::clone(&started));
    let work = move |ticket: &Ticket| {
        let mut taken = shared.wait_to_use()?;
        shared.link.begin_call(id, Some(steps));
        let outcome = invoke_values(
            taken.guest(),
            handle,
            &arguments,
            limits.options(ticket, None),
        );
        shared.link.begin_call(0, None);
        outcome
    };
    let queue = instance.queue(limits.time);
    let ticket = queue.submit(work, move |outcome| end.finish(outcome))?;
    started.set_ticket(ticket);
    instance.runtime.begin(js)?;
    frame::external(js, started)
}

fn invoke_values(
    guest: &mut WasmInstance,
    handle: ExportHandle,
    arguments: &[Value],
    options: CallOptions<'_>,
) -> Outcome {
    let mut results = Vec::new();
    guest.invoke_with(handle, arguments, options, &mut results)?;
    Ok(Delivery::Values(results))
}

/// Limits of a call off this thread.
#[derive(Clone, Copy)]
struct Limits {
    fuel: u64,
    /// Milliseconds.
    time: Option<u64>,
    /// Fuel of a slice.
    slice: Option<u64>,
}

impl Limits {
    fn read(js: Js, fuel: Local, limit: Local, slice: Local) -> Result<Self, Failure> {
        let limit = js.to_f64(limit)?;
        let slice = if js.is_undefined(slice)? {
            None
        } else {
            Some(js.to_i64(slice)?.cast_unsigned())
        };
        Ok(Self {
            fuel: js.to_i64(fuel)?.cast_unsigned(),
            time: (limit > 0.0).then_some(limit as u64),
            slice,
        })
    }

    fn slices(&self, link: &Arc<HostLink>) -> Option<SliceOptions> {
        let link = Arc::clone(link);
        self.slice.map(|fuel| SliceOptions {
            fuel,
            decide: Arc::new(move |caller, slice| link.decide(caller, slice)),
        })
    }

    fn options<'a>(&self, ticket: &'a Ticket, slices: Option<&'a SliceOptions>) -> CallOptions<'a> {
        CallOptions {
            fuel: Some(self.fuel),
            timed: true,
            ticket: Some(ticket),
            slices,
            ..CallOptions::default()
        }
    }
}

fn instance_state(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    js.uint32(match this(js, instance)?.state() {
        InstanceState::Idle => 0,
        InstanceState::Running => 1,
        InstanceState::Host => 2,
        InstanceState::Poisoned => 3,
        InstanceState::Closed => 4,
    })
}

fn fuel_used(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    js.bigint_u64(this(js, instance)?.fuel_used())
}

/// An array: calls, stopped calls, fuel.
fn instance_stats(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    let stats = this(js, instance)?.stats();
    let array = js.array(3)?;
    js.set_element(array, 0, js.number(stats.calls as f64)?)?;
    js.set_element(array, 1, js.number(stats.stopped as f64)?)?;
    js.set_element(array, 2, js.bigint_u64(stats.fuel)?)?;
    Ok(array)
}

fn memory_pages(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    js.uint32(instance.access(
        js,
        |caller| Ok(caller.memory_pages()),
        |guest| guest.memory_pages(),
    )?)
}

fn memory_read(js: Js, [instance, ptr, len]: [Local; 3]) -> Result<Local, Failure> {
    let (instance, ptr, len) = (this(js, instance)?, js.to_u32(ptr)?, js.to_u32(len)?);
    js.bytes(&instance.access(
        js,
        |caller| caller.memory_read(ptr, len),
        |guest| guest.memory_read(ptr, len),
    )?)
}

fn memory_write(js: Js, [instance, ptr, bytes]: [Local; 3]) -> Result<Local, Failure> {
    let (instance, ptr) = (this(js, instance)?, js.to_u32(ptr)?);
    // SAFETY: nothing runs while the bytes are copied.
    let bytes = unsafe { js.slice(bytes) }?;
    instance.access(
        js,
        |caller| caller.memory_write(ptr, bytes),
        |guest| guest.memory_write(ptr, bytes),
    )?;
    js.undefined()
}

fn memory_grow(js: Js, [instance, pages]: [Local; 2]) -> Result<Local, Failure> {
    let (instance, pages) = (this(js, instance)?, js.to_u32(pages)?);
    js.uint32(instance.access(
        js,
        |caller| caller.memory_grow(pages),
        |guest| guest.memory_grow(pages),
    )?)
}

fn global_get(js: Js, [instance, number]: [Local; 2]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let handle = instance.global(js.to_u32(number)?)?;
    let value = instance.access(
        js,
        |caller| Ok(caller.global(handle)),
        |guest| guest.global(handle),
    )?;
    convert::to_js(js, value)
}

fn global_set(js: Js, [instance, number, value]: [Local; 3]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let handle = instance.global(js.to_u32(number)?)?;
    let value = convert::from_js(js, value, handle.ty().value)?;
    instance.access(
        js,
        |caller| caller.set_global(handle, value),
        |guest| guest.set_global(handle, value),
    )?;
    js.undefined()
}

fn close_instance(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    this(js, instance)?.close();
    js.undefined()
}

/// The instance that a function was called with.
pub(crate) fn this<'a>(js: Js, instance: Local) -> Result<&'a Instance, Failure> {
    Ok(&handle(js, instance)?.instance)
}

fn handle<'a>(js: Js, instance: Local) -> Result<&'a Handle, Failure> {
    // SAFETY: the facade, the only caller, gives what `instantiate` made. As an argument of the running function it stays
    // alive until that returns.
    unsafe { js.external_ref::<Handle>(instance) }
}
