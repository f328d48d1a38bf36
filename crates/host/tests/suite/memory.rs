//! Addresses around guards: every access outside the memory traps, in every layout.

use crate::common::{self, module};
use aingle_wasm_host::StaticMemoryBound;
use aingle_wasm_host::prelude::*;

/// Loads and stores at an address with a constant offset; the memory has one page and may grow to sixteen.
fn guest(bound: StaticMemoryBound, offset: u32) -> WasmInstance {
    let engine = WasmEngine::new(EngineConfig {
        static_memory_bound: bound,
        ..common::config()
    })
    .unwrap();
    let wat = format!(
        r#"(module (memory 1 16)
        (func (export "load8") (param i32) (drop (i32.load8_u offset={offset} (local.get 0))))
        (func (export "load64") (param i32) (drop (i64.load offset={offset} (local.get 0))))
        (func (export "load128") (param i32) (drop (v128.load offset={offset} (local.get 0))))
        (func (export "store8") (param i32) (i32.store8 offset={offset} (local.get 0) (i32.const 1)))
        (func (export "store128") (param i32)
          (v128.store offset={offset} (local.get 0) (v128.const i64x2 1 1)))
        (func (export "grow") (param i32) (drop (memory.grow (local.get 0)))))"#
    );
    let module = module(&engine, &wat);
    WasmInstance::with_options(&engine, &module, common::keep()).unwrap()
}

const WIDTHS: [(&str, u64); 5] = [
    ("load8", 1),
    ("load64", 8),
    ("load128", 16),
    ("store8", 1),
    ("store128", 16),
];

#[test]
fn accesses_succeed_inside_the_memory_and_trap_outside_in_every_layout() {
    let bounds = [
        StaticMemoryBound::Auto,
        StaticMemoryBound::Pages(0x1_0000),
        StaticMemoryBound::Pages(0x4000),
        StaticMemoryBound::Pages(16),
        StaticMemoryBound::Pages(0),
    ];
    let sizes = [(0, 65_536_u64), (1, 131_072), (14, 1_048_576)];
    let offsets = [
        0,
        1,
        65_535,
        65_536,
        1 << 20,
        (1 << 20) + 65_536,
        1 << 30,
        1 << 31,
        u32::MAX,
    ];
    for bound in bounds {
        for offset in offsets {
            let mut guest = guest(bound, offset);
            for (grow, size) in sizes {
                guest
                    .invoke("grow", &[grow.into()], CallOptions::default())
                    .unwrap();
                let addresses = [
                    0,
                    1,
                    size - 16,
                    size - 8,
                    size - 1,
                    size,
                    size + 1,
                    1 << 24,
                    1 << 31,
                ];
                for address in addresses
                    .into_iter()
                    .chain([u64::from(u32::MAX) - 15, u32::MAX.into()])
                {
                    for (export, width) in WIDTHS {
                        let inside = address + u64::from(offset) + width <= size;
                        let args = [Value::I32((address as u32).cast_signed())];
                        let outcome = guest.invoke(export, &args, CallOptions::default());
                        let code = outcome.err().map(|error| error.code());
                        let expected = (!inside).then_some(ErrorCode::Trap);
                        assert_eq!(
                            code, expected,
                            "{bound:?} {export} {address}+{offset} of {size}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_dynamic_memory_keeps_its_contents_when_it_moves() {
    let mut guest = guest(StaticMemoryBound::Pages(0), 0);
    guest.memory_write(0, b"first").unwrap();
    guest.memory_write(65_531, b"last!").unwrap();
    assert_eq!(guest.memory_grow(15).unwrap(), 1);
    assert_eq!(guest.memory_read(0, 5).unwrap(), b"first");
    assert_eq!(guest.memory_read(65_531, 6).unwrap(), b"last!\0");
    assert_eq!(guest.memory_pages().unwrap(), 16);
    assert_eq!(
        guest.memory_read(16 << 16, 1).unwrap_err().code(),
        ErrorCode::OutOfRange
    );
}

#[test]
fn new_instances_see_nothing_of_old_ones() {
    let engine = common::engine();
    let module = module(&engine, "(module (memory 2))");
    for _ in 0..50 {
        let mut guest = WasmInstance::new(&engine, &module).unwrap();
        assert!(
            guest
                .memory_read(0, 2 << 16)
                .unwrap()
                .iter()
                .all(|byte| *byte == 0)
        );
        guest.memory_write(0, &[0xaa; 2 << 16]).unwrap();
    }
}

#[test]
fn a_guest_without_a_memory_has_none_of_its_bytes() {
    let mut guest = common::instance("(module)");
    assert_eq!(guest.memory_pages().unwrap(), 0);
    assert_eq!(guest.memory_read(0, 0).unwrap(), b"");
    assert_eq!(
        guest.memory_read(0, 1).unwrap_err().code(),
        ErrorCode::OutOfRange
    );
    assert_eq!(
        guest.memory_grow(1).unwrap_err().code(),
        ErrorCode::MemoryLimit
    );
}
