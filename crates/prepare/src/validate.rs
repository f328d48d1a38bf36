//! Reads a module once from front to back: caps first, then the validator, then the outline for the rewriting.

use aingle_wasm_types::meter::{PAGE_BYTES, RESERVED_PREFIX};
use wasmparser::{
    CompositeInnerType, ConstExpr, ElementItems, ExternalKind, FromReader,
    FuncValidatorAllocations, Imports, Operator, Parser, Payload, RefType, SectionLimited, TypeRef,
    ValType, ValidPayload, Validator,
};

use crate::caps::{self, check};
use crate::costs::Weights;
use crate::features::{self, FEATURES};
use crate::outline::{ExportEntry, ImportEntry, Imported, Kind, Outline, Section};
use crate::survey::Terms;
use crate::{
    ComplexityCaps, CustomSection, ErrorKind, FunctionType, GlobalType, MemoryType, PrepareConfig,
    PrepareError, TableType, ValueType,
};

/// Validates `wasm` against the fixed feature set and all caps.
pub(crate) fn validate<'a>(
    wasm: &'a [u8],
    config: &PrepareConfig,
    weights: &Weights,
) -> Result<Outline<'a>, PrepareError> {
    check(
        "moduleBytes",
        wasm.len() as u64,
        config.complexity.module_bytes,
    )?;
    check_magic(wasm)?;
    if features::is_component(wasm) {
        return Err(PrepareError::feature_disabled(
            "component-model",
            4,
            "the bytes are a component, not a module",
        ));
    }
    let mut reading = Reading::new(wasm, config, weights);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    for payload in parser.parse_all(wasm) {
        payload
            .map_err(Fault::from)
            .and_then(|payload| reading.payload(&payload))
            .map_err(|fault| match fault {
                Fault::Parser(error) => caps::parser_limit(&error, &config.complexity)
                    .unwrap_or_else(|| features::diagnose(wasm, &error)),
                Fault::Ours(error) => error,
            })?;
    }
    check_limits(&reading.outline, config)?;
    Ok(reading.outline)
}

/// First bytes of every module.
const MAGIC: [u8; 4] = *b"\0asm";

fn check_magic(wasm: &[u8]) -> Result<(), PrepareError> {
    let found = &wasm[..wasm.len().min(MAGIC.len())];
    if found == MAGIC {
        return Ok(());
    }
    Err(PrepareError::malformed(
        0,
        &format!("the first bytes are {found:02x?}, those of a module are {MAGIC:02x?}"),
    ))
}

/// A refusal by wasmparser, still to be diagnosed, or one of our own.
enum Fault {
    Parser(wasmparser::Error),
    Ours(PrepareError),
}

impl From<wasmparser::Error> for Fault {
    fn from(error: wasmparser::Error) -> Self {
        Self::Parser(error)
    }
}

impl From<PrepareError> for Fault {
    fn from(error: PrepareError) -> Self {
        Self::Ours(error)
    }
}

/// The state of one walk.
struct Reading<'a, 'c> {
    caps: &'c ComplexityCaps,
    weights: &'c Weights,
    validator: Validator,
    allocations: FuncValidatorAllocations,
    segment_bytes: u64,
    outline: Outline<'a>,
}

impl<'a, 'c> Reading<'a, 'c> {
    fn new(wasm: &'a [u8], config: &'c PrepareConfig, weights: &'c Weights) -> Self {
        Self {
            caps: &config.complexity,
            weights,
            validator: Validator::new_with_features(FEATURES),
            allocations: FuncValidatorAllocations::default(),
            segment_bytes: 0,
            outline: Outline {
                wasm,
                ..Outline::default()
            },
        }
    }

    fn payload(&mut self, payload: &Payload<'a>) -> Result<(), Fault> {
        self.check_caps(payload)?;
        match self.validator.payload(payload)? {
            ValidPayload::Func(function, body) => {
                let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
                validator.validate(&body)?;
                self.allocations = validator.into_allocations();
            }
            ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {}
        }
        self.record_section(payload);
        self.record(payload)
    }

    /// The caps that can be checked before the validator's turn.
    fn check_caps(&mut self, payload: &Payload<'a>) -> Result<(), PrepareError> {
        let (caps, outline) = (self.caps, &self.outline);
        let sum = |present: usize, more: u32| present as u64 + u64::from(more);
        match payload {
            Payload::TypeSection(section) => check("types", section.count().into(), caps.types),
            Payload::ImportSection(section) => {
                check("imports", section.count().into(), caps.imports)
            }
            Payload::FunctionSection(section) => check(
                "functions",
                sum(outline.functions.len(), section.count()),
                caps.functions,
            ),
            Payload::TableSection(section) => {
                caps::check_tables(outline.tables.len() + section.count() as usize)
            }
            Payload::GlobalSection(section) => check(
                "globals",
                sum(outline.globals.len(), section.count()),
                caps.globals,
            ),
            Payload::ExportSection(section) => {
                check("exports", section.count().into(), caps.exports)
            }
            Payload::ElementSection(section) => {
                check("elements", section.count().into(), caps.elements)?;
                self.check_segments(section)
            }
            Payload::DataSection(section) => {
                check("dataSegments", section.count().into(), caps.data_segments)?;
                self.check_segments(section)
            }
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                let range = range.start as usize..range.end as usize;
                let Outline {
                    wasm,
                    survey,
                    imported,
                    ..
                } = &mut self.outline;
                let terms = Terms {
                    caps,
                    weights: self.weights,
                    imported_functions: imported.functions,
                };
                survey.add(wasm, range, &terms)
            }
            Payload::CustomSection(section) => caps::check_name(caps, section.name()),
            _ => Ok(()),
        }
    }

    fn check_segments<T>(&mut self, section: &SectionLimited<'a, T>) -> Result<(), PrepareError> {
        let range = section.range();
        self.segment_bytes += range.end - range.start;
        check("segmentBytes", self.segment_bytes, self.caps.segment_bytes)
    }

    fn record_section(&mut self, payload: &Payload<'a>) {
        if matches!(payload, Payload::CodeSectionEntry(_)) {
            return;
        }
        if let Some((id, range)) = payload.as_section() {
            self.outline.sections.push(Section {
                id,
                range: range.start as usize..range.end as usize,
            });
        }
    }

    /// Takes from a section that has just passed the validator what the rewriting needs.
    fn record(&mut self, payload: &Payload<'a>) -> Result<(), Fault> {
        match payload {
            Payload::TypeSection(section) => self.types(section.clone()),
            Payload::ImportSection(section) => self.imports(section.clone()),
            Payload::FunctionSection(section) => {
                collect(section, &mut self.outline.functions, |index| index)
            }
            Payload::TableSection(section) => collect(section, &mut self.outline.tables, |table| {
                table_type(table.ty)
            }),
            Payload::MemorySection(section) => {
                collect(section, &mut self.outline.memories, memory_type)
            }
            Payload::GlobalSection(section) => self.globals(section.clone()),
            Payload::ExportSection(section) => self.exports(section.clone()),
            Payload::StartSection { func, .. } => {
                self.outline.start = Some(*func);
                Ok(())
            }
            Payload::ElementSection(section) => self.elements(section.clone()),
            Payload::CustomSection(section) => {
                let range = section.data_offset() as usize..section.range().end as usize;
                self.outline.custom_sections.push(CustomSection {
                    name: section.name().to_owned(),
                    range,
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn types(&mut self, section: wasmparser::TypeSectionReader<'a>) -> Result<(), Fault> {
        for group in section {
            for ty in group?.into_types() {
                if let CompositeInnerType::Func(function) = ty.composite_type.inner {
                    caps::check_type(self.caps, function.params().len(), function.results().len())?;
                    self.outline.types.push(FunctionType {
                        params: function.params().iter().copied().map(value_type).collect(),
                        results: function.results().iter().copied().map(value_type).collect(),
                    });
                }
            }
        }
        Ok(())
    }

    fn imports(&mut self, section: wasmparser::ImportSectionReader<'a>) -> Result<(), Fault> {
        for entry in section {
            if let Imports::Single(offset, import) = entry? {
                for name in [import.module, import.name] {
                    caps::check_name(self.caps, name)?;
                    refuse_reserved(name, offset)?;
                }
                let (kind, index) = self.import(import.ty)?;
                self.outline.imports.push(ImportEntry {
                    module: import.module,
                    name: import.name,
                    kind,
                    index,
                });
            }
        }
        Ok(())
    }

    /// Adds an imported thing to its index space; its kind and its index there.
    fn import(&mut self, ty: TypeRef) -> Result<(Kind, u32), PrepareError> {
        let outline = &mut self.outline;
        let Imported {
            functions,
            tables,
            memories,
            globals,
        } = &mut outline.imported;
        let (kind, count) = match ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                outline.functions.push(index);
                (Kind::Function, functions)
            }
            TypeRef::Table(ty) => {
                outline.tables.push(table_type(ty));
                (Kind::Table, tables)
            }
            TypeRef::Memory(ty) => {
                outline.memories.push(memory_type(ty));
                (Kind::Memory, memories)
            }
            TypeRef::Global(ty) => {
                outline.globals.push(global_type(ty));
                (Kind::Global, globals)
            }
            TypeRef::Tag(_) => {
                return Err(PrepareError::invalid(
                    0,
                    "a tag without the exceptions proposal",
                ));
            }
        };
        let index = *count;
        *count += 1;
        caps::check_tables(outline.tables.len())?;
        Ok((kind, index))
    }

    fn globals(&mut self, section: wasmparser::GlobalSectionReader<'a>) -> Result<(), Fault> {
        for global in section {
            let global = global?;
            self.outline.globals.push(global_type(global.ty));
            self.references(&global.init_expr)?;
        }
        Ok(())
    }

    fn exports(&mut self, section: wasmparser::ExportSectionReader<'a>) -> Result<(), Fault> {
        for export in section.into_iter_with_offsets() {
            let (offset, export) = export?;
            caps::check_name(self.caps, export.name)?;
            refuse_reserved(export.name, offset)?;
            let kind = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => Kind::Function,
                ExternalKind::Table => Kind::Table,
                ExternalKind::Memory => Kind::Memory,
                ExternalKind::Global => Kind::Global,
                ExternalKind::Tag => continue,
            };
            self.outline.exports.push(ExportEntry {
                name: export.name,
                kind,
                index: export.index,
            });
        }
        Ok(())
    }

    fn elements(&mut self, section: wasmparser::ElementSectionReader<'a>) -> Result<(), Fault> {
        for element in section {
            match element?.items {
                ElementItems::Functions(functions) => {
                    for function in functions {
                        self.outline.survey.references.push(function?);
                    }
                }
                ElementItems::Expressions(_, expressions) => {
                    for expression in expressions {
                        self.references(&expression?)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes the functions that a constant expression refers to.
    fn references(&mut self, expression: &ConstExpr<'a>) -> Result<(), Fault> {
        for operator in expression.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator? {
                self.outline.survey.references.push(function_index);
            }
        }
        Ok(())
    }
}

fn collect<'a, T: FromReader<'a>, U>(
    section: &SectionLimited<'a, T>,
    into: &mut Vec<U>,
    convert: impl Fn(T) -> U,
) -> Result<(), Fault> {
    for item in section.clone() {
        into.push(convert(item?));
    }
    Ok(())
}

fn refuse_reserved(name: &str, offset: u64) -> Result<(), PrepareError> {
    if name.starts_with(RESERVED_PREFIX) {
        let reason = format!("names that begin with {RESERVED_PREFIX} are reserved, found {name}");
        return Err(PrepareError::invalid(offset, &reason));
    }
    Ok(())
}

/// Refuses a memory, or tables together, that begin larger than their cap.
fn check_limits(outline: &Outline<'_>, config: &PrepareConfig) -> Result<(), PrepareError> {
    let pages = outline
        .memories
        .iter()
        .map(|memory| u64::from(memory.min))
        .max()
        .unwrap_or(0);
    if pages > u64::from(config.memory_pages) {
        let bytes = |pages: u64| pages * u64::from(PAGE_BYTES);
        let limit = bytes(config.memory_pages.into());
        return Err(ErrorKind::MemoryLimit {
            limit,
            value: bytes(pages),
        }
        .into());
    }
    let elements = outline.table_elements();
    if elements > u64::from(config.table_elements) {
        return Err(ErrorKind::TableLimit {
            limit: config.table_elements.into(),
            value: elements,
        }
        .into());
    }
    Ok(())
}

fn value_type(ty: ValType) -> ValueType {
    match ty {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        ValType::V128 => ValueType::V128,
        ValType::Ref(ty) if ty == RefType::EXTERNREF => ValueType::ExternRef,
        ValType::Ref(_) => ValueType::FuncRef,
    }
}

fn table_type(ty: wasmparser::TableType) -> TableType {
    TableType {
        element: value_type(ty.element_type.into()),
        min: clamp(ty.initial),
        max: ty.maximum.map(clamp),
    }
}

fn memory_type(ty: wasmparser::MemoryType) -> MemoryType {
    MemoryType {
        min: clamp(ty.initial),
        max: ty.maximum.map(clamp),
    }
}

fn global_type(ty: wasmparser::GlobalType) -> GlobalType {
    GlobalType {
        value: value_type(ty.content_type),
        mutable: ty.mutable,
    }
}

/// Limits of 32-bit memories and tables fit in 32 bits once they are valid.
fn clamp(limit: u64) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// The outline of a module that a test knows to be accepted.
#[cfg(test)]
pub(crate) fn accepted(wasm: &[u8]) -> Outline<'_> {
    let weights = Weights::new(&crate::Costs::default());
    validate(wasm, &PrepareConfig::default(), &weights).expect("the module is accepted")
}
