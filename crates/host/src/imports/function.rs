//! Host functions and the way they fail.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use aingle_wasm_prepare::FunctionType;
use aingle_wasm_types::ErrorCode;

use super::caller::Caller;
use crate::value::Value;

/// Body of a host function of core values: arguments in, results out. The results begin as the zeros of their types.
pub type HostCallback = Arc<
    dyn Fn(&mut Caller<'_>, &[Value], &mut [Value]) -> Result<(), HostFunctionError> + Send + Sync,
>;

/// Body of a host function of bytes.
pub type EnvelopeCallback =
    Arc<dyn Fn(&mut Caller<'_>, &[u8]) -> Result<Vec<u8>, HostFunctionError> + Send + Sync>;

/// A host function of core values.
#[derive(Clone)]
pub struct HostFunction {
    /// Its type; `None` takes the type that the module imports it with.
    pub ty: Option<FunctionType>,
    /// Fuel charged before it runs, up to 2^20.
    pub cost: u64,
    /// Its body.
    pub call: HostCallback,
}

impl HostFunction {
    /// A function without cost that takes the type of the import.
    pub fn new(
        call: impl Fn(&mut Caller<'_>, &[Value], &mut [Value]) -> Result<(), HostFunctionError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            ty: None,
            cost: 0,
            call: Arc::new(call),
        }
    }

    /// The same function with a cost in fuel, charged before it runs.
    #[must_use]
    pub fn with_cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// The same function with a type of its own, which the import must equal.
    #[must_use]
    pub fn with_type(mut self, ty: FunctionType) -> Self {
        self.ty = Some(ty);
        self
    }
}

/// Why a host function failed. The guest's call ends with `ERR_HOST_FUNCTION`.
pub struct HostFunctionError {
    pub(crate) code: ErrorCode,
    pub(crate) text: String,
    pub(crate) payload: Option<Box<dyn Any + Send>>,
    pub(crate) terminated: bool,
}

impl HostFunctionError {
    /// An error in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::HostFunction,
            text: text.into(),
            payload: None,
            terminated: false,
        }
    }

    /// The same error with something that the caller of the guest gets back unchanged from
    /// [`crate::HostError::host_payload`].
    #[must_use]
    pub fn with_payload(mut self, payload: Box<dyn Any + Send>) -> Self {
        self.payload = Some(payload);
        self
    }

    /// The same error, of a host that ends the guest's call on purpose: nothing failed. Later calls are told so.
    #[must_use]
    pub fn terminating(mut self) -> Self {
        self.terminated = true;
        self
    }

    /// The same error under another code of the host, such as [`ErrorCode::AsyncHostInSync`].
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self
    }
}

impl<E: std::error::Error> From<E> for HostFunctionError {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Debug for HostFunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunctionError")
            .field("code", &self.code)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for HostFunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
