//! Memories and globals that the host gives, and globals that a guest exports.

use crate::common::{self, engine, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{HostGlobal, HostMemory, HostTable, StaticMemoryBound};

const PAGE: u32 = 65_536;

const MEMORY: &str = r#"(module (import "env" "memory" (memory 1 4))
    (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

fn make(wat: &str, imports: Imports) -> Result<WasmInstance, HostError> {
    let engine = engine();
    let options = InstanceOptions {
        imports,
        ..common::keep()
    };
    WasmInstance::with_options(&engine, &module(&engine, wat), options)
}

fn with_memory(memory: HostMemory) -> Imports {
    let mut imports = Imports::new();
    imports.memory("env", "memory", memory);
    imports
}

fn with_global(global: HostGlobal) -> Imports {
    let mut imports = Imports::new();
    imports.global("env", "g", global);
    imports
}

fn call(instance: &mut WasmInstance, name: &str, args: &[Value]) -> Vec<Value> {
    instance.invoke(name, args, CallOptions::default()).unwrap()
}

#[test]
fn a_memory_begins_with_its_contents_and_keeps_its_maximum() {
    let memory = HostMemory::new(2, Some(3)).with_contents([1, 2, 3]);
    let mut instance = make(MEMORY, with_memory(memory)).unwrap();
    assert_eq!(call(&mut instance, "get", &[2.into()]), [Value::I32(3)]);
    assert_eq!(call(&mut instance, "get", &[3.into()]), [Value::I32(0)]);
    assert_eq!(call(&mut instance, "grow", &[2.into()]), [Value::I32(-1)]);
    assert_eq!(call(&mut instance, "grow", &[1.into()]), [Value::I32(2)]);
    let refused = instance.memory_grow(1).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::MemoryLimit);
    assert_eq!(instance.memory_pages().unwrap(), 3);
}

#[test]
fn instances_have_memories_of_their_own() {
    let imports = with_memory(HostMemory::new(1, Some(4)).with_contents([7]));
    let mut first = make(MEMORY, imports.clone()).unwrap();
    first.memory_write(0, &[8]).unwrap();
    let mut second = make(MEMORY, imports).unwrap();
    assert_eq!(second.memory_read(0, 1).unwrap(), [7]);
}

#[test]
fn a_memory_that_does_not_fit_is_refused() {
    let unfit = [
        HostMemory::new(0, Some(4)),
        HostMemory::new(1, Some(5)),
        HostMemory::new(1, None),
        HostMemory::new(2, Some(1)),
        HostMemory::new(1, Some(4)).with_contents(vec![0; PAGE as usize + 1]),
    ];
    for memory in unfit {
        let error = make(MEMORY, with_memory(memory)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ImportType);
    }
    let function = make(
        r#"(module (import "env" "memory" (func)))"#,
        with_memory(HostMemory::new(1, None)),
    );
    assert_eq!(function.unwrap_err().code(), ErrorCode::ImportType);
    let missing = make(MEMORY, Imports::new()).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::ImportMissing);
}

#[test]
fn a_memory_above_the_limit_is_refused_before_it_is_made() {
    let engine = engine();
    let module = module(&engine, r#"(module (import "env" "memory" (memory 0)))"#);
    let options = InstanceOptions {
        imports: with_memory(HostMemory::new(65_536, None)),
        ..Default::default()
    };
    let error = WasmInstance::with_options(&engine, &module, options).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MemoryLimit);
}

/// The import is compiled for the largest memory that fits it; a smaller one must trap at its own end all the same.
#[test]
fn accesses_behind_an_imported_memory_trap_in_every_layout() {
    let bounds = [
        StaticMemoryBound::Auto,
        StaticMemoryBound::Pages(0),
        StaticMemoryBound::Pages(16),
        StaticMemoryBound::Pages(0x4000),
    ];
    for bound in bounds {
        let engine = WasmEngine::new(EngineConfig {
            static_memory_bound: bound,
            ..common::config()
        })
        .unwrap();
        for (wanted, max) in [("1", None), ("1", Some(2)), ("1 16", Some(1))] {
            let wat = format!(
                r#"(module (import "env" "memory" (memory {wanted}))
                (func (export "near") (param i32) (drop (i32.load8_u (local.get 0))))
                (func (export "far") (param i32) (drop (i64.load offset=4294967295 (local.get 0)))))"#
            );
            let options = InstanceOptions {
                imports: with_memory(HostMemory::new(1, max)),
                ..common::keep()
            };
            let module = module(&engine, &wat);
            let mut instance = WasmInstance::with_options(&engine, &module, options).unwrap();
            call(&mut instance, "near", &[Value::I32(PAGE.cast_signed() - 1)]);
            for (name, address) in [
                ("near", PAGE),
                ("near", u32::MAX),
                ("far", 0),
                ("far", u32::MAX),
            ] {
                let code =
                    common::code_of(&mut instance, name, &[Value::I32(address.cast_signed())]);
                assert_eq!(
                    code,
                    ErrorCode::Trap,
                    "{name} {address} {bound:?} {wanted} {max:?}"
                );
            }
        }
    }
}

#[test]
fn globals_keep_every_bit_both_ways() {
    let values = [
        Value::I32(i32::MIN),
        Value::I64(i64::MIN + 1),
        Value::F32(0x7fa0_0001),
        Value::F64(0xfff4_0000_0000_0001),
        Value::V128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]),
        Value::FuncRef(None),
        Value::ExternRef(None),
    ];
    for value in values {
        let ty = value.ty().as_str();
        let wat = format!(
            r#"(module (import "env" "g" (global $g (mut {ty}))) (global (export "same") (mut {ty}) (global.get 0)))"#
        )
        .replace("(global.get 0)", &zero(ty));
        let mut instance = make(&wat, with_global(HostGlobal::variable(value))).unwrap();
        let imported = instance.module().global_handle(0).unwrap();
        assert_eq!(instance.global(imported).unwrap(), value);
        let exported = instance.module().exported_global("same").unwrap();
        instance.set_global(exported, value).unwrap();
        assert_eq!(instance.global(exported).unwrap(), value);
    }
}

fn zero(ty: &str) -> String {
    match ty {
        "v128" => "(v128.const i64x2 0 0)".to_owned(),
        "funcref" => "(ref.null func)".to_owned(),
        "externref" => "(ref.null extern)".to_owned(),
        number => format!("({number}.const 0)"),
    }
}

#[test]
fn a_global_imported_twice_is_one() {
    let wat = r#"(module (import "env" "g" (global $a (mut i32))) (import "env" "g" (global $b (mut i32)))
        (func (export "run") (result i32) (global.set $a (i32.const 5)) (global.get $b)))"#;
    let mut instance = make(wat, with_global(HostGlobal::variable(Value::I32(1)))).unwrap();
    assert_eq!(call(&mut instance, "run", &[]), [Value::I32(5)]);
    let second = instance.module().global_handle(1).unwrap();
    assert_eq!(instance.global(second).unwrap(), Value::I32(5));
}

#[test]
fn a_global_that_does_not_fit_is_refused() {
    let wat = r#"(module (import "env" "g" (global (mut i32))))"#;
    let unfit = [
        HostGlobal::constant(Value::I32(1)),
        HostGlobal::variable(Value::I64(1)),
    ];
    for global in unfit {
        let error = make(wat, with_global(global)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ImportType);
    }
}

#[test]
fn wrong_writes_and_wrong_handles_are_refused() {
    let wat = r#"(module (global (export "c") i32 (i32.const 1)) (global (export "m") (mut i32) (i32.const 2)))"#;
    let mut instance = make(wat, Imports::new()).unwrap();
    let constant = instance.module().exported_global("c").unwrap();
    let mutable = instance.module().exported_global("m").unwrap();
    let writes = [(constant, Value::I32(3)), (mutable, Value::I64(3))];
    for (handle, value) in writes {
        let error = instance.set_global(handle, value).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgValue);
    }
    let error = instance.module().exported_global("x").unwrap_err();
    assert_eq!(error.code(), ErrorCode::ExportNotFound);
    let mut other = make(wat, Imports::new()).unwrap();
    assert_eq!(
        other.global(mutable).unwrap_err().code(),
        ErrorCode::InvalidArgValue
    );
    instance.close();
    assert_eq!(
        instance.global(mutable).unwrap_err().code(),
        ErrorCode::InstanceClosed
    );
}

const TABLE: &str = r#"(module (import "env" "table" (table $t 2 8 funcref))
    (type $answer (func (result i32)))
    (elem (i32.const 1) $seven)
    (func $seven (result i32) (i32.const 7))
    (func (export "call") (param i32) (result i32) (call_indirect (type $answer) (local.get 0)))
    (func (export "size") (result i32) (table.size $t))
    (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))"#;

fn with_table(table: HostTable) -> Imports {
    let mut imports = Imports::new();
    imports.table("env", "table", table);
    imports
}

#[test]
fn a_table_is_filled_by_the_guest_and_keeps_its_maximum() {
    let mut instance = make(TABLE, with_table(HostTable::functions(3, Some(5)))).unwrap();
    assert_eq!(call(&mut instance, "call", &[1.into()]), [Value::I32(7)]);
    assert_eq!(
        common::code_of(&mut instance, "call", &[0.into()]),
        ErrorCode::Trap
    );
    assert_eq!(call(&mut instance, "size", &[]), [Value::I32(3)]);
    assert_eq!(call(&mut instance, "grow", &[3.into()]), [Value::I32(-1)]);
    assert_eq!(call(&mut instance, "grow", &[2.into()]), [Value::I32(3)]);
}

#[test]
fn a_table_that_does_not_fit_is_refused() {
    let unfit = [
        HostTable::functions(1, Some(8)),
        HostTable::functions(2, Some(9)),
        HostTable::functions(2, None),
        HostTable::functions(3, Some(2)),
        HostTable::externs(2, Some(8)),
    ];
    for table in unfit {
        let error = make(TABLE, with_table(table.clone())).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ImportType, "{table:?}");
    }
}

#[test]
fn a_table_above_the_limit_is_refused_before_it_is_made() {
    let wat = r#"(module (import "env" "table" (table 0 externref)))"#;
    let error = make(wat, with_table(HostTable::externs(u32::MAX, None))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TableLimit);
}

#[test]
fn functions_of_an_instance_that_was_not_made_are_gone_with_it() {
    let table = with_table(HostTable::functions(2, Some(8)));
    let failing = r#"(module (import "env" "table" (table 2 8 funcref)) (memory 1)
        (elem (i32.const 0) $f) (func $f (result i32) (i32.const 9)) (data (i32.const 65536) "x"))"#;
    let error = make(failing, table.clone()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Trap);
    let mut instance = make(TABLE, table).unwrap();
    assert_eq!(
        common::code_of(&mut instance, "call", &[0.into()]),
        ErrorCode::Trap
    );
}
