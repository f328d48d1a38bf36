//! The typed description of a module, as its author sees it. Serves `module.imports` and `module.exports` on every
//! backend.

use std::ops::Range;

/// Type of a WebAssembly value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum ValueType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// Nullable reference to a function.
    FuncRef,
    /// Nullable reference to a value of the host.
    ExternRef,
}

impl ValueType {
    /// The name of the text format: `"i32"`, …, `"externref"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::V128 => "v128",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
        }
    }

    /// Whether this is a reference type.
    #[must_use]
    pub const fn is_reference(self) -> bool {
        matches!(self, Self::FuncRef | Self::ExternRef)
    }
}

/// Type of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FunctionType {
    /// Parameters, first to last.
    pub params: Vec<ValueType>,
    /// Results, first to last.
    pub results: Vec<ValueType>,
}

/// Type of a memory, in pages of 65,536 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    /// Pages at the beginning.
    pub min: u32,
    /// Most pages it can grow to, if declared.
    pub max: Option<u32>,
}

/// Type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableType {
    /// [`ValueType::FuncRef`] or [`ValueType::ExternRef`].
    pub element: ValueType,
    /// Elements at the beginning.
    pub min: u32,
    /// Most elements it can grow to, if declared.
    pub max: Option<u32>,
}

/// Type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalType {
    /// Type of its value.
    pub value: ValueType,
    /// Whether it can be written.
    pub mutable: bool,
}

/// Type of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Function(FunctionType),
    /// A memory.
    Memory(MemoryType),
    /// A table.
    Table(TableType),
    /// A global.
    Global(GlobalType),
}

impl ExternType {
    /// `"function"`, `"memory"`, `"table"` or `"global"`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Function(_) => "function",
            Self::Memory(_) => "memory",
            Self::Table(_) => "table",
            Self::Global(_) => "global",
        }
    }
}

/// Something a module wants to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// First part of its name.
    pub module: String,
    /// Second part of its name.
    pub name: String,
    /// Its type, as declared.
    pub ty: ExternType,
}

/// Something a module gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name, unique in the module.
    pub name: String,
    /// Its type, as declared.
    pub ty: ExternType,
}

/// Where a custom section lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomSection {
    /// Its name; several sections may share one.
    pub name: String,
    /// Its contents, without the name, in the bytes that were given to `prepare`.
    pub range: Range<usize>,
}

/// A module as its author sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleInfo {
    /// In the order of the module.
    pub imports: Vec<Import>,
    /// In the order of the module.
    pub exports: Vec<Export>,
    /// In the order of the module.
    pub custom_sections: Vec<CustomSection>,
    /// How many functions the module has, imported ones included; those behind them in a prepared module are ours.
    pub functions: u32,
    /// Whether the module had a start function, which `prepare` exports under a reserved name.
    pub has_start: bool,
    /// The memory, imported or not, exported or not.
    pub memory: Option<MemoryType>,
    /// Elements that all tables begin with together, imported ones included.
    pub table_elements: u64,
    /// For each export its index among the functions, tables, memories or globals of the module, imported ones included.
    pub export_indices: Vec<u32>,
    /// The functions that a reference in the host's hands may stand for: indices in the prepared module, and their types as
    /// declared. Only where [`Adapters`](crate::Adapters) ask for it: other hosts can ask their engine.
    pub references: Vec<(u32, FunctionType)>,
}
