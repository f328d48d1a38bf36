//! Functions that cross as references: what a prepared module shows of its own, and the modules between it and its host.

mod common;

use aingle_wasm_prepare::{
    Adapters, FunctionType, PrepareConfig, ValueType, bridge, prepare, reserved,
};
use wasmi::{Caller, Extern, Func, Instance, Linker, Module, Nullable, Ref, Store, Val};

const TABLE: &str = r#"(module
  (table (export "t") 4 funcref) (elem (i32.const 1) func $double)
  (func $double (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
  (func (export "half") (param i32) (result i32) local.get 0 i32.const 2 i32.div_s)
  (func (export "vector") (param v128) (result v128 f32) local.get 0 f32.const 1.5)
  (func (export "call") (param i32 i32) (result i32) local.get 0 local.get 1 call_indirect (param i32) (result i32)))"#;

fn vectors() -> PrepareConfig {
    PrepareConfig {
        adapters: Adapters::Vectors,
        ..PrepareConfig::default()
    }
}

fn unary() -> FunctionType {
    FunctionType {
        params: vec![ValueType::I32],
        results: vec![ValueType::I32],
    }
}

/// Instantiates a bridge whose import, if it has one, is `host`.
fn bridge_function(store: &mut Store<common::Host>, bytes: &[u8], host: Option<Func>) -> Func {
    let module = Module::new(store.engine(), bytes).unwrap();
    let imports: Vec<Extern> = host.map(Extern::Func).into_iter().collect();
    let instance = Instance::new(&mut *store, &module, &imports).unwrap();
    instance.get_func(&*store, bridge::NAME).unwrap()
}

#[test]
fn the_form_of_references_reads_back() {
    assert_eq!(
        bridge::declared_type(&bridge::reference_type(&unary())),
        Some(unary())
    );
    assert_eq!(bridge::declared_type(&unary()), None);
}

#[test]
fn exported_functions_have_references_that_count_as_calls_do() {
    let mut guest = common::Guest::with(TABLE, &PrepareConfig::default());
    let table = guest.instance.get_table(&guest.store, "t").unwrap();
    for (position, name, cost) in [(1, "double", 3), (2, "half", 3)] {
        let reference = format!("{}{position}", reserved::REFERENCE);
        let function = guest.instance.get_func(&guest.store, &reference).unwrap();
        let element = Ref::Func(Nullable::Val(function));
        table.set(&mut guest.store, 0, element).unwrap();
        let direct = guest.cost(name, &[Val::I32(10)]);
        let indirect = guest.cost("call", &[Val::I32(10), Val::I32(0)]);
        assert_eq!((direct.1, indirect.0), (cost, direct.0), "{name}");
        assert_eq!(indirect.1, cost + 3, "{name}");
    }
}

#[test]
fn a_function_of_the_host_can_be_a_reference() {
    let mut guest = common::Guest::with(TABLE, &PrepareConfig::default());
    let host = Func::wrap(
        &mut guest.store,
        |_: Caller<'_, common::Host>, value: i32, fuel: i64, depth: i32| -> (i32, i64) {
            assert!(depth > 0);
            (value + 1, fuel - 100)
        },
    );
    let given = bridge::given(&unary(), Adapters::None);
    let function = bridge_function(&mut guest.store, &given, Some(host));
    let table = guest.instance.get_table(&guest.store, "t").unwrap();
    let element = Ref::Func(Nullable::Val(function));
    table.set(&mut guest.store, 0, element).unwrap();
    assert_eq!(
        guest.cost("call", &[Val::I32(10), Val::I32(0)]),
        (vec![11], 103)
    );
}

#[test]
fn vectors_cross_bridges_as_integers() {
    let mut guest = common::Guest::with(TABLE, &vectors());
    let name = format!("{}3", reserved::REFERENCE);
    let reference = guest.instance.get_func(&guest.store, &name).unwrap();
    let ty = FunctionType {
        params: vec![ValueType::V128],
        results: vec![ValueType::V128, ValueType::F32],
    };
    let call = bridge_function(
        &mut guest.store,
        &bridge::call(&ty, Adapters::Vectors),
        None,
    );
    let mut results = vec![Val::I64(0), Val::I64(0), Val::F32(0.0.into()), Val::I64(0)];
    let arguments = [
        Val::I64(7),
        Val::I64(8),
        Val::I64(1_000),
        Val::I32(10),
        Val::FuncRef(Nullable::Val(reference)),
    ];
    call.call(&mut guest.store, &arguments, &mut results)
        .unwrap();
    let numbers: Vec<i64> = results.iter().filter_map(Val::i64).collect();
    assert_eq!(numbers, [7, 8, 998]);
}

#[test]
fn only_modules_whose_references_cross_show_them() {
    let closed = r#"(module (table 1 funcref) (elem (i32.const 0) $f) (func $f (export "f")))"#;
    let prepared = prepare(&wat::parse_str(closed).unwrap(), &vectors()).unwrap();
    assert!(prepared.info.references.is_empty());
    let guest = common::Guest::with(closed, &vectors());
    let name = format!("{}0", reserved::REFERENCE);
    assert!(guest.instance.get_func(&guest.store, &name).is_none());

    let prepared = prepare(&wat::parse_str(TABLE).unwrap(), &vectors()).unwrap();
    assert_eq!(prepared.info.export_indices, [0, 0, 1, 2, 3]);
    assert_eq!(prepared.info.references[0], (0, unary()));
    assert_eq!(prepared.info.references.len(), 4);
    let engine = wasmi::Engine::default();
    let module = Module::new(&engine, &prepared.bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    assert!(
        instance
            .get_table(&store, &format!("{}0", reserved::TABLE))
            .is_some()
    );
}

#[test]
fn what_holds_host_values_is_shown() {
    let text = r#"(module (table 1 externref) (global (mut i32) (i32.const 0)) (global (mut externref) (ref.null extern))
      (global externref (ref.null extern)))"#;
    let guest = common::Guest::with(text, &PrepareConfig::default());
    let global = |number| {
        let name = format!("{}{number}", reserved::EXTERN);
        guest.instance.get_global(&guest.store, &name)
    };
    assert!(global(0).is_some() && global(1).is_none());
    let table = format!("{}0", reserved::TABLE);
    assert!(guest.instance.get_table(&guest.store, &table).is_some());
}
