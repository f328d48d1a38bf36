//! The one feature set, and what to say about a module that needs more.
//!
//! The set is WebAssembly 2.0. A refusal is looked at a second time with everything switched on, so that "uses a
//! proposal that is off" is told from "is wrong".

use wasmparser::{
    Error, FromReader, FuncValidatorAllocations, FunctionBody, Parser, Payload, SectionLimited,
    ValidPayload, Validator, WasmFeatures,
};

use crate::PrepareError;

/// What every backend has: WebAssembly 2.0.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2;

/// First bytes of a component, in place of a module's `01 00 00 00` version.
const COMPONENT_VERSION: [u8; 4] = [0x0d, 0x00, 0x01, 0x00];

/// Proposals outside the set by their usual names, each with what it builds on. Tried in this order, so the smaller
/// answer comes first.
const PROPOSALS: [(&str, WasmFeatures); 17] = {
    use WasmFeatures as F;
    let references = F::FUNCTION_REFERENCES;
    [
        ("multi-memory", F::MULTI_MEMORY),
        ("threads", F::THREADS),
        ("tail-call", F::TAIL_CALL),
        ("relaxed-simd", F::RELAXED_SIMD),
        ("extended-const", F::EXTENDED_CONST),
        ("exceptions", F::EXCEPTIONS),
        ("memory64", F::MEMORY64),
        ("function-references", references),
        ("gc", references.union(F::GC)),
        ("legacy-exceptions", F::LEGACY_EXCEPTIONS),
        ("custom-page-sizes", F::CUSTOM_PAGE_SIZES),
        ("wide-arithmetic", F::WIDE_ARITHMETIC),
        ("memory-control", F::MEMORY_CONTROL),
        (
            "stack-switching",
            references
                .union(F::GC)
                .union(F::EXCEPTIONS)
                .union(F::STACK_SWITCHING),
        ),
        (
            "shared-everything-threads",
            references
                .union(F::GC)
                .union(F::THREADS)
                .union(F::SHARED_EVERYTHING_THREADS),
        ),
        (
            "custom-descriptors",
            references.union(F::GC).union(F::CUSTOM_DESCRIPTORS),
        ),
        ("compact-imports", F::COMPACT_IMPORTS),
    ]
};

/// Whether the bytes begin a component rather than a module.
pub(crate) fn is_component(wasm: &[u8]) -> bool {
    wasm.len() >= 8 && wasm[..4] == *b"\0asm" && wasm[4..8] == COMPONENT_VERSION
}

/// Turns the validator's refusal of `wasm` into the error to report.
#[cold]
pub(crate) fn diagnose(wasm: &[u8], error: &Error) -> PrepareError {
    let (offset, reason) = (error.offset(), error.message());
    if let Some(feature) = disabled_feature(wasm, error) {
        return PrepareError::feature_disabled(feature, offset, reason);
    }
    match parse(wasm) {
        Some((offset, reason)) => PrepareError::malformed(offset, &reason),
        None => PrepareError::invalid(offset, reason),
    }
}

/// The proposal without which `wasm` fails as `error` says, if there is one; the first of them, if it takes several.
fn disabled_feature(wasm: &[u8], error: &Error) -> Option<&'static str> {
    let offset = error.offset();
    let all = all_proposals();
    if !passes(wasm, all, offset) {
        return None;
    }
    let named = error
        .missing_wasm_feature()
        .unwrap_or(WasmFeatures::empty());
    let suffices =
        |features: WasmFeatures| features.contains(named) && passes(wasm, features, offset);
    let is_needed = |features: WasmFeatures| !passes(wasm, all.difference(features), offset);
    let found = PROPOSALS.iter().find(|(_, features)| suffices(*features));
    found
        .or_else(|| PROPOSALS.iter().find(|(_, features)| is_needed(*features)))
        .map(|(name, _)| *name)
}

fn all_proposals() -> WasmFeatures {
    PROPOSALS
        .iter()
        .fold(WasmFeatures::empty(), |all, (_, features)| {
            all.union(*features)
        })
}

/// Whether a validator that has `proposals` on top of the fixed set gets past `offset`, where one without failed.
///
/// Bodies that lie before the place have passed already and are not looked at again, so this is cheap however large
/// the module is.
fn passes(wasm: &[u8], proposals: WasmFeatures, offset: u64) -> bool {
    let features = FEATURES.union(proposals);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut validator = Validator::new_with_features(features);
    for payload in parser.parse_all(wasm) {
        let step = payload.and_then(|payload| {
            let beyond = begins_after(&payload, offset);
            if let ValidPayload::Func(function, body) = validator.payload(&payload)?
                && body.range().contains(&offset)
            {
                function
                    .into_validator(FuncValidatorAllocations::default())
                    .validate(&body)?;
            }
            Ok(beyond)
        });
        match step {
            Ok(false) => {}
            Ok(true) => return true,
            Err(error) => return error.offset() > offset,
        }
    }
    true
}

fn begins_after(payload: &Payload<'_>, offset: u64) -> bool {
    match payload {
        Payload::CodeSectionEntry(body) => body.range().start > offset,
        _ => payload
            .as_section()
            .is_some_and(|(_, range)| range.start > offset),
    }
}

/// Reads everything without validating it; the place and the words of the first thing that does not decode.
fn parse(wasm: &[u8]) -> Option<(u64, String)> {
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    parser
        .parse_all(wasm)
        .find_map(|payload| match payload.and_then(read) {
            Ok(None) => None,
            Ok(Some((id, offset))) => Some((offset, format!("unknown section {id}"))),
            Err(error) => Some((error.offset(), error.message().to_owned())),
        })
}

/// Reads one payload to its end; a section of no known kind is given back with its place.
fn read(payload: Payload<'_>) -> Result<Option<(u8, u64)>, Error> {
    match payload {
        Payload::TypeSection(section) => read_all(section)?,
        Payload::ImportSection(section) => read_all(section)?,
        Payload::FunctionSection(section) => read_all(section)?,
        Payload::TableSection(section) => read_all(section)?,
        Payload::MemorySection(section) => read_all(section)?,
        Payload::GlobalSection(section) => read_all(section)?,
        Payload::ExportSection(section) => read_all(section)?,
        Payload::ElementSection(section) => read_all(section)?,
        Payload::DataSection(section) => read_all(section)?,
        Payload::CodeSectionEntry(body) => read_body(&body)?,
        Payload::UnknownSection { id, range, .. } => return Ok(Some((id, range.start))),
        _ => {}
    }
    Ok(None)
}

fn read_all<'a, T: FromReader<'a>>(section: SectionLimited<'a, T>) -> Result<(), Error> {
    section.into_iter().try_for_each(|item| item.map(drop))
}

fn read_body(body: &FunctionBody<'_>) -> Result<(), Error> {
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        operators.read()?;
    }
    operators.finish()
}
