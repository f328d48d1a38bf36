//! Modules made of a seed.

use arbitrary::Unstructured;
use wasm_encoder::{EntityType, ImportSection, Module, TypeSection, ValType};
use wasm_smith::{Config, MemoryOffsetChoices};

use crate::random::Random;

/// Types of the functions that generated modules may import, all from `env`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportedTypes {
    /// Numbers only, which every host can pass.
    Numbers,
    /// Vectors and references as well.
    All,
}

/// A function to import: its name, parameters and results.
type Signature = (&'static str, &'static [ValType], &'static [ValType]);

const NUMBERS: [Signature; 4] = {
    use ValType::{F32, F64, I32, I64};
    [
        ("nothing", &[], &[]),
        ("number", &[I32], &[I64]),
        ("floats", &[F32, F64], &[F64]),
        ("several", &[I32, I64], &[I32, F32, I64]),
    ]
};

const OTHERS: [Signature; 2] = [
    ("vector", &[ValType::V128], &[ValType::V128]),
    (
        "references",
        &[ValType::FUNCREF, ValType::EXTERNREF],
        &[ValType::EXTERNREF, ValType::FUNCREF],
    ),
];

impl ImportedTypes {
    /// A module that imports the functions, as the generator wants them.
    fn module(self) -> Vec<u8> {
        let others: &[Signature] = if self == Self::All { &OTHERS } else { &[] };
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        for (position, (name, params, results)) in (0..).zip(NUMBERS.iter().chain(others)) {
            types
                .ty()
                .function(params.iter().copied(), results.iter().copied());
            imports.import("env", name, EntityType::Function(position));
        }
        let mut module = Module::new();
        module.section(&types).section(&imports);
        module.finish()
    }
}

/// A module of WebAssembly 2.0 without start function that imports a few functions and exports everything. The same
/// seed gives the same module.
///
/// # Panics
/// Panics if the generator fails on everything that a seed gives it, which has not been seen.
pub fn generate(seed: u64, imports: ImportedTypes) -> Vec<u8> {
    let mut random = Random::new(seed);
    // Now and then the generator finds nothing that satisfies its own choices.
    std::iter::repeat_with(|| attempt(&mut random, imports))
        .find_map(Result::ok)
        .expect("one attempt succeeds")
}

fn attempt(random: &mut Random, imports: ImportedTypes) -> arbitrary::Result<Vec<u8>> {
    let config = Config {
        available_imports: Some(imports.module()),
        export_everything: true,
        allow_start_export: false,
        bulk_memory_enabled: true,
        max_data_segments: 4,
        max_element_segments: 4,
        max_elements: 16,
        max_funcs: 1 + random.below(12),
        max_globals: 6,
        max_imports: 4,
        max_instructions: 20 + random.below(200),
        max_memories: 1,
        max_nesting_depth: 8,
        max_table_elements: 100,
        max_tables: 3,
        max_type_size: 100,
        max_types: 10,
        min_funcs: 1,
        memory_offset_choices: MemoryOffsetChoices(80, 15, 5),
        multi_value_enabled: true,
        reference_types_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        max_memory32_bytes: 4 << 16,
        ..Config::default()
    };
    let bytes = random.bytes(8_192);
    Ok(wasm_smith::Module::new(config, &mut Unstructured::new(&bytes))?.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Validator, WasmFeatures};

    #[test]
    fn modules_are_valid_differ_and_repeat() {
        for seed in 0..50 {
            let wasm = generate(seed, ImportedTypes::All);
            let mut validator = Validator::new_with_features(WasmFeatures::WASM2);
            let refusal = validator.validate_all(&wasm).err();
            assert!(refusal.is_none(), "seed {seed}: {refusal:?}");
            assert_eq!(wasm, generate(seed, ImportedTypes::All));
            assert_ne!(wasm, generate(seed + 1, ImportedTypes::All));
        }
    }
}
