//! References: functions as values, host values, and the tables that hold both.

use crate::common::{self, engine, module};
use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{FunctionRef, FunctionType, HostGlobal, HostTable, ValueType};

const FUNCTIONS: &str = r#"(module
  (table (export "t") 4 8 funcref) (elem (i32.const 1) func $double) (elem declare func $hidden)
  (func $double (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
  (func (export "half") (param i32) (result i32) local.get 0 i32.const 2 i32.div_s)
  (func $hidden (param i32) (result i32 i64) local.get 0 i64.const 5)
  (func (export "hidden") (result funcref) ref.func $hidden)
  (func (export "same") (param funcref) (result funcref) local.get 0)
  (func (export "loop") loop br 0 end)
  (func (export "call") (param i32 i32) (result i32) local.get 0 local.get 1 call_indirect (param i32) (result i32)))"#;

const EXTERNS: &str = r#"(module
  (import "env" "same" (func $same (param externref) (result externref)))
  (table $t (export "t") 2 externref) (global (export "g") (mut externref) (ref.null extern))
  (func (export "same") (param externref) (result externref) local.get 0 call $same)
  (func (export "set") (param i32 externref) local.get 0 local.get 1 table.set $t)
  (func (export "get") (param i32) (result externref) local.get 0 table.get $t))"#;

fn make(wat: &str, options: InstanceOptions) -> WasmInstance {
    let engine = engine();
    WasmInstance::with_options(&engine, &module(&engine, wat), options).unwrap()
}

fn call(instance: &mut WasmInstance, name: &str, args: &[Value]) -> Vec<Value> {
    instance.invoke(name, args, CallOptions::default()).unwrap()
}

fn function(value: Value) -> FunctionRef {
    match value {
        Value::FuncRef(Some(function)) => function,
        other => panic!("{other:?} is no function"),
    }
}

fn unary() -> FunctionType {
    FunctionType {
        params: vec![ValueType::I32],
        results: vec![ValueType::I32],
    }
}

fn plus(summand: i32, cost: u64) -> HostFunction {
    HostFunction::new(move |_, arguments, results| {
        let [Value::I32(value)] = *arguments else {
            return Err(HostFunctionError::new("one number"));
        };
        results[0] = Value::I32(value + summand);
        Ok(())
    })
    .with_type(unary())
    .with_cost(cost)
}

fn call_function(
    instance: &mut WasmInstance,
    function: FunctionRef,
    args: &[Value],
) -> Result<Vec<Value>, HostError> {
    let mut results = Vec::new();
    instance.call_function(function, args, CallOptions::default(), &mut results)?;
    Ok(results)
}

#[test]
fn a_function_is_one_wherever_it_comes_from() {
    let mut instance = make(FUNCTIONS, common::keep());
    let mut references = instance.references().unwrap();
    let double = references.exported_function(1).unwrap();
    assert_eq!(function(references.element(0, 1).unwrap()), double);
    let half = references.exported_function(2).unwrap();
    assert_ne!(half, double);
    let value = Value::FuncRef(Some(half));
    references.set_element(0, 0, value).unwrap();
    assert_eq!(
        call(&mut instance, "call", &[8.into(), 0.into()]),
        [4.into()]
    );
    assert_eq!(call(&mut instance, "same", &[value]), [value]);
}

#[test]
fn a_function_that_is_not_exported_can_be_called() {
    let mut instance = make(FUNCTIONS, common::keep());
    let hidden = function(call(&mut instance, "hidden", &[])[0]);
    let ty = instance
        .references()
        .unwrap()
        .function_type(hidden)
        .unwrap();
    assert_eq!(ty.results, [ValueType::I32, ValueType::I64]);
    let results = call_function(&mut instance, hidden, &[7.into()]).unwrap();
    assert_eq!(results, [7.into(), 5_i64.into()]);
    assert_eq!(instance.fuel_used(), 2);
    let wrong = call_function(&mut instance, hidden, &[7_i64.into()]).unwrap_err();
    assert_eq!(wrong.code(), ErrorCode::InvalidArgType);
    let unknown = call_function(&mut instance, FunctionRef::from_number(99), &[]).unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::InvalidArgValue);
}

#[test]
fn calls_of_references_are_metered_and_stopped() {
    let mut instance = make(FUNCTIONS, common::keep());
    let endless = instance.references().unwrap().exported_function(5).unwrap();
    let options = CallOptions {
        fuel: Some(1_000),
        ..CallOptions::default()
    };
    let stopped = instance
        .call_function(endless, &[], options, &mut Vec::new())
        .unwrap_err();
    assert_eq!(stopped.code(), ErrorCode::FuelExhausted);
    assert_eq!(instance.fuel_used(), 1_000);
}

#[test]
fn a_host_function_in_a_table_counts_as_any_other() {
    let mut instance = make(FUNCTIONS, common::keep());
    let given = instance
        .references()
        .unwrap()
        .add_function(&plus(1, 100))
        .unwrap();
    let mut references = instance.references().unwrap();
    assert_eq!(references.function_type(given).unwrap(), unary());
    references
        .set_element(0, 3, Value::FuncRef(Some(given)))
        .unwrap();
    assert_eq!(
        call(&mut instance, "call", &[8.into(), 3.into()]),
        [9.into()]
    );
    assert_eq!(instance.fuel_used(), 103);
    assert_eq!(
        call_function(&mut instance, given, &[1.into()]).unwrap(),
        [2.into()]
    );
    assert_eq!(instance.fuel_used(), 100);
    let untyped = HostFunction::new(|_, _, _| Ok(()));
    let refused = instance.references().unwrap().add_function(&untyped);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidArgValue);
}

#[test]
fn imported_tables_and_globals_begin_with_references() {
    let text = r#"(module (import "env" "t" (table 3 funcref)) (import "env" "g" (global $g funcref))
      (import "env" "e" (global $e (mut externref))) (elem (i32.const 1) func $one)
      (func $one (result i32) i32.const 1) (func (export "e") (result externref) global.get $e)
      (func (export "call") (param i32 i32) (result i32) local.get 0 local.get 1 call_indirect (param i32) (result i32))
      (func (export "move") i32.const 2 global.get $g table.set 0))"#;
    let first = Value::FuncRef(Some(FunctionRef::from_number(0)));
    let second = Value::FuncRef(Some(FunctionRef::from_number(1)));
    let mut imports = Imports::new();
    imports
        .table(
            "env",
            "t",
            HostTable::functions(3, None).with_contents([first]),
        )
        .global("env", "g", HostGlobal::constant(second))
        .global("env", "e", HostGlobal::variable(Value::ExternRef(Some(9))));
    let mut instance = make(
        text,
        InstanceOptions {
            imports,
            functions: vec![plus(10, 0), plus(20, 0)],
            ..common::keep()
        },
    );
    assert_eq!(call(&mut instance, "e", &[]), [Value::ExternRef(Some(9))]);
    assert_eq!(
        call(&mut instance, "call", &[1.into(), 0.into()]),
        [11.into()]
    );
    call(&mut instance, "move", &[]);
    assert_eq!(
        call(&mut instance, "call", &[1.into(), 2.into()]),
        [21.into()]
    );
    let one = instance.references().unwrap().element(0, 1).unwrap();
    assert_eq!(
        call_function(&mut instance, function(one), &[]).unwrap(),
        [1.into()]
    );
}

#[test]
fn host_values_keep_their_numbers_and_are_found() {
    let mut options = common::keep();
    options.imports.function(
        "env",
        "same",
        HostFunction::new(|_, arguments, results| {
            results[0] = arguments[0];
            Ok(())
        }),
    );
    let mut instance = make(EXTERNS, options);
    for number in [None, Some(0), Some(1), Some(u32::MAX)] {
        let value = Value::ExternRef(number);
        assert_eq!(call(&mut instance, "same", &[value]), [value]);
    }
    assert_eq!(instance.references().unwrap().held_externs(), (vec![], 3));
    let value = Value::ExternRef(Some(0));
    call(&mut instance, "set", &[1.into(), value]);
    let global = instance.module().exported_global("g").unwrap();
    instance
        .set_global(global, Value::ExternRef(Some(u32::MAX)))
        .unwrap();
    let mut references = instance.references().unwrap();
    assert_eq!(references.held_externs(), (vec![0, u32::MAX], 3));
    references
        .set_element(0, 0, Value::ExternRef(Some(5)))
        .unwrap();
    assert_eq!(references.element(0, 1).unwrap(), value);
    assert_eq!(
        call(&mut instance, "get", &[0.into()]),
        [Value::ExternRef(Some(5))]
    );
}

#[test]
fn tables_have_their_ends_and_their_limits() {
    let options = InstanceOptions {
        limits: aingle_wasm_host::InstanceLimits {
            table_elements: Some(6),
            ..Default::default()
        },
        ..common::keep()
    };
    let mut instance = make(FUNCTIONS, options);
    let mut references = instance.references().unwrap();
    let null = Value::FuncRef(None);
    let code = |error: Result<_, HostError>| error.unwrap_err().code();
    assert_eq!(
        references.element(0, 4).unwrap_err().code(),
        ErrorCode::OutOfRange
    );
    assert_eq!(
        code(references.set_element(0, 4, null)),
        ErrorCode::OutOfRange
    );
    let wrong = Value::ExternRef(None);
    assert_eq!(
        code(references.set_element(0, 0, wrong)),
        ErrorCode::InvalidArgType
    );
    let unknown = Value::FuncRef(Some(FunctionRef::from_number(70)));
    assert_eq!(
        code(references.set_element(0, 0, unknown)),
        ErrorCode::InvalidArgValue
    );
    assert_eq!(
        references.table_size(1).unwrap_err().code(),
        ErrorCode::InvalidArgValue
    );
    assert_eq!(references.grow_table(0, 2, null).unwrap(), 4);
    assert_eq!(
        references.grow_table(0, 1, null).unwrap_err().code(),
        ErrorCode::TableLimit
    );
    assert_eq!(references.table_size(0).unwrap(), 6);

    let mut instance = make(FUNCTIONS, common::keep());
    let mut references = instance.references().unwrap();
    let half = Value::FuncRef(references.exported_function(2));
    assert_eq!(
        references.grow_table(0, 5, half).unwrap_err().code(),
        ErrorCode::TableLimit
    );
    assert_eq!(references.grow_table(0, 4, half).unwrap(), 4);
    assert_eq!(references.element(0, 7).unwrap(), half);
}
