//! wasmtime with Cranelift.

use anyhow::{Result, anyhow};
use wasmtime::{Caller, Config, Engine, Instance, Linker, Memory, Module, Store, Val, ValType};

use super::{BAD_DESCRIPTOR, Machine, Metering, PLENTY, Value};

struct WasmtimeMachine {
    store: Store<()>,
    instance: Instance,
    memory: Option<Memory>,
}

/// Compiles and instantiates a module. Fuel is wasmtime's own, in its own units.
pub(super) fn load(wasm: &[u8], metering: Metering) -> Result<Box<dyn Machine>> {
    let mut config = Config::new();
    config.consume_fuel(metering == Metering::Theirs);
    let engine = Engine::new(&config).map_err(told)?;
    let module = Module::new(&engine, wasm).map_err(told)?;
    let mut store = Store::new(&engine, ());
    if metering == Metering::Theirs {
        store.set_fuel(PLENTY).map_err(told)?;
    }
    let linker = stubs(&engine, &module)?;
    let instance = linker.instantiate(&mut store, &module).map_err(told)?;
    let memory = instance.exports(&mut store).find_map(|item| item.into_memory());
    Ok(Box::new(WasmtimeMachine {
        store,
        instance,
        memory,
    }))
}

/// A function for each import, which does nothing.
fn stubs(engine: &Engine, module: &Module) -> Result<Linker<()>> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let Some(ty) = import.ty().func().cloned() else {
            continue;
        };
        let answers: Vec<Val> = ty.results().map(|ty| answer(&ty)).collect();
        let stub = move |_: Caller<'_, ()>, _: &[Val], results: &mut [Val]| {
            results.copy_from_slice(&answers);
            Ok(())
        };
        linker
            .func_new(import.module(), import.name(), ty, stub)
            .map_err(told)?;
    }
    Ok(linker)
}

fn answer(ty: &ValType) -> Val {
    match ty {
        ValType::I32 => Val::I32(BAD_DESCRIPTOR),
        ValType::I64 => Val::I64(0),
        ValType::F32 => Val::F32(0),
        ValType::F64 => Val::F64(0),
        _ => Val::null_func_ref(),
    }
}

/// wasmtime's errors do not implement the standard trait.
fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:?}")
}

impl WasmtimeMachine {
    fn memory(&self) -> Result<Memory> {
        self.memory.ok_or_else(|| anyhow!("the module exports no memory"))
    }
}

impl Machine for WasmtimeMachine {
    fn call(&mut self, export: &str, arguments: &[Value]) -> Result<Option<Value>> {
        let arguments: Vec<Val> = arguments.iter().map(|value| Val::from(*value)).collect();
        let function = self
            .instance
            .get_func(&mut self.store, export)
            .ok_or_else(|| anyhow!("no function {export}"))?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results).map_err(told)?;
        results.first().map(Value::try_from).transpose()
    }

    fn read(&mut self, ptr: u32, len: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        self.memory()?.read(&self.store, ptr as usize, &mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<()> {
        Ok(self.memory()?.write(&mut self.store, ptr as usize, bytes)?)
    }

    fn fuel_used(&mut self) -> Option<u64> {
        None
    }
}

impl From<Value> for Val {
    fn from(value: Value) -> Self {
        match value {
            Value::I32(value) => Val::I32(value),
            Value::I64(value) => Val::I64(value),
        }
    }
}

impl TryFrom<&Val> for Value {
    type Error = anyhow::Error;

    fn try_from(value: &Val) -> Result<Self> {
        match value {
            Val::I32(value) => Ok(Value::I32(*value)),
            Val::I64(value) => Ok(Value::I64(*value)),
            other => Err(anyhow!("no program returns {other:?}")),
        }
    }
}
