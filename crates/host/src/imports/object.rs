//! Memories, tables and globals that the host makes. They describe a beginning: each instance that imports one gets its own.

use std::sync::Arc;

use aingle_wasm_prepare::{GlobalType, MemoryType, TableType, ValueType};

use crate::value::Value;

/// A memory made by the host, with what it begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostMemory {
    pub(crate) ty: MemoryType,
    pub(crate) contents: Arc<[u8]>,
}

impl HostMemory {
    /// A memory of zeros: pages of 64 KiB that it begins with, and the most that it may grow to. Without a maximum it
    /// may grow as far as the instance's limit.
    #[must_use]
    pub fn new(pages: u32, maximum: Option<u32>) -> Self {
        Self {
            ty: MemoryType {
                min: pages,
                max: maximum,
            },
            contents: Arc::new([]),
        }
    }

    /// The same memory with these bytes at its beginning. Linking refuses more bytes than it has.
    #[must_use]
    pub fn with_contents(mut self, contents: impl Into<Arc<[u8]>>) -> Self {
        self.contents = contents.into();
        self
    }
}

/// A table made by the host, with what it begins with. The guest's own segments and instructions replace that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTable {
    pub(crate) ty: TableType,
    pub(crate) contents: Arc<[Value]>,
}

impl HostTable {
    /// A table of function references, null at first: elements that it begins with, and the most that it may grow to. Without
    /// a maximum it may grow as far as the instance's limit.
    #[must_use]
    pub fn functions(elements: u32, maximum: Option<u32>) -> Self {
        Self::new(ValueType::FuncRef, elements, maximum)
    }

    /// A table of references to values of the host; sizes as for [`HostTable::functions`].
    #[must_use]
    pub fn externs(elements: u32, maximum: Option<u32>) -> Self {
        Self::new(ValueType::ExternRef, elements, maximum)
    }

    /// The same table with these references at its beginning; linking refuses more than it has, and values of another type.
    /// Functions are those of [`InstanceOptions::functions`](crate::InstanceOptions::functions), by their position.
    #[must_use]
    pub fn with_contents(mut self, contents: impl Into<Arc<[Value]>>) -> Self {
        self.contents = contents.into();
        self
    }

    fn new(element: ValueType, min: u32, max: Option<u32>) -> Self {
        Self {
            ty: TableType { element, min, max },
            contents: Arc::new([]),
        }
    }
}

/// A global made by the host, with the value that it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostGlobal {
    pub(crate) ty: GlobalType,
    pub(crate) value: Value,
}

impl HostGlobal {
    /// A global that nobody can write.
    #[must_use]
    pub const fn constant(value: Value) -> Self {
        Self::new(value, false)
    }

    /// A global that guest and host can write.
    #[must_use]
    pub const fn variable(value: Value) -> Self {
        Self::new(value, true)
    }

    const fn new(value: Value, mutable: bool) -> Self {
        let ty = GlobalType {
            value: value.ty(),
            mutable,
        };
        Self { ty, value }
    }
}
