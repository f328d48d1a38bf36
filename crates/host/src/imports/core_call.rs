//! A user's function of core values as the body of an import.

use std::sync::Arc;

use aingle_wasm_prepare::{FunctionType, ValueType};
use aingle_wasm_types::Phase;

use super::{Caller, HostFunction, HostFunctionError};
use crate::backend::{Guest, HostCall, Stopped};
use crate::error::{ErrorKind, HostError};
use crate::instance::Session;
use crate::value::{Slot, Value};

/// Values that are kept on the stack; longer lists go to the heap.
const INLINE_VALUES: usize = 8;

pub(crate) fn body(
    name: String,
    ty: FunctionType,
    function: HostFunction,
    session: Arc<Session>,
) -> HostCall {
    let call = CoreCall {
        name,
        ty,
        function,
        session,
    };
    Box::new(move |guest, slots| call.run(guest, slots))
}

struct CoreCall {
    name: String,
    ty: FunctionType,
    function: HostFunction,
    session: Arc<Session>,
}

impl CoreCall {
    fn run(&self, guest: &mut dyn Guest, slots: &mut [Slot]) -> Result<(), Stopped> {
        self.session.host_call(guest, self.function.cost, |guest| {
            with_values(&self.ty.params, |args| {
                for ((arg, slot), ty) in args.iter_mut().zip(&*slots).zip(&self.ty.params) {
                    *arg = Value::lift(*slot, *ty, guest);
                }
                with_values(&self.ty.results, |results| {
                    let mut caller = Caller::new(guest, &self.session);
                    (self.function.call)(&mut caller, args, results)
                        .map_err(|error| failed(&self.name, error))?;
                    self.write_results(results, slots, guest)
                })
            })
        })
    }

    fn write_results(
        &self,
        results: &[Value],
        slots: &mut [Slot],
        guest: &dyn Guest,
    ) -> Result<(), HostError> {
        for ((result, ty), slot) in results.iter().zip(&self.ty.results).zip(slots) {
            if result.ty() != *ty {
                let text = format!("it returned {} for {}", result.ty().as_str(), ty.as_str());
                return Err(failed(&self.name, HostFunctionError::new(text)));
            }
            *slot = result.lower(guest).ok_or_else(|| {
                let text = "it returned a function that the instance does not have";
                failed(&self.name, HostFunctionError::new(text))
            })?;
        }
        Ok(())
    }
}

/// Hands `body` zeros of the given types.
fn with_values<R>(types: &[ValueType], body: impl FnOnce(&mut [Value]) -> R) -> R {
    let mut inline = [Value::I32(0); INLINE_VALUES];
    match inline.get_mut(..types.len()) {
        Some(values) => {
            for (value, ty) in values.iter_mut().zip(types) {
                *value = Value::zero(*ty);
            }
            body(values)
        }
        None => body(&mut types.iter().map(|ty| Value::zero(*ty)).collect::<Vec<_>>()),
    }
}

/// The error of a call whose host function failed.
#[cold]
pub(crate) fn failed(name: &str, error: HostFunctionError) -> HostError {
    let kind = ErrorKind::HostFunction {
        code: error.code,
        name: name.to_owned(),
        text: error.text,
        terminated: error.terminated,
    };
    HostError::new(Phase::Host, kind).with_payload(error.payload)
}
