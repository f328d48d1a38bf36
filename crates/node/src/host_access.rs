//! What JavaScript asks for and answers while a guest waits in a host function. A host call is known by its number; 0 is the
//! one that runs in a synchronous call.

use std::rc::Rc;
use std::sync::Arc;

use aingle_wasm_host::{Caller, Receipt, StopReason};
use napi::bindgen_prelude::{BigInt, Env, External, Unknown};
use napi_derive::napi;

use crate::dispatcher::Message;
use crate::error::Failure;
use crate::frame::{local, run};
use crate::host_call::HostCall;
use crate::host_function::{HostLink, HostMessage};
use crate::js::Js;
use crate::runtime::Runtime;
use crate::settle::Delivery;
use crate::step::Started;

/// See `binding.ts`.
#[napi]
pub(crate) fn fuel_left(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    link: &External<Arc<HostLink>>,
    number: u32,
) -> napi::Result<BigInt> {
    run(env, |js| {
        let left = with_caller(js, runtime, link, number, |caller| caller.fuel_left());
        Ok(BigInt::from(left.unwrap_or(0)))
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn charge(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    link: &External<Arc<HostLink>>,
    number: u32,
    fuel: BigInt,
) -> napi::Result<bool> {
    run(env, |js| {
        let fuel = fuel.get_u64().1;
        let charged = with_caller(js, runtime, link, number, |caller| caller.charge(fuel));
        Ok(charged.transpose()?.is_some())
    })
}

fn with_caller<R>(
    js: Js,
    runtime: &Runtime,
    link: &HostLink,
    number: u32,
    body: impl FnOnce(&mut Caller<'_>) -> R,
) -> Option<R> {
    if number == 0 {
        return link.with_caller(js, body);
    }
    host_call(runtime, number)?.with_caller(body)
}

fn host_call(runtime: &Runtime, number: u32) -> Option<Arc<HostCall>> {
    let host_calls = runtime.host_calls.borrow();
    host_calls
        .get(number)
        .map(|message| Arc::clone(message.host_call()))
}

/// See `binding.ts`.
#[napi]
pub(crate) fn defer_host_call(runtime: &External<Rc<Runtime>>, number: u32) {
    runtime.host_calls.borrow_mut().defer(number);
}

/// See `binding.ts`.
#[napi]
pub(crate) fn answer_host_call(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    number: u32,
    value: Unknown<'_>,
) -> napi::Result<()> {
    run(env, |js| {
        answer(runtime, number, |message| {
            message.complete(js, local(&value));
        });
        Ok(())
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn fail_host_call(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    number: u32,
    thrown: Unknown<'_>,
) -> napi::Result<()> {
    run(env, |js| {
        answer(runtime, number, |message| {
            message.fail(js, local(&thrown));
        });
        Ok(())
    })
}

/// An answer that comes too late finds nothing.
fn answer(runtime: &Runtime, number: u32, answer: impl FnOnce(HostMessage)) {
    let message = runtime.host_calls.borrow_mut().take(number);
    if let Some(message) = message {
        answer(message);
    }
}

/// See `binding.ts`.
#[napi]
pub(crate) fn call_guest(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    number: u32,
    id: u32,
    name: String,
    input: &[u8],
) -> napi::Result<bool> {
    run(env, |js| {
        let Some(call) = host_call(runtime, number) else {
            return Ok(false);
        };
        let dispatcher = Arc::clone(&runtime.dispatcher);
        let deliver = move |called: Result<(Vec<u8>, Receipt), _>| {
            let outcome = match called {
                Ok((bytes, receipt)) => Ok(Delivery::Call {
                    bytes,
                    receipt,
                    queue_ms: 0.0,
                }),
                Err(error) => Err(Failure::from(error)),
            };
            dispatcher.post(Message::Settle(id, outcome));
        };
        let taken = call.call_guest(name, input.to_vec(), Box::new(deliver));
        if taken {
            runtime.begin(js)?;
        }
        Ok(taken)
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn abort_call(runtime: &External<Rc<Runtime>>, id: u32) {
    runtime.stop(id, StopReason::Aborted);
}

/// See `binding.ts`.
#[napi]
pub(crate) fn abort_steps(started: &External<Arc<Started>>) {
    started.stop(StopReason::Aborted);
}

/// See `binding.ts`.
#[napi]
pub(crate) fn resume_steps(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    started: &External<Arc<Started>>,
    id: u32,
) -> napi::Result<()> {
    run(env, |js| {
        started.resume(id);
        runtime.begin(js)
    })
}
