//! What a host gives to a guest: functions of core values and functions of bytes.

mod caller;
mod core_call;
mod envelope_call;
mod function;
pub(crate) mod link;
mod system;

use std::collections::HashMap;
use std::sync::Arc;

pub use caller::Caller;
pub use function::{EnvelopeCallback, HostCallback, HostFunction, HostFunctionError};

use aingle_wasm_types::abi::HOST_MODULE;

/// The functions that an instance may import. Cheap to clone; functions nobody imports are ignored.
#[derive(Clone, Default)]
pub struct Imports {
    functions: HashMap<String, HashMap<String, Given>>,
}

/// A function as it was given.
#[derive(Clone)]
pub(crate) enum Given {
    /// Takes and returns core values.
    Core(HostFunction),
    /// Takes and returns bytes in the instance's call convention.
    Envelope(EnvelopeCallback),
}

impl Imports {
    /// No imports.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function of core values; an earlier one of that name is replaced.
    pub fn function(&mut self, module: &str, name: &str, function: HostFunction) -> &mut Self {
        self.insert(module, name, Given::Core(function))
    }

    /// Adds a function of bytes, imported from module `env` as `(ptr: i32, len: i32) -> i64`.
    ///
    /// The guest's bytes arrive, and the reply leaves, in the call convention of the instance: envelopes are opened,
    /// checked and made by the host. An empty reply is sent as an empty result.
    pub fn envelope(&mut self, name: &str, call: EnvelopeCallback) -> &mut Self {
        self.insert(HOST_MODULE, name, Given::Envelope(call))
    }

    /// As [`Imports::envelope`], with a closure.
    pub fn envelope_fn(
        &mut self,
        name: &str,
        call: impl Fn(&mut Caller<'_>, &[u8]) -> Result<Vec<u8>, HostFunctionError>
        + Send
        + Sync
        + 'static,
    ) -> &mut Self {
        self.envelope(name, Arc::new(call))
    }

    fn insert(&mut self, module: &str, name: &str, given: Given) -> &mut Self {
        let functions = self.functions.entry(module.to_owned()).or_default();
        functions.insert(name.to_owned(), given);
        self
    }

    pub(crate) fn get(&self, module: &str, name: &str) -> Option<&Given> {
        self.functions.get(module)?.get(name)
    }

    /// Every given name, as `module.name`.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let of_module = |(module, functions): (&String, &HashMap<String, Given>)| {
            functions
                .keys()
                .map(|name| format!("{module}.{name}"))
                .collect::<Vec<_>>()
        };
        self.functions
            .iter()
            .flat_map(of_module)
            .collect::<Vec<_>>()
            .into_iter()
    }
}
