//! Compiled modules kept in memory: found by what their bytes are, dropped when they have not been used for longest.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::HostError;
use crate::module::{Digest, Module};

/// Uses are numbered from here, so that there is room below for entries that shall go first.
const FIRST_TICK: u64 = 1 << 62;

/// What a cache did and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Requests answered with a module that was there, or that another request was compiling.
    pub hits: u64,
    /// Requests that compiled.
    pub misses: u64,
    /// Bytes of compiled code that are held.
    pub bytes: u64,
    /// Modules that are held.
    pub entries: u64,
}

/// Keeps modules of one engine; the engine's options are part of what a module is, so the digest of the bytes names it.
pub(crate) struct ModuleCache {
    capacity: u64,
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Default)]
struct State {
    entries: HashMap<Digest, Entry>,
    /// Entries by last use, the oldest first.
    order: BTreeMap<u64, Digest>,
    /// The newest bytes of each label among the entries.
    labels: HashMap<Arc<[u8]>, Digest>,
    /// Digests that a thread is compiling.
    pending: std::collections::HashSet<Digest>,
    uses: u64,
    demotions: u64,
    bytes: u64,
    hits: u64,
    misses: u64,
}

struct Entry {
    module: Module,
    bytes: u64,
    tick: u64,
    /// The label that stands for this entry, if any.
    label: Option<Arc<[u8]>>,
}

impl ModuleCache {
    /// A cache for `capacity` bytes of compiled code; 0 keeps nothing, but still lets simultaneous requests share.
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
            settled: Condvar::new(),
        }
    }

    /// The module with this digest, compiled by `compile` unless it is here or another thread is at it.
    ///
    /// A label stands for its newest bytes: when it comes with other bytes, its earlier module is the next to go.
    pub(crate) fn get_or_compile(
        &self,
        label: &[u8],
        digest: Digest,
        compile: impl FnOnce() -> Result<Module, HostError>,
    ) -> Result<Module, HostError> {
        if let Some(module) = self.find_or_reserve(label, &digest) {
            return Ok(module);
        }
        let reservation = Reservation {
            cache: self,
            digest,
        };
        let module = compile()?;
        let bytes = module.compiled().code_bytes();
        if bytes <= self.capacity {
            self.lock()
                .insert(label, digest, module.clone(), bytes, self.capacity);
        }
        drop(reservation);
        Ok(module)
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let state = self.lock();
        CacheStats {
            hits: state.hits,
            misses: state.misses,
            bytes: state.bytes,
            entries: state.entries.len() as u64,
        }
    }

    /// Drops every module; those that somebody holds stay alive there.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        let dropped = (
            std::mem::take(&mut state.entries),
            std::mem::take(&mut state.order),
        );
        state.labels.clear();
        state.bytes = 0;
        drop(state);
        drop(dropped);
    }

    /// The module, or `None` after noting that the caller compiles it.
    fn find_or_reserve(&self, label: &[u8], digest: &Digest) -> Option<Module> {
        let mut state = self.lock();
        loop {
            if let Some(module) = state.use_entry(label, digest) {
                state.hits += 1;
                return Some(module);
            }
            if state.pending.insert(*digest) {
                state.misses += 1;
                return None;
            }
            state = self
                .settled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a compilation for those who wait, also when it failed or panicked; then the next of them tries.
struct Reservation<'a> {
    cache: &'a ModuleCache,
    digest: Digest,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.cache.lock().pending.remove(&self.digest);
        self.cache.settled.notify_all();
    }
}

impl State {
    fn use_entry(&mut self, label: &[u8], digest: &Digest) -> Option<Module> {
        let tick = self.next_tick();
        let entry = self.entries.get_mut(digest)?;
        self.order.remove(&entry.tick);
        self.order.insert(tick, *digest);
        entry.tick = tick;
        let module = entry.module.clone();
        self.label(label, *digest);
        Some(module)
    }

    fn insert(&mut self, label: &[u8], digest: Digest, module: Module, bytes: u64, capacity: u64) {
        let tick = self.next_tick();
        self.order.insert(tick, digest);
        self.entries.insert(
            digest,
            Entry {
                module,
                bytes,
                tick,
                label: None,
            },
        );
        self.bytes += bytes;
        self.label(label, digest);
        while self.bytes > capacity {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, digest: &Digest) {
        if let Some(entry) = self.entries.remove(digest) {
            self.bytes -= entry.bytes;
            entry.label.and_then(|label| self.labels.remove(&label));
        }
    }

    /// Points a label at its newest bytes and demotes what it stood for. An entry keeps the label it was last asked for
    /// by, so that there are never more labels than entries.
    fn label(&mut self, label: &[u8], digest: Digest) {
        let Some(entry) = self.entries.get_mut(&digest) else {
            return;
        };
        if entry.label.as_deref() == Some(label) {
            return;
        }
        let label: Arc<[u8]> = label.into();
        if let Some(former) = entry.label.replace(Arc::clone(&label)) {
            self.labels.remove(&former);
        }
        if let Some(superseded) = self.labels.insert(label, digest) {
            self.demote(superseded);
        }
    }

    /// Makes an entry that no label stands for the next to go.
    fn demote(&mut self, digest: Digest) {
        self.demotions += 1;
        let tick = FIRST_TICK - self.demotions;
        if let Some(entry) = self.entries.get_mut(&digest) {
            entry.label = None;
            self.order.remove(&entry.tick);
            self.order.insert(tick, digest);
            entry.tick = tick;
        }
    }

    fn next_tick(&mut self) -> u64 {
        self.uses += 1;
        FIRST_TICK + self.uses
    }
}
