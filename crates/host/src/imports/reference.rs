//! A user's function as what a reference to it means: it gets the counter and the depth behind its arguments, as every
//! function in a table does, and gives the counter back.

use std::sync::Arc;

use aingle_wasm_prepare::bridge;
use aingle_wasm_types::{ErrorCode, Phase};

use super::{HostFunction, core_call};
use crate::backend::{FunctionImport, Guest, Stopped};
use crate::error::{ErrorKind, HostError};
use crate::instance::{Session, outcome};
use crate::value::Slot;

/// Name of such a function in errors: a reference has none.
const NAME: &str = "in a reference";

/// The function of an instance.
///
/// # Errors
/// - `ERR_INVALID_ARG_VALUE` for a function without a type of its own.
pub(crate) fn import(
    function: &HostFunction,
    session: &Arc<Session>,
) -> Result<FunctionImport, HostError> {
    let declared = function.ty.clone().ok_or_else(untyped)?;
    let (params, results) = (declared.params.len(), declared.results.len());
    let ty = bridge::reference_type(&declared);
    let session = Arc::clone(session);
    let body = core_call::body(
        NAME.to_owned(),
        declared,
        function.clone(),
        Arc::clone(&session),
    );
    let call = move |guest: &mut dyn Guest, slots: &mut [Slot]| -> Result<(), Stopped> {
        let fuel = (slots[params] as u64).cast_signed();
        if fuel < 0 {
            let limit = session.fuel_limit();
            return Err(session.stop_call(outcome::fuel_exhausted(Phase::Call, limit)));
        }
        guest.set_fuel(fuel);
        guest.set_depth(slots[params + 1] as u32);
        body(guest, slots)?;
        slots[results] = guest.fuel().cast_unsigned().into();
        Ok(())
    };
    Ok(FunctionImport {
        ty,
        call: Box::new(call),
        quick: None,
    })
}

#[cold]
fn untyped() -> HostError {
    let kind = ErrorKind::Argument {
        code: ErrorCode::InvalidArgValue,
        option: "functions",
        value: "a function without a type".to_owned(),
        allowed: "a function with a type of its own".to_owned(),
    };
    HostError::new(Phase::Link, kind)
}
