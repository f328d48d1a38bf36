//! Modules and arguments made of a seed, and the settings that say how many.

use std::ops::Range;
use std::thread;

use aingle_wasm_specification::{ReferenceType, Value};
use arbitrary::Unstructured;
use wasm_smith::Config;
use wasmi::ValType;

use super::random::Random;

/// Native stack that suffices for as many growths as a session's budget pays for: wasmi keeps a frame for each.
const STACK_BYTES: usize = 256 << 20;

/// Runs a test on a thread with a large stack.
pub(crate) fn with_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(test)
        .expect("a thread starts");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// The seeds of a test that runs `modules` of them unless `AINGLE_WASM_MODULES` says otherwise.
pub(crate) fn seeds(modules: u64) -> Range<u64> {
    let setting = |name: &str, default| {
        std::env::var(name).map_or(default, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("{name} is no number"))
        })
    };
    let first = setting("AINGLE_WASM_SEED", 0);
    first..first + setting("AINGLE_WASM_MODULES", modules)
}

/// A module of our feature set that imports a few functions and exports everything.
pub(crate) fn generate(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    // Now and then the generator finds nothing that satisfies its own choices.
    std::iter::repeat_with(|| attempt(&mut random))
        .find_map(Result::ok)
        .expect("one attempt succeeds")
}

fn attempt(random: &mut Random) -> arbitrary::Result<Vec<u8>> {
    let config = Config {
        available_imports: Some(imports()),
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
        memory_offset_choices: wasm_smith::MemoryOffsetChoices(80, 15, 5),
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

/// Host functions of several shapes.
fn imports() -> Vec<u8> {
    let text = r#"(module
        (import "env" "nothing" (func))
        (import "env" "number" (func (param i32) (result i64)))
        (import "env" "floats" (func (param f32 f64) (result f64)))
        (import "env" "vector" (func (param v128) (result v128)))
        (import "env" "several" (func (param i32 i64) (result i32 f32 i64)))
        (import "env" "references" (func (param funcref externref) (result externref funcref))))"#;
    wat::parse_str(text).expect("the imports assemble")
}

/// An argument: often one of the values at which operators change their behaviour.
pub(crate) fn argument(random: &mut Random, ty: ValType) -> Value {
    let bits = match random.below(4) {
        0 => random.below(16) as u64,
        1 => EDGES[random.below(EDGES.len())],
        _ => random.next(),
    };
    match ty {
        ValType::I32 => Value::I32(bits as u32),
        ValType::I64 => Value::I64(bits),
        ValType::F32 => Value::F32(bits as u32),
        ValType::F64 => Value::F64(bits),
        ValType::V128 => {
            Value::V128((u128::from(bits) << 64 | u128::from(random.next())).to_le_bytes())
        }
        ValType::FuncRef => Value::Null(ReferenceType::Func),
        ValType::ExternRef if bits % 2 == 0 => Value::Null(ReferenceType::Extern),
        ValType::ExternRef => Value::ExternRef(bits as u32),
    }
}

/// Ends of ranges, signed zeros, infinities and NaNs, of either width.
const EDGES: [u64; 12] = [
    u64::MAX,
    i64::MAX.cast_unsigned(),
    i64::MIN.cast_unsigned(),
    0x7fff_ffff,
    0x8000_0000,
    0x7f80_0000,
    0xffc0_0000,
    0x7fa0_0001,
    0x7ff0_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff4_0000_0000_0001,
    0x4f00_0000,
];
