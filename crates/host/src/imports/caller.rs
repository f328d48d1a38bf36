//! The guest as a host function sees it.

use std::sync::Arc;

use crate::backend::Guest;
use crate::error::HostError;
use crate::instance::{GlobalHandle, References, Session, global, memory};
use crate::value::Value;

/// The guest that called a host function. Everything here acts on the waiting guest; nothing runs it.
pub struct Caller<'a> {
    guest: &'a mut dyn Guest,
    session: &'a Arc<Session>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(guest: &'a mut dyn Guest, session: &'a Arc<Session>) -> Self {
        Self { guest, session }
    }

    /// Fuel that the guest's call has left.
    #[must_use]
    pub fn fuel_left(&self) -> u64 {
        self.guest.fuel().max(0).cast_unsigned()
    }

    /// Charges fuel for what the host does for the guest.
    ///
    /// # Errors
    /// - `ERR_FUEL_EXHAUSTED` if the call has less left. The call ends with this error as soon as the host function
    ///   returns, whatever it returns.
    pub fn charge(&mut self, fuel: u64) -> Result<(), HostError> {
        self.session.charge(self.guest, fuel)
    }

    /// Size of the guest's memory in pages of 64 KiB.
    #[must_use]
    pub fn memory_pages(&mut self) -> u32 {
        memory::pages(self.guest)
    }

    /// Copies `len` bytes of the guest's memory at `ptr`.
    ///
    /// # Errors
    /// - `ERR_OUT_OF_RANGE` if the range is not inside the memory.
    pub fn memory_read(&mut self, ptr: u32, len: u32) -> Result<Vec<u8>, HostError> {
        memory::read(self.guest, ptr, len)
    }

    /// Copies `bytes` into the guest's memory at `ptr`.
    ///
    /// # Errors
    /// - `ERR_OUT_OF_RANGE` if the range is not inside the memory.
    pub fn memory_write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), HostError> {
        memory::write(self.guest, ptr, bytes)
    }

    /// Grows the guest's memory by `pages` and returns its former size in pages. Charges nothing.
    ///
    /// # Errors
    /// - `ERR_MEMORY_LIMIT` if it would pass the instance's limit or the memory's declared maximum.
    /// - `ERR_OUT_OF_MEMORY` if the machine cannot serve it.
    pub fn memory_grow(&mut self, pages: u32) -> Result<u32, HostError> {
        memory::grow(self.guest, self.session.memory_pages_limit(), pages)
    }

    /// Reads a global of the guest. The handle must be of the guest's module.
    ///
    #[must_use]
    pub fn global(&mut self, handle: GlobalHandle) -> Value {
        global::read(self.guest, handle)
    }

    /// Writes a global of the guest. The handle must be of the guest's module.
    ///
    /// # Errors
    /// - As [`crate::WasmInstance::set_global`], but for the state.
    pub fn set_global(&mut self, handle: GlobalHandle, value: Value) -> Result<(), HostError> {
        global::write(self.guest, handle, value)
    }

    /// The guest's references and tables.
    pub fn references(&mut self) -> References<'_> {
        References::new(self.guest, self.session)
    }
}
