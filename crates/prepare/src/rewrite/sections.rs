//! Puts the sections together: the module's own in their order, ours added to them or made where they are missing.

use aingle_wasm_types::meter;
use wasm_encoder::{
    Encode, ExportKind, GlobalType, ImportSection, MemorySection, MemoryType, Section as _,
    SectionId, TableSection, TableType, ValType,
};

use super::types::encoded;
use super::{Globals, Rewriting};
use crate::outline::{Kind, Section};
use crate::{FunctionType, ValueType};

/// First bytes of every module.
const HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

/// The order in which known sections stand, with those that the rewriting may have to make.
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

/// The whole module, with `code` as the bodies.
pub(crate) fn assemble(rewriting: &Rewriting<'_>, code: &[u8]) -> Vec<u8> {
    let mut assembly = Assembly {
        rewriting,
        code,
        next: 0,
        out: HEADER.to_vec(),
    };
    for section in &rewriting.outline.sections {
        assembly.section(section);
    }
    assembly.missing_before(ORDER.len());
    assembly.out
}

/// The module as far as it is written.
struct Assembly<'a> {
    rewriting: &'a Rewriting<'a>,
    code: &'a [u8],
    /// Position in [`ORDER`] of the first section that is still to come.
    next: usize,
    out: Vec<u8>,
}

impl Assembly<'_> {
    fn section(&mut self, section: &Section) {
        let contents = &self.rewriting.outline.wasm[section.range.clone()];
        match ORDER.iter().position(|&id| u8::from(id) == section.id) {
            None => self.raw(section.id, contents),
            Some(position) => {
                self.missing_before(position);
                self.next = position + 1;
                self.known(ORDER[position], contents);
            }
        }
    }

    /// Makes the sections before `position` that the module does not have and the rewriting needs.
    fn missing_before(&mut self, position: usize) {
        for id in &ORDER[self.next.min(position)..position] {
            self.known(*id, &[]);
        }
        self.next = position;
    }

    /// Writes a section; empty `contents` stand for a section that the module does not have.
    fn known(&mut self, id: SectionId, contents: &[u8]) {
        let rewriting = self.rewriting;
        match id {
            SectionId::Type => self.extended(id, contents, rewriting.types.added(), encode_type),
            SectionId::Import => self.imports(contents),
            SectionId::Function => {
                let types: Vec<u32> = rewriting.helpers.types().collect();
                self.extended(id, contents, &types, |ty, out| ty.encode(out));
            }
            SectionId::Table => self.tables(contents),
            SectionId::Memory => self.memories(contents),
            SectionId::Global => self.globals(contents),
            SectionId::Export => self.exports(contents),
            SectionId::Start => {}
            SectionId::Code => self.bodies(),
            _ if contents.is_empty() => {}
            _ => self.raw(id.into(), contents),
        }
    }

    fn raw(&mut self, id: u8, contents: &[u8]) {
        self.out.push(id);
        sized(contents, &mut self.out);
    }

    /// Writes a section that is a counted list, with more items at its end.
    fn extended<T>(
        &mut self,
        id: SectionId,
        contents: &[u8],
        more: &[T],
        encode: impl Fn(&T, &mut Vec<u8>),
    ) {
        let (count, items) = split_count(contents);
        let count = count + more.len() as u32;
        if count == 0 && contents.is_empty() {
            return;
        }
        let mut list = Vec::with_capacity(contents.len() + 16 * more.len());
        count.encode(&mut list);
        list.extend_from_slice(items);
        for item in more {
            encode(item, &mut list);
        }
        self.raw(id.into(), &list);
    }

    /// Imports keep their names; maximums of memories and tables are lowered to the caps.
    fn imports(&mut self, contents: &[u8]) {
        let outline = self.rewriting.outline;
        if outline.imported.memories + outline.imported.tables == 0 {
            if !contents.is_empty() {
                self.raw(SectionId::Import.into(), contents);
            }
            return;
        }
        let mut section = ImportSection::new();
        for import in &outline.imports {
            let position = import.index as usize;
            match import.kind {
                Kind::Function => {
                    let ty = wasm_encoder::EntityType::Function(outline.functions[position]);
                    section.import(import.module, import.name, ty);
                }
                Kind::Table => {
                    section.import(import.module, import.name, self.table(position));
                }
                Kind::Memory => {
                    section.import(import.module, import.name, self.memory(position));
                }
                Kind::Global => {
                    let global = outline.globals[position];
                    let ty = GlobalType {
                        val_type: encoded(global.value),
                        mutable: global.mutable,
                        shared: false,
                    };
                    section.import(import.module, import.name, ty);
                }
            }
        }
        section.append_to(&mut self.out);
    }

    fn tables(&mut self, contents: &[u8]) {
        if contents.is_empty() {
            return;
        }
        let mut section = TableSection::new();
        for position in
            self.rewriting.outline.imported.tables as usize..self.rewriting.outline.tables.len()
        {
            section.table(self.table(position));
        }
        section.append_to(&mut self.out);
    }

    fn table(&self, position: usize) -> TableType {
        let table = self.rewriting.outline.tables[position];
        let cap = self.rewriting.config.table_elements;
        TableType {
            element_type: match encoded(table.element) {
                ValType::Ref(ty) => ty,
                _ => wasm_encoder::RefType::FUNCREF,
            },
            table64: false,
            minimum: table.min.into(),
            maximum: Some(table.max.map_or(cap, |max| max.min(cap)).into()),
            shared: false,
        }
    }

    fn memories(&mut self, contents: &[u8]) {
        if contents.is_empty() {
            return;
        }
        let mut section = MemorySection::new();
        for position in
            self.rewriting.outline.imported.memories as usize..self.rewriting.outline.memories.len()
        {
            section.memory(self.memory(position));
        }
        section.append_to(&mut self.out);
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

    fn globals(&mut self, contents: &[u8]) {
        let config = self.rewriting.config;
        let initial = [
            (ValueType::I64, 0),
            (ValueType::I32, 0),
            (ValueType::I32, 0),
            (ValueType::I32, config.memory_pages),
            (ValueType::I32, config.table_elements),
        ];
        self.extended(
            SectionId::Global,
            contents,
            &initial,
            |&(ty, value), out| {
                GlobalType {
                    val_type: encoded(ty),
                    mutable: true,
                    shared: false,
                }
                .encode(out);
                let mut sink = wasm_encoder::InstructionSink::new(out);
                match ty {
                    ValueType::I64 => sink.i64_const(value.into()),
                    _ => sink.i32_const(value.cast_signed()),
                }
                .end();
            },
        );
    }

    fn exports(&mut self, contents: &[u8]) {
        let outline = self.rewriting.outline;
        let mut more: Vec<(&str, ExportKind, u32)> = self
            .rewriting
            .globals
            .exports()
            .map(|(name, index)| (name, ExportKind::Global, index))
            .to_vec();
        if !outline.memories.is_empty() {
            more.push((meter::MEMORY, ExportKind::Memory, 0));
        }
        if let Some(start) = outline.start {
            more.push((meter::START, ExportKind::Func, start));
        }
        self.extended(
            SectionId::Export,
            contents,
            &more,
            |&(name, kind, index), out| {
                name.encode(out);
                kind.encode(out);
                index.encode(out);
            },
        );
    }

    fn bodies(&mut self) {
        let rewriting = self.rewriting;
        let count = rewriting.outline.survey.bodies.len() + rewriting.helpers.types().len();
        if count == 0 {
            return;
        }
        let mut contents = Vec::with_capacity(self.code.len() + 5);
        (count as u32).encode(&mut contents);
        contents.extend_from_slice(self.code);
        self.raw(SectionId::Code.into(), &contents);
    }
}

const _: () = assert!(
    Globals::COUNT == 5,
    "one initial value for each reserved global"
);

fn encode_type(ty: &FunctionType, out: &mut Vec<u8>) {
    const FUNCTION: u8 = 0x60;
    out.push(FUNCTION);
    for list in [&ty.params, &ty.results] {
        list.iter()
            .copied()
            .map(encoded)
            .collect::<Vec<_>>()
            .encode(out);
    }
}

/// The count at the head of a list, and the items after it.
fn split_count(contents: &[u8]) -> (u32, &[u8]) {
    let mut decoder = crate::operators::Decoder::new(contents, 0);
    let count = decoder.u32().unwrap_or(0);
    (count, &contents[decoder.position()..])
}
