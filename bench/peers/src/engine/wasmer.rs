//! wasmer with Cranelift.

use std::sync::Arc;

use aingle_wasm_types::meter;
use anyhow::{Result, anyhow};
use wasmer::sys::{CompilerConfig, Cranelift, EngineBuilder};
use wasmer::wasmparser::Operator;
use wasmer::{Engine, Extern, Function, FunctionType, Imports, Instance, Memory, Module, Store, Type, Value as Core};
use wasmer_middlewares::Metering as Middleware;

use super::{BAD_DESCRIPTOR, DEEP, Machine, Metering, PLENTY, Value};

struct WasmerMachine {
    store: Store,
    instance: Instance,
    memory: Option<Memory>,
}

/// Compiles and instantiates a module.
pub(super) fn load(wasm: &[u8], metering: Metering) -> Result<Box<dyn Machine>> {
    let mut compiler = Cranelift::default();
    if metering == Metering::Theirs {
        compiler.push_middleware(Arc::new(Middleware::new(PLENTY, cost)));
    }
    let engine: Engine = EngineBuilder::new(compiler).engine().into();
    let mut store = Store::new(engine);
    let module = Module::new(&store, wasm)?;
    let imports = stubs(&mut store, &module);
    let instance = Instance::new(&mut store, &module, &imports)?;
    let memory = instance.exports.iter().find_map(|(_, item)| match item {
        Extern::Memory(memory) => Some(memory.clone()),
        _ => None,
    });
    let mut machine = WasmerMachine {
        store,
        instance,
        memory,
    };
    if metering.is_ours() {
        machine.set(meter::FUEL, Core::I64(PLENTY as i64))?;
        machine.set(meter::DEPTH, Core::I32(DEEP))?;
    }
    Ok(Box::new(machine))
}

/// The same units as ours, as far as a middleware can: it knows nothing of lengths.
fn cost(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::Block { .. } | Operator::Loop { .. } | Operator::Else | Operator::End | Operator::Nop => 0,
        _ => 1,
    }
}

/// A function for each import, which does nothing.
fn stubs(store: &mut Store, module: &Module) -> Imports {
    let mut imports = Imports::new();
    for import in module.imports().functions() {
        let ty = import.ty().clone();
        let function = Function::new(store, ty.clone(), move |_| Ok(answers(&ty)));
        imports.define(import.module(), import.name(), function);
    }
    imports
}

fn answers(ty: &FunctionType) -> Vec<Core> {
    let answer = |ty: &Type| match ty {
        Type::I32 => Core::I32(BAD_DESCRIPTOR),
        Type::I64 => Core::I64(0),
        Type::F32 => Core::F32(0.0),
        Type::F64 => Core::F64(0.0),
        _ => Core::null(),
    };
    ty.results().iter().map(answer).collect()
}

impl WasmerMachine {
    fn set(&mut self, global: &str, value: Core) -> Result<()> {
        let global = self.instance.exports.get_global(global)?.clone();
        Ok(global.set(&mut self.store, value)?)
    }

    fn memory(&self) -> Result<&Memory> {
        self.memory
            .as_ref()
            .ok_or_else(|| anyhow!("the module exports no memory"))
    }
}

impl Machine for WasmerMachine {
    fn call(&mut self, export: &str, arguments: &[Value]) -> Result<Option<Value>> {
        let arguments: Vec<Core> = arguments.iter().map(|value| Core::from(*value)).collect();
        let function = self.instance.exports.get_function(export)?;
        let results = function.call(&mut self.store, &arguments)?;
        results.first().map(Value::try_from).transpose()
    }

    fn read(&mut self, ptr: u32, len: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        self.memory()?.view(&self.store).read(ptr.into(), &mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<()> {
        Ok(self.memory()?.view(&self.store).write(ptr.into(), bytes)?)
    }

    fn fuel_used(&mut self) -> Option<u64> {
        let fuel = self.instance.exports.get_global(meter::FUEL).ok()?.clone();
        let left = fuel.get(&mut self.store).i64()?;
        Some(PLENTY - left as u64)
    }
}

impl From<Value> for Core {
    fn from(value: Value) -> Self {
        match value {
            Value::I32(value) => Core::I32(value),
            Value::I64(value) => Core::I64(value),
        }
    }
}

impl TryFrom<&Core> for Value {
    type Error = anyhow::Error;

    fn try_from(value: &Core) -> Result<Self> {
        match value {
            Core::I32(value) => Ok(Value::I32(*value)),
            Core::I64(value) => Ok(Value::I64(*value)),
            other => Err(anyhow!("no program returns {other:?}")),
        }
    }
}
