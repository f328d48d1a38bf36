//! The guest as a host function sees it.

use std::sync::Arc;

use crate::backend::Guest;
use crate::error::HostError;
use crate::instance::{GlobalHandle, References, Session, global, memory};
use crate::stop::StopCell;
use crate::value::Value;

/// The guest that called a host function. Everything here acts on the waiting guest.
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
        self.session.left(self.guest.fuel()).max(0).cast_unsigned()
    }

    /// Calls an exported function of bytes of the guest that waits, with the fuel, the depth and the time of its call.
    /// Of functions and guests that call each other, up to [`crate::MAX_NESTING`] may be on the way.
    ///
    /// # Errors
    /// - As [`crate::WasmInstance::call`], and `ERR_CALL_DEPTH`. After a trap or a stop the waiting call has no fuel left.
    pub fn call(&mut self, name: &str, input: &[u8]) -> Result<Vec<u8>, HostError> {
        self.session.call_export(self.guest, name, input)
    }

    /// Whether the guest's call is to stop: then whatever the host function returns, the call ends.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.session.stop.is_stopping()
    }

    /// Has `wake` called, from any thread, when the guest's call is to stop, or at once if it is already; for host
    /// functions that wait. It is called at most until the guard is dropped.
    #[must_use]
    pub fn on_stop(&self, wake: Arc<dyn Fn() + Send + Sync>) -> StopWatch {
        let cell = Arc::clone(&self.session.stop);
        cell.set_waker(Some(wake));
        StopWatch(cell)
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

/// Keeps what [`Caller::on_stop`] was given.
pub struct StopWatch(Arc<StopCell>);

impl Drop for StopWatch {
    fn drop(&mut self) {
        self.0.set_waker(None);
    }
}
