//! What a script asks for, one command a directive.

use crate::value::{Expected, Value};

/// One directive of a script.
#[derive(Clone, Debug)]
pub struct Command {
    /// Line of the script it begins in, from 1.
    pub line: u32,
    /// What it asks for.
    pub kind: CommandKind,
}

/// What a directive asks for. A `wasm` is always the author's module, not the prepared one.
#[derive(Clone, Debug)]
pub enum CommandKind {
    /// Instantiate a module, which becomes the current instance.
    Module {
        /// Name by which later commands mean this instance.
        name: Option<String>,
        /// The module.
        wasm: Vec<u8>,
    },
    /// A module that must only be valid; it is not instantiated.
    Definition {
        /// The module.
        wasm: Vec<u8>,
    },
    /// Give an instance a module name that later modules import from.
    Register {
        /// The instance; the current one if absent.
        instance: Option<String>,
        /// The module name.
        module: String,
    },
    /// Do something whose results do not matter.
    Perform(Action),
    /// The action must give these results.
    AssertReturn {
        /// What to do.
        action: Action,
        /// Its results, in order.
        expected: Vec<Expected>,
    },
    /// The action must trap.
    AssertTrap {
        /// What to do.
        action: Action,
        /// The specification's name of the trap.
        message: String,
    },
    /// The call must exhaust the stack.
    AssertExhaustion {
        /// What to do.
        action: Action,
    },
    /// Instantiating the module must trap, in its initialisers or its start function.
    AssertModuleTrap {
        /// The module.
        wasm: Vec<u8>,
        /// The specification's name of the trap.
        message: String,
    },
    /// The module is valid; instantiating it must fail for its imports.
    AssertUnlinkable {
        /// The module.
        wasm: Vec<u8>,
    },
    /// The bytes must be refused before anything is instantiated.
    AssertRefused {
        /// The bytes.
        wasm: Vec<u8>,
        /// What is wrong with them.
        refusal: Refusal,
        /// The specification's words for it.
        message: String,
    },
    /// A directive of a proposal outside WebAssembly 2.0, by name.
    Other(&'static str),
}

/// Why bytes must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// They do not decode.
    Malformed,
    /// They do not validate.
    Invalid,
}

/// Something done with an instance.
#[derive(Clone, Debug)]
pub struct Action {
    /// The instance; the current one if absent.
    pub instance: Option<String>,
    /// Name of the export.
    pub export: String,
    /// What is done with the export.
    pub kind: ActionKind,
}

/// What is done with an export.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// Call the function.
    Invoke(Vec<Value>),
    /// Read the global.
    Get,
}
