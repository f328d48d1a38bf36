//! What the runner asks of something that executes modules.

use std::collections::HashMap;
use std::fmt;

use aingle_wasm_types::{ErrorCode, TrapKind};

use crate::value::Value;

/// Instances that later modules may import from, by module name.
pub type Registered<Instance> = HashMap<String, Instance>;

/// Something that prepares and executes modules.
///
/// A target is made anew for each file. Fuel and deadlines are its own business: they must be ample.
pub trait SpecificationTarget {
    /// A handle of an instance. It stays usable after a trap.
    type Instance: Clone;

    /// What this target can do beyond functions and numbers.
    fn capabilities(&self) -> Capabilities;

    /// Checks a module as for execution, without instantiating it.
    ///
    /// # Errors
    /// - [`Failure::Refused`] if the module is not accepted.
    fn validate(&mut self, wasm: &[u8]) -> Result<(), Failure>;

    /// Instantiates a module. Its imports come from [`spectest`](crate::spectest) and from `registered`; what is in
    /// neither is missing.
    ///
    /// # Errors
    /// - [`Failure::Refused`] if the module is not accepted.
    /// - [`Failure::Link`] if an import is missing or has another type.
    /// - [`Failure::Trap`] and [`Failure::StackOverflow`] from its initialisers and its start function.
    fn instantiate(
        &mut self,
        wasm: &[u8],
        registered: &Registered<Self::Instance>,
    ) -> Result<Self::Instance, Failure>;

    /// Calls an exported function.
    ///
    /// # Errors
    /// - [`Failure::Trap`] and [`Failure::StackOverflow`] if it did not return.
    fn invoke(
        &mut self,
        instance: &Self::Instance,
        export: &str,
        arguments: &[Value],
    ) -> Result<Vec<Value>, Failure>;

    /// Reads an exported global.
    ///
    /// # Errors
    /// - [`Failure::Other`] if there is none of that name.
    fn get(&mut self, instance: &Self::Instance, export: &str) -> Result<Value, Failure>;
}

/// What a target can do. Rows of the exclusions apply only where the capability is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Memories, tables and globals made by the host can be imported.
    pub host_objects: bool,
    /// Memories and globals of one instance can be imported by another.
    pub shared_objects: bool,
    /// Tables of one instance can be imported by another.
    pub shared_tables: bool,
    /// References that are not null can be passed and come back.
    pub live_references: bool,
    /// Exported globals can be read from outside.
    pub exported_globals: bool,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The module was not accepted.
    Refused {
        /// The code, `ERR_MODULE_INVALID` for example.
        code: ErrorCode,
        /// What was said.
        message: String,
    },
    /// The imports do not fit.
    Link(String),
    /// The guest trapped by itself.
    Trap(TrapKind),
    /// The guest exhausted the stack.
    StackOverflow,
    /// Anything else; never what a script expects.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message } => {
                write!(f, "refused with {}: {message}", code.as_str())
            }
            Self::Link(message) => write!(f, "not linked: {message}"),
            Self::Trap(kind) => write!(f, "trap {}", kind.as_str()),
            Self::StackOverflow => f.write_str("stack overflow"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}
