//! Arguments made of a seed, and the settings that say how many seeds a test runs.

use std::ops::Range;
use std::thread;

use aingle_wasm_specification::{Random, ReferenceType, Value};
use wasmi::ValType;

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

/// An argument: often one of the values at which operators change their behaviour.
pub(crate) fn argument(random: &mut Random, ty: ValType) -> Value {
    let bits = match random.below(4) {
        0 => random.below(16) as u64,
        1 => EDGES[random.below(EDGES.len())],
        _ => random.number(),
    };
    match ty {
        ValType::I32 => Value::I32(bits as u32),
        ValType::I64 => Value::I64(bits),
        ValType::F32 => Value::F32(bits as u32),
        ValType::F64 => Value::F64(bits),
        ValType::V128 => {
            Value::V128((u128::from(bits) << 64 | u128::from(random.number())).to_le_bytes())
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
