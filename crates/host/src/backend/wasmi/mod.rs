//! The backend that needs no executable memory: wasmi 2, an interpreter. One engine a module, one store an instance.
//!
//! An engine keeps what it translated until it is dropped, so a module owns its engine. Guests do not use the native
//! stack, except that each call from the host begins a new loop of the interpreter on it.
#![forbid(unsafe_code)]

mod engine;
mod guest;
mod hooks;
mod host;
mod instance;
mod objects;
mod references;
mod trap;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use engine::WasmiBackend;
