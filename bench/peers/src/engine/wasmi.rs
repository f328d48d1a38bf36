//! wasmi, the interpreter.

use aingle_wasm_prepare::reserved;
use aingle_wasm_types::meter;
use anyhow::{Result, anyhow};
use wasmi::{Engine, Extern, Func, Instance, Linker, Memory, Module, Nullable, Ref, Store, Val};

use super::{BAD_DESCRIPTOR, DEEP, Machine, Metering, PLENTY, Value};

struct WasmiMachine {
    store: Store<()>,
    instance: Instance,
    memory: Option<Memory>,
}

/// Translates and instantiates a module.
pub(super) fn load(wasm: &[u8], metering: Metering) -> Result<Box<dyn Machine>> {
    let engine = Engine::default();
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    let linker = stubs(&engine, &module)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let memory = instance.exports(&store).find_map(|item| item.into_memory());
    let mut machine = WasmiMachine {
        store,
        instance,
        memory,
    };
    if metering.is_ours() {
        machine.set(meter::FUEL, Val::I64(PLENTY as i64))?;
        machine.set(meter::DEPTH, Val::I32(DEEP))?;
    }
    if metering.is_interruptible() {
        machine.set(reserved::THRESHOLD, Val::I64(i64::MAX))?;
        machine.answer_polls()?;
    }
    Ok(Box::new(machine))
}

/// A function for each import, which does nothing.
fn stubs(engine: &Engine, module: &Module) -> Result<Linker<()>> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let Some(ty) = import.ty().func().cloned() else {
            continue;
        };
        linker.func_new(import.module(), import.name(), ty, |_, _, results| {
            for result in results {
                if let Val::I32(value) = result {
                    *value = BAD_DESCRIPTOR;
                }
            }
            Ok(())
        })?;
    }
    Ok(linker)
}

impl WasmiMachine {
    fn set(&mut self, global: &str, value: Val) -> Result<()> {
        let global = self
            .instance
            .get_global(&self.store, global)
            .ok_or_else(|| anyhow!("no global {global}"))?;
        Ok(global.set(&mut self.store, value)?)
    }

    /// Lets the guest ask whether to go on, and tells it to.
    fn answer_polls(&mut self) -> Result<()> {
        let hooks = self
            .instance
            .get_table(&self.store, reserved::HOOKS)
            .ok_or_else(|| anyhow!("no table of hooks"))?;
        let poll = Func::wrap(&mut self.store, || 0_i32);
        Ok(hooks.set(&mut self.store, reserved::POLL.into(), Ref::Func(Nullable::Val(poll)))?)
    }

    fn memory(&self) -> Result<Memory> {
        self.memory.ok_or_else(|| anyhow!("the module exports no memory"))
    }
}

impl Machine for WasmiMachine {
    fn call(&mut self, export: &str, arguments: &[Value]) -> Result<Option<Value>> {
        let arguments: Vec<Val> = arguments.iter().map(|value| Val::from(*value)).collect();
        let function = self
            .instance
            .get_func(&self.store, export)
            .ok_or_else(|| anyhow!("no function {export}"))?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results)?;
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
        match self.instance.get_export(&self.store, meter::FUEL)? {
            Extern::Global(fuel) => match fuel.get(&self.store) {
                Val::I64(left) => Some(PLENTY - left as u64),
                _ => None,
            },
            _ => None,
        }
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
