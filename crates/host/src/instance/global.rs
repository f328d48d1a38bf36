//! Globals of a guest that its host can reach: the imported and the exported ones.

use aingle_wasm_prepare::GlobalType;
use aingle_wasm_types::{ErrorCode, Phase};

use super::{WasmInstance, reference};
use crate::backend::{GlobalId, Guest};
use crate::error::{ErrorKind, HostError};
use crate::value::Value;

/// A global of a module, found once. Good for every instance of that module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalHandle {
    pub(crate) module: u32,
    pub(crate) number: u32,
    pub(crate) ty: GlobalType,
}

impl GlobalHandle {
    /// The global's type.
    #[must_use]
    pub const fn ty(&self) -> GlobalType {
        self.ty
    }
}

impl WasmInstance {
    /// Reads a global. Works on a poisoned instance as well.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a handle of another module.
    /// - `ERR_INSTANCE_CLOSED` after [`WasmInstance::close`].
    pub fn global(&mut self, handle: GlobalHandle) -> Result<Value, HostError> {
        self.check_handle(handle)?;
        Ok(read(self.guest()?, handle))
    }

    /// Writes a global. Works on a poisoned instance as well.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE` for a constant, for a value of another type and for a handle of another module.
    /// - `ERR_INSTANCE_CLOSED` after [`WasmInstance::close`].
    pub fn set_global(&mut self, handle: GlobalHandle, value: Value) -> Result<(), HostError> {
        self.check_handle(handle)?;
        write(self.guest()?, handle, value)
    }

    fn check_handle(&self, handle: GlobalHandle) -> Result<(), HostError> {
        if self.module.is_id(handle.module) {
            return Ok(());
        }
        Err(HostError::argument(
            "global",
            "a handle of another module",
            "a handle of this instance's module",
        ))
    }
}

pub(crate) fn read(guest: &mut dyn Guest, handle: GlobalHandle) -> Value {
    let slot = guest.global(GlobalId(handle.number));
    Value::lift(slot, handle.ty.value, guest)
}

pub(crate) fn write(
    guest: &mut dyn Guest,
    handle: GlobalHandle,
    value: Value,
) -> Result<(), HostError> {
    if !handle.ty.mutable {
        return Err(refused("a constant", "a mutable global".to_owned()));
    }
    if value.ty() != handle.ty.value {
        let allowed = format!("a value of type {}", handle.ty.value.as_str());
        return Err(refused(value.ty().as_str(), allowed));
    }
    let slot = reference::lower(value, guest, "global")?;
    guest.set_global(GlobalId(handle.number), slot);
    Ok(())
}

#[cold]
fn refused(value: &str, allowed: String) -> HostError {
    let kind = ErrorKind::Argument {
        code: ErrorCode::InvalidArgValue,
        option: "global",
        value: value.to_owned(),
        allowed,
    };
    HostError::new(Phase::Call, kind)
}
