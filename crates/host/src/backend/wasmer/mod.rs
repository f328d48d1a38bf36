//! The default backend: wasmer 6 with Cranelift. One engine a module, one store an instance.
//!
//! An engine frees its machine code only when it is dropped, so a module owns its engine, and an instance keeps its
//! module. Calls and host functions use wasmer's own `vm` layer instead of its typed functions: it is several times
//! faster, and typed host functions with several results are miscompiled in this version.

mod engine;
mod guest;
mod host;
mod instance;
mod objects;
mod references;
mod trap;
mod tunables;

pub(crate) use engine::WasmerBackend;

/// Bytes of the stack that guests run on: wasmer keeps used stacks in one queue for the whole process without looking
/// at their size, so all must be equal. Sized for the largest call depth with frames of over 800 bytes a unit. Pages of
/// it that no guest touched cost nothing.
const STACK_BYTES: usize = 16 << 20;
