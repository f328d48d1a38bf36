//! Counters of an engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use aingle_wasm_types::Phase;

use crate::error::{ErrorKind, HostError};

/// What an engine did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Modules compiled.
    pub compiled: u64,
    /// Instances alive.
    pub instances: u32,
    /// Calls finished, also those that failed.
    pub calls: u64,
    /// Calls stopped by a limit of fuel, of time or of the machine's memory, or by their caller.
    pub stopped: u64,
    /// Fuel used by all finished calls.
    pub fuel: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    compiled: AtomicU64,
    instances: AtomicU32,
    calls: AtomicU64,
    stopped: AtomicU64,
    fuel: AtomicU64,
}

impl Counters {
    pub(crate) fn count_compiled(&self) {
        self.compiled.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_call(&self, fuel: u64, stopped: bool) {
        self.calls.fetch_add(1, Relaxed);
        self.fuel.fetch_add(fuel, Relaxed);
        if stopped {
            self.stopped.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read(&self) -> EngineStats {
        EngineStats {
            compiled: self.compiled.load(Relaxed),
            instances: self.instances.load(Relaxed),
            calls: self.calls.load(Relaxed),
            stopped: self.stopped.load(Relaxed),
            fuel: self.fuel.load(Relaxed),
        }
    }
}

/// A place among the live instances of an engine, given back when dropped.
pub(crate) struct InstancePermit(Arc<Counters>);

impl InstancePermit {
    pub(crate) fn take(counters: &Arc<Counters>, limit: u32) -> Result<Self, HostError> {
        let below = |alive: u32| (alive < limit).then_some(alive + 1);
        match counters.instances.fetch_update(Relaxed, Relaxed, below) {
            Ok(_) => Ok(Self(Arc::clone(counters))),
            Err(alive) => {
                let kind = ErrorKind::OutOfMemory {
                    resource: "instances",
                    limit: limit.into(),
                    value: u64::from(alive) + 1,
                };
                Err(HostError::new(Phase::Link, kind))
            }
        }
    }
}

impl Drop for InstancePermit {
    fn drop(&mut self) {
        self.0.instances.fetch_sub(1, Relaxed);
    }
}
