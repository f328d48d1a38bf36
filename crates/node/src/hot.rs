//! The functions that are called per call: raw Node-API, because what `#[napi]` adds to a function costs more than a
//! small guest. Each is named as in `binding.ts`.

use std::mem;
use std::time::Instant;

use aingle_wasm_host::{CallOptions, InstanceState, Value};
use napi::sys;

use crate::convert;
use crate::error::Failure;
use crate::instance::{Export, Instance};
use crate::js::{Js, Local, entry};
use crate::receipt;
use crate::region::Region;
use crate::settle::Delivery;

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
    c"callSlab" => call_slab: 4;
    c"callBytes" => call_bytes: 4;
    c"invokeFew" => invoke_few: 2 + FEW;
    c"invokeMany" => invoke_many: 3;
    c"call" => call: 5;
    c"invoke" => invoke: 5;
    c"instanceState" => instance_state: 1;
    c"fuelUsed" => fuel_used: 1;
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

fn call_slab(js: Js, [instance, handle, length, fuel]: [Local; 4]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let length = js.to_u32(length)? as usize;
    // SAFETY: the facade fills the region before this call and leaves it alone until the call is over, also when a host
    // function calls another guest meanwhile.
    let input = unsafe { instance.runtime.input.prefix(length) };
    send(
        js,
        instance,
        handle,
        input,
        fuel,
        Some(&instance.runtime.output),
    )
}

fn call_bytes(js: Js, [instance, handle, input, fuel]: [Local; 4]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    // SAFETY: without host functions no JavaScript runs before the end of the call; with them, the bytes are copied first.
    // The facade gives no array that other threads can write.
    let input = unsafe { js.slice(input) }?;
    if instance.shared.link.is_used() {
        let copy = input.to_vec();
        send(js, instance, handle, &copy, fuel, None)
    } else {
        send(js, instance, handle, input, fuel, None)
    }
}

/// A call of bytes on this thread. The output goes to `place`, if it fits, and its length is returned; else it becomes an
/// array of its own. With `fuel` the call leaves a receipt, without it has the engine's fuel.
fn send(
    js: Js,
    instance: &Instance,
    handle: Local,
    input: &[u8],
    fuel: Local,
    place: Option<&Region>,
) -> Result<Local, Failure> {
    let export = instance.export(js.to_u32(handle)?)?;
    let runtime = &*instance.runtime;
    let options = options(js, fuel)?;
    let mut taken = instance.shared.try_use()?;
    instance.shared.link.begin_call(0);
    let guest = taken.guest();
    let output = guest.call_with(export.handle, input, options, |output| {
        let placed = place.is_some_and(|place| place.write(0, output));
        if placed {
            js.uint32(output.len() as u32)
        } else {
            js.bytes(output)
        }
    })??;
    if options.timed {
        runtime
            .receipt
            .write_words(0, &receipt::words(guest.receipt(), 0.0));
    }
    Ok(output)
}

fn options(js: Js, fuel: Local) -> Result<CallOptions, Failure> {
    if js.is_undefined(fuel)? {
        return Ok(CallOptions::default());
    }
    Ok(CallOptions {
        fuel: Some(js.to_i64(fuel)?.cast_unsigned()),
        timed: true,
    })
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
    let mut taken = instance.shared.try_use()?;
    instance.shared.link.begin_call(0);
    let mut results = Vec::new();
    taken
        .guest()
        .invoke_with(export.handle, values, CallOptions::default(), &mut results)?;
    convert::results(js, &results)
}

fn call(js: Js, [instance, id, handle, input, fuel]: [Local; 5]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let (id, handle) = (js.to_u32(id)?, instance.export(js.to_u32(handle)?)?.handle);
    let options = options(js, fuel)?;
    // SAFETY: nothing runs before the bytes are copied.
    let input = unsafe { js.slice(input) }?.to_vec();
    let (shared, queued) = (instance.shared.clone(), Instant::now());
    instance
        .runtime
        .submit(js, &instance.pool, &instance.lane, id, move || {
            let queue_ms = queued.elapsed().as_secs_f64() * 1e3;
            let mut taken = shared.wait_to_use()?;
            shared.link.begin_call(id);
            let guest = taken.guest();
            let bytes = guest.call_with(handle, &input, options, <[u8]>::to_vec)?;
            Ok(Delivery::Call {
                bytes,
                receipt: *guest.receipt(),
                queue_ms,
            })
        })?;
    js.undefined()
}

fn invoke(js: Js, [instance, id, handle, arguments, fuel]: [Local; 5]) -> Result<Local, Failure> {
    let instance = this(js, instance)?;
    let (id, export) = (js.to_u32(id)?, instance.export(js.to_u32(handle)?)?);
    let options = options(js, fuel)?;
    let arguments = convert::arguments(js, arguments, &export.params)?;
    let (shared, handle) = (instance.shared.clone(), export.handle);
    instance
        .runtime
        .submit(js, &instance.pool, &instance.lane, id, move || {
            let mut taken = shared.wait_to_use()?;
            shared.link.begin_call(id);
            let mut results = Vec::new();
            taken
                .guest()
                .invoke_with(handle, &arguments, options, &mut results)?;
            Ok(Delivery::Values(mem::take(&mut results)))
        })?;
    js.undefined()
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
    // SAFETY: the facade, the only caller, gives what `instantiate` made. As an argument of the running function it stays
    // alive until that returns.
    unsafe { js.external_ref::<Instance>(instance) }
}
