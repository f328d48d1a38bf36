//! Puts the sections together: the module's own in their order, ours added to them or made where they are missing.

use aingle_wasm_types::meter;
use wasm_encoder::{
    CodeSection, Encode, EntityType, ExportKind, ExportSection, FunctionSection, GlobalType,
    ImportSection, InstructionSink, MemorySection, MemoryType, RefType, Section as _, SectionId,
    TableSection, TableType, ValType,
};
use wasmparser::Result;

use super::ours::Function;
use super::types::encoded;
use super::{Bodies, Rewriting};
use crate::operators::Decoder;
use crate::outline::{Kind, Section};
use crate::reserved::{self, HOOK_COUNT};
use crate::{FunctionType, Growth, ValueType};

/// First bytes of every module.
const HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

/// The order in which sections stand.
const ORDER: [SectionId; 12] = [
    SectionId::Type,
    SectionId::Import,
    SectionId::Function,
    SectionId::Table,
    SectionId::Memory,
    SectionId::Global,
    SectionId::Export,
    SectionId::Start,
    SectionId::Element,
    SectionId::DataCount,
    SectionId::Code,
    SectionId::Data,
];

/// Writes `bytes` with their length before them.
pub(crate) fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.encode(out);
}

/// The whole module, with these bodies in its code section.
///
/// # Errors
/// - What the parser says of a section that it has read before; it has nothing to say then.
pub(crate) fn assemble(rewriting: &Rewriting<'_>, bodies: &Bodies) -> Result<Vec<u8>> {
    let mut assembly = Assembly {
        rewriting,
        bodies,
        next: 0,
        out: Vec::with_capacity(
            rewriting.outline.wasm.len() + bodies.code.len() + bodies.ours.len(),
        ),
    };
    assembly.out.extend_from_slice(&HEADER);
    for section in &rewriting.outline.sections {
        assembly.section(section)?;
    }
    assembly.missing_before(ORDER.len())?;
    Ok(assembly.out)
}

/// The module as far as it is written.
struct Assembly<'a> {
    rewriting: &'a Rewriting<'a>,
    bodies: &'a Bodies,
    /// Position in [`ORDER`] of the first section that is still to come.
    next: usize,
    out: Vec<u8>,
}

impl Assembly<'_> {
    fn section(&mut self, section: &Section) -> Result<()> {
        let contents = &self.rewriting.outline.wasm[section.range.clone()];
        match ORDER.iter().position(|&id| u8::from(id) == section.id) {
            None => match self.rewriting.local_names(contents) {
                Some(names) => self.raw(section.id, &names),
                None => self.raw(section.id, contents),
            },
            Some(position) => {
                self.missing_before(position)?;
                self.next = position + 1;
                self.known(ORDER[position], contents)?;
            }
        }
        Ok(())
    }

    /// Makes the sections before `position` that the module does not have and the rewriting needs.
    fn missing_before(&mut self, position: usize) -> Result<()> {
        for id in &ORDER[self.next.min(position)..position] {
            self.known(*id, &[])?;
        }
        self.next = position;
        Ok(())
    }

    /// Writes a section; empty `contents` stand for a section that the module does not have.
    fn known(&mut self, id: SectionId, contents: &[u8]) -> Result<()> {
        match id {
            SectionId::Type => self.types(contents),
            SectionId::Import => self.imports(contents),
            SectionId::Function => self.functions(),
            SectionId::Table => self.tables(),
            SectionId::Memory => self.memories(),
            SectionId::Global => self.globals(contents)?,
            SectionId::Export => self.exports(),
            SectionId::Element => {
                let section = self.rewriting.elements(contents)?;
                self.unless_empty(section.is_empty(), &section);
            }
            SectionId::Code => self.bodies(),
            // The host calls the start function, under a reserved name.
            SectionId::Start => {}
            _ if contents.is_empty() => {}
            _ => self.raw(id.into(), contents),
        }
        Ok(())
    }

    fn raw(&mut self, id: u8, contents: &[u8]) {
        self.out.push(id);
        sized(contents, &mut self.out);
    }

    fn unless_empty(&mut self, empty: bool, section: &impl wasm_encoder::Section) {
        if !empty {
            section.append_to(&mut self.out);
        }
    }

    fn types(&mut self, contents: &[u8]) {
        let (count, items) = split_count(contents);
        let added = self.rewriting.types.added();
        let mut list = Vec::with_capacity(contents.len() + 16 * added.len());
        (count + added.len() as u32).encode(&mut list);
        list.extend_from_slice(items);
        for ty in added {
            encode_type(ty, &mut list);
        }
        if list.len() > 1 {
            self.raw(SectionId::Type.into(), &list);
        }
    }

    /// Imports keep their names; maximums of memories and tables are lowered to the caps.
    fn imports(&mut self, contents: &[u8]) {
        let outline = self.rewriting.outline;
        let adapted = (0..outline.imported.functions)
            .any(|function| self.rewriting.callee(function) != function);
        if outline.imported.memories + outline.imported.tables == 0 && !adapted {
            if !contents.is_empty() {
                self.raw(SectionId::Import.into(), contents);
            }
            return;
        }
        let mut section = ImportSection::new();
        for import in &outline.imports {
            let position = import.index as usize;
            let ty = match import.kind {
                Kind::Function => EntityType::Function(self.rewriting.import_type(import.index)),
                Kind::Table => self.table(position).into(),
                Kind::Memory => self.memory(position).into(),
                Kind::Global => {
                    let global = outline.globals[position];
                    GlobalType {
                        val_type: encoded(global.value),
                        mutable: global.mutable,
                        shared: false,
                    }
                    .into()
                }
            };
            section.import(import.module, import.name, ty);
        }
        section.append_to(&mut self.out);
    }

    fn functions(&mut self) {
        let rewriting = self.rewriting;
        let mut section = FunctionSection::new();
        for ty in rewriting
            .function_types
            .iter()
            .copied()
            .chain(rewriting.ours.types())
        {
            section.function(ty);
        }
        self.unless_empty(section.is_empty(), &section);
    }

    fn tables(&mut self) {
        let outline = self.rewriting.outline;
        let mut section = TableSection::new();
        for position in outline.imported.tables as usize..outline.tables.len() {
            section.table(self.table(position));
        }
        if self.rewriting.hooks.table().is_some() {
            let size = Some(HOOK_COUNT.into());
            let minimum = HOOK_COUNT.into();
            section.table(TableType {
                element_type: RefType::FUNCREF,
                table64: false,
                minimum,
                maximum: size,
                shared: false,
            });
        }
        self.unless_empty(section.is_empty(), &section);
    }

    fn table(&self, position: usize) -> TableType {
        let table = self.rewriting.outline.tables[position];
        let cap = self.rewriting.config.table_elements;
        TableType {
            element_type: match encoded(table.element) {
                ValType::Ref(ty) => ty,
                _ => RefType::FUNCREF,
            },
            table64: false,
            minimum: table.min.into(),
            maximum: Some(table.max.map_or(cap, |max| max.min(cap)).into()),
            shared: false,
        }
    }

    fn memories(&mut self) {
        let outline = self.rewriting.outline;
        let mut section = MemorySection::new();
        for position in outline.imported.memories as usize..outline.memories.len() {
            section.memory(self.memory(position));
        }
        self.unless_empty(section.is_empty(), &section);
    }

    fn memory(&self, position: usize) -> MemoryType {
        let memory = self.rewriting.outline.memories[position];
        let cap = self.rewriting.config.memory_pages;
        MemoryType {
            minimum: memory.min.into(),
            maximum: Some(memory.max.map_or(cap, |max| max.min(cap)).into()),
            memory64: false,
            shared: false,
            page_size_log2: None,
        }
    }

    fn globals(&mut self, contents: &[u8]) -> Result<()> {
        let reserved = self.rewriting.reserved_globals();
        let (count, _) = split_count(contents);
        let mut list = Vec::with_capacity(contents.len() + 8 * reserved.len());
        (count + reserved.len() as u32).encode(&mut list);
        self.rewriting.own_globals(contents, &mut list)?;
        for global in reserved {
            GlobalType {
                val_type: encoded(global.ty),
                mutable: true,
                shared: false,
            }
            .encode(&mut list);
            let mut out = InstructionSink::new(&mut list);
            match global.ty {
                ValueType::I64 => out.i64_const(global.initial.into()),
                _ => out.i32_const(global.initial.cast_signed()),
            }
            .end();
        }
        self.raw(SectionId::Global.into(), &list);
        Ok(())
    }

    fn exports(&mut self) {
        let rewriting = self.rewriting;
        let outline = rewriting.outline;
        let mut section = ExportSection::new();
        for export in &outline.exports {
            let (kind, index) = match export.kind {
                Kind::Function => (ExportKind::Func, rewriting.export(export.index)),
                Kind::Table => (ExportKind::Table, export.index),
                Kind::Memory => (ExportKind::Memory, export.index),
                Kind::Global => (ExportKind::Global, export.index),
            };
            section.export(export.name, kind, index);
        }
        self.adapters(&mut section);
        if outline.functions_cross() {
            self.references(&mut section);
        }
        for global in rewriting.reserved_globals() {
            section.export(&global.name, ExportKind::Global, global.index);
        }
        if !outline.memories.is_empty() {
            section.export(meter::MEMORY, ExportKind::Memory, 0);
        }
        if let Some(start) = outline.start {
            section.export(meter::START, ExportKind::Func, rewriting.export(start));
        }
        if let Some(table) = rewriting.hooks.table() {
            section.export(reserved::HOOKS, ExportKind::Table, table);
        }
        for (position, global) in outline.extern_globals().enumerate() {
            let name = format!("{}{position}", reserved::EXTERN);
            section.export(&name, ExportKind::Global, global);
        }
        if rewriting.config.growth == Growth::Host || outline.shows_tables() {
            for table in 0..outline.tables.len() as u32 {
                section.export(
                    &format!("{}{table}", reserved::TABLE),
                    ExportKind::Table,
                    table,
                );
            }
        }
        section.append_to(&mut self.out);
    }

    /// Exports what references to the exported functions mean.
    fn references(&self, section: &mut ExportSection) {
        for (position, export) in self.rewriting.outline.exports.iter().enumerate() {
            if export.kind == Kind::Function {
                let name = format!("{}{position}", reserved::REFERENCE);
                section.export(&name, ExportKind::Func, self.rewriting.value(export.index));
            }
        }
    }

    /// Exports, beside what the module exports, the same with integers for what crosses as integers.
    fn adapters(&self, section: &mut ExportSection) {
        for (position, export) in self.rewriting.outline.exports.iter().enumerate() {
            let adapters = match export.kind {
                Kind::Function => vec![(reserved::EXACT, Function::Exact(export.index))],
                Kind::Global => vec![
                    (reserved::EXACT_GET, Function::ExactGet(export.index)),
                    (reserved::EXACT_SET, Function::ExactSet(export.index)),
                ],
                _ => Vec::new(),
            };
            for (prefix, function) in adapters {
                if let Some(index) = self.rewriting.ours.get(function) {
                    section.export(&format!("{prefix}{position}"), ExportKind::Func, index);
                }
            }
        }
    }

    fn bodies(&mut self) {
        let count = self.rewriting.function_types.len() + self.rewriting.ours.types().len();
        if count > 0 {
            let Bodies { code, places, ours } = self.bodies;
            let mut number = Vec::new();
            (count as u32).encode(&mut number);
            let out = &mut self.out;
            out.push(CodeSection::new().id());
            (number.len() + code.len() + ours.len()).encode(out);
            out.extend_from_slice(&number);
            for place in places {
                out.extend_from_slice(&code[place.clone()]);
            }
            out.extend_from_slice(ours);
        }
    }
}

fn encode_type(ty: &FunctionType, out: &mut Vec<u8>) {
    const FUNCTION: u8 = 0x60;
    out.push(FUNCTION);
    for list in [&ty.params, &ty.results] {
        (list.len() as u32).encode(out);
        for &value in list {
            encoded(value).encode(out);
        }
    }
}

/// The count at the head of a list, and the items after it.
fn split_count(contents: &[u8]) -> (u32, &[u8]) {
    let mut decoder = Decoder::new(contents, 0);
    let count = decoder.u32().unwrap_or(0);
    (count, &contents[decoder.position()..])
}
