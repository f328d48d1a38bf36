//! What a module was prepared from, for those who look at a trap.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use aingle_wasm_prepare::{OffsetMap, PrepareConfig};

/// The bytes that a module was compiled from, and the way back to them. Cheap to clone; keeps no compiled code.
#[derive(Clone)]
pub struct Origin {
    inner: Arc<Inner>,
}

struct Inner {
    wasm: Box<[u8]>,
    /// What the module was prepared with.
    config: Arc<PrepareConfig>,
    /// How many functions the author's module has; those behind them are ours.
    functions: u32,
    /// Made when it is first asked for; `None` if it could not be.
    map: OnceLock<Option<OffsetMap>>,
}

impl Origin {
    pub(crate) fn new(wasm: &[u8], config: Arc<PrepareConfig>, functions: u32) -> Self {
        let inner = Inner {
            wasm: wasm.into(),
            config,
            functions,
            map: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The offset in the author's module of the operator that the one at `offset` of the prepared module was made from,
    /// or was made for. `None` outside of the author's functions.
    ///
    /// The first time it takes as long as preparing the module, and the map that is made then is kept.
    #[must_use]
    pub fn original(&self, offset: u32) -> Option<u32> {
        let Inner {
            wasm, config, map, ..
        } = &*self.inner;
        let make = || OffsetMap::new(wasm, config).ok();
        let map = map.get_or_init(|| catch_unwind(AssertUnwindSafe(make)).ok().flatten());
        map.as_ref()?.original(offset)
    }

    pub(crate) fn functions(&self) -> u32 {
        self.inner.functions
    }

    /// A range of the author's bytes; nothing if it is none.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.inner.wasm.get(range).unwrap_or_default()
    }
}

/// The same if they are of one module.
impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Origin {}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin")
            .field("bytes", &self.inner.wasm.len())
            .finish_non_exhaustive()
    }
}
