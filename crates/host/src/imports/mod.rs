//! What a host gives to a guest: functions of core values, functions of bytes, memories, tables and globals.

mod caller;
pub(crate) mod core_call;
mod envelope_call;
mod function;
pub(crate) mod link;
mod object;
pub(crate) mod reference;
mod system;

use std::collections::HashMap;
use std::sync::Arc;

pub use caller::{Caller, StopWatch};
pub(crate) use core_call::failed;
pub use function::{EnvelopeCallback, HostCallback, HostFunction, HostFunctionError};
pub use object::{HostGlobal, HostMemory, HostTable};

use aingle_wasm_types::abi::HOST_MODULE;

/// What an instance may import. Cheap to clone; what nobody imports is ignored.
#[derive(Clone, Default)]
pub struct Imports {
    modules: HashMap<String, HashMap<String, Given>>,
}

/// An import as it was given.
#[derive(Clone)]
pub(crate) enum Given {
    /// Takes and returns core values.
    Core(HostFunction),
    /// Takes and returns bytes in the instance's call convention.
    Envelope(EnvelopeCallback),
    /// A memory.
    Memory(HostMemory),
    /// A table.
    Table(HostTable),
    /// A global.
    Global(HostGlobal),
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

    /// Adds a memory; an earlier import of that name is replaced.
    pub fn memory(&mut self, module: &str, name: &str, memory: HostMemory) -> &mut Self {
        self.insert(module, name, Given::Memory(memory))
    }

    /// Adds a table; an earlier import of that name is replaced.
    pub fn table(&mut self, module: &str, name: &str, table: HostTable) -> &mut Self {
        self.insert(module, name, Given::Table(table))
    }

    /// Adds a global; an earlier import of that name is replaced.
    pub fn global(&mut self, module: &str, name: &str, global: HostGlobal) -> &mut Self {
        self.insert(module, name, Given::Global(global))
    }

    fn insert(&mut self, module: &str, name: &str, given: Given) -> &mut Self {
        let names = self.modules.entry(module.to_owned()).or_default();
        names.insert(name.to_owned(), given);
        self
    }

    pub(crate) fn get(&self, module: &str, name: &str) -> Option<&Given> {
        self.modules.get(module)?.get(name)
    }

    /// Every given name, as `module.name`.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let of_module = |(module, names): (&String, &HashMap<String, Given>)| {
            names
                .keys()
                .map(|name| format!("{module}.{name}"))
                .collect::<Vec<_>>()
        };
        self.modules
            .iter()
            .flat_map(of_module)
            .collect::<Vec<_>>()
            .into_iter()
    }
}
