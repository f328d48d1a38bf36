//! A validated module in the form the rewriting works on: typed index spaces, and the bytes they came from.

use std::ops::Range;

use crate::survey::Survey;
use crate::{
    CustomSection, Export, ExternType, FunctionType, GlobalType, Import, MemoryType, ModuleInfo,
    TableType, ValueType,
};

/// Kinds of things that can be imported, exported and indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Table,
    Memory,
    Global,
}

/// An import with its type as an index or a value.
#[derive(Clone, Debug)]
pub(crate) struct ImportEntry<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// Index in the index space of its kind.
    pub(crate) index: u32,
}

/// An export by index.
#[derive(Clone, Debug)]
pub(crate) struct ExportEntry<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) index: u32,
}

/// A section's number and the range of its contents.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) id: u8,
    pub(crate) range: Range<usize>,
}

/// How many things of each index space are imported.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Imported {
    pub(crate) functions: u32,
    pub(crate) tables: u32,
    pub(crate) memories: u32,
    pub(crate) globals: u32,
}

/// A module that has passed validation and all caps.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    pub(crate) wasm: &'a [u8],
    pub(crate) types: Vec<FunctionType>,
    pub(crate) imports: Vec<ImportEntry<'a>>,
    pub(crate) imported: Imported,
    /// Type index of each function, imported ones first.
    pub(crate) functions: Vec<u32>,
    pub(crate) tables: Vec<TableType>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<GlobalType>,
    pub(crate) exports: Vec<ExportEntry<'a>>,
    pub(crate) start: Option<u32>,
    pub(crate) sections: Vec<Section>,
    pub(crate) custom_sections: Vec<CustomSection>,
    pub(crate) survey: Survey,
}

impl Outline<'_> {
    /// Type of the function with this index.
    pub(crate) fn function_type(&self, function: u32) -> &FunctionType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// Elements that all tables begin with together.
    pub(crate) fn table_elements(&self) -> u64 {
        self.tables.iter().map(|table| u64::from(table.min)).sum()
    }

    /// Whether an import or an export can carry references to functions in or out.
    pub(crate) fn functions_cross(&self) -> bool {
        let carries = |kind, index: u32| match kind {
            Kind::Function => {
                let ty = self.function_type(index);
                ty.params.contains(&ValueType::FuncRef) || ty.results.contains(&ValueType::FuncRef)
            }
            Kind::Table => self.tables[index as usize].element == ValueType::FuncRef,
            Kind::Global => self.globals[index as usize].value == ValueType::FuncRef,
            Kind::Memory => false,
        };
        self.imports
            .iter()
            .any(|import| carries(import.kind, import.index))
            || self
                .exports
                .iter()
                .any(|export| carries(export.kind, export.index))
    }

    /// Whether the host can reach a table, or has to look for its own values in one.
    pub(crate) fn shows_tables(&self) -> bool {
        let exported = self.exports.iter().any(|export| export.kind == Kind::Table);
        let holds_externs = |table: &TableType| table.element == ValueType::ExternRef;
        exported || self.imported.tables > 0 || self.tables.iter().any(holds_externs)
    }

    /// Indices of the globals that can come to hold references to host values.
    pub(crate) fn extern_globals(&self) -> impl Iterator<Item = u32> {
        let holds = |global: &GlobalType| global.mutable && global.value == ValueType::ExternRef;
        (0..)
            .zip(&self.globals)
            .filter_map(move |(index, global)| holds(global).then_some(index))
    }

    /// The module as its author sees it.
    pub(crate) fn into_info(self) -> ModuleInfo {
        ModuleInfo {
            imports: self
                .imports
                .iter()
                .map(|import| self.import(import))
                .collect(),
            exports: self
                .exports
                .iter()
                .map(|export| self.export(export))
                .collect(),
            functions: self.functions.len() as u32,
            has_start: self.start.is_some(),
            memory: self.memories.first().copied(),
            table_elements: self.table_elements(),
            export_indices: self.exports.iter().map(|export| export.index).collect(),
            references: Vec::new(),
            custom_sections: self.custom_sections,
        }
    }

    fn import(&self, import: &ImportEntry<'_>) -> Import {
        Import {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
            ty: self.extern_type(import.kind, import.index),
        }
    }

    fn export(&self, export: &ExportEntry<'_>) -> Export {
        Export {
            name: export.name.to_owned(),
            ty: self.extern_type(export.kind, export.index),
        }
    }

    fn extern_type(&self, kind: Kind, index: u32) -> ExternType {
        let position = index as usize;
        match kind {
            Kind::Function => ExternType::Function(self.function_type(index).clone()),
            Kind::Table => ExternType::Table(self.tables[position]),
            Kind::Memory => ExternType::Memory(self.memories[position]),
            Kind::Global => ExternType::Global(self.globals[position]),
        }
    }
}
