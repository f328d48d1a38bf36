//! The product's own core as a target, through its public API only.

use std::sync::{Arc, Mutex};

use aingle_wasm_host::prelude::*;
use aingle_wasm_host::{
    ErrorKind, ExternType, FunctionType, HostGlobal, HostMemory, HostTable, ValueType,
};
use aingle_wasm_specification::spectest::{self, NumberType};
use aingle_wasm_specification::{
    Capabilities, Failure, ReferenceType, Registered, SpecificationTarget, Value as ScriptValue,
};

/// What the core offers today.
pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    host_objects: true,
    shared_objects: false,
    shared_tables: false,
    live_references: true,
    exported_globals: true,
};

/// An engine for all scripts of a run; instances stay usable after a trap.
pub(crate) struct HostTarget {
    engine: WasmEngine,
}

impl HostTarget {
    /// A target on an engine that scripts may share.
    pub(crate) fn new(engine: &WasmEngine) -> Self {
        Self {
            engine: engine.clone(),
        }
    }
}

/// An engine that admits the suite: one file has a `br_table` of 24,616 targets, more than is allowed by default.
pub(crate) fn engine(backend: BackendKind) -> WasmEngine {
    let mut config = EngineConfig {
        backend,
        ..Default::default()
    };
    config.complexity.branch_targets = 1 << 15;
    WasmEngine::new(config).expect("the options are in range")
}

impl SpecificationTarget for HostTarget {
    type Instance = Arc<Mutex<WasmInstance>>;

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn validate(&mut self, wasm: &[u8]) -> Result<(), Failure> {
        self.engine
            .validate(wasm)
            .map(drop)
            .map_err(|error| refused(&error))
    }

    fn instantiate(
        &mut self,
        wasm: &[u8],
        registered: &Registered<Self::Instance>,
    ) -> Result<Self::Instance, Failure> {
        let module = self.engine.compile(wasm).map_err(|error| refused(&error))?;
        let mut imports = Imports::new();
        add_spectest(&mut imports);
        for (name, instance) in registered {
            add_exports(&mut imports, name, instance);
        }
        let options = InstanceOptions {
            imports,
            abi: AbiChoice::Bytes,
            after_trap: AfterTrap::Keep,
            ..Default::default()
        };
        let instance =
            WasmInstance::with_options(&self.engine, &module, options).map_err(failure)?;
        Ok(Arc::new(Mutex::new(instance)))
    }

    fn invoke(
        &mut self,
        instance: &Self::Instance,
        export: &str,
        arguments: &[ScriptValue],
    ) -> Result<Vec<ScriptValue>, Failure> {
        let arguments: Vec<Value> = arguments.iter().map(lower).collect();
        let mut instance = instance.lock().expect("no test panics with an instance");
        let results = instance
            .invoke(export, &arguments, CallOptions::default())
            .map_err(failure)?;
        results.iter().map(lift).collect()
    }

    fn get(&mut self, instance: &Self::Instance, export: &str) -> Result<ScriptValue, Failure> {
        let mut instance = instance.lock().expect("no test panics with an instance");
        let handle = instance.module().exported_global(export).map_err(failure)?;
        lift(&instance.global(handle).map_err(failure)?)
    }
}

fn add_spectest(imports: &mut Imports) {
    for (name, params) in spectest::FUNCTIONS {
        let params = params.iter().map(|ty| value_type(*ty)).collect();
        let ty = FunctionType {
            params,
            results: Vec::new(),
        };
        imports.function(
            spectest::MODULE,
            name,
            HostFunction::new(|_, _, _| Ok(())).with_type(ty),
        );
    }
    for (name, value) in &spectest::GLOBALS {
        let global = HostGlobal::constant(lower(value));
        imports.global(spectest::MODULE, name, global);
    }
    let (pages, maximum) = spectest::MEMORY_PAGES;
    let memory = HostMemory::new(pages, Some(maximum));
    imports.memory(spectest::MODULE, spectest::MEMORY, memory);
    let (elements, maximum) = spectest::TABLE_ELEMENTS;
    let table = HostTable::functions(elements, Some(maximum));
    imports.table(spectest::MODULE, spectest::TABLE, table);
}

/// The functions of another instance, each called through a host function.
fn add_exports(imports: &mut Imports, module: &str, instance: &Arc<Mutex<WasmInstance>>) {
    let exports = instance
        .lock()
        .expect("no test panics with an instance")
        .module()
        .info()
        .exports
        .clone();
    for export in exports {
        let ExternType::Function(ty) = export.ty else {
            continue;
        };
        let callee = Arc::clone(instance);
        let name = export.name.clone();
        let forward = HostFunction::new(move |_, arguments, results| {
            let mut callee = callee
                .try_lock()
                .map_err(|_| HostFunctionError::new("a call came back"))?;
            let values = callee
                .invoke(&name, arguments, CallOptions::default())
                .map_err(forwarded)?;
            results.copy_from_slice(&values);
            Ok(())
        });
        imports.function(module, &export.name, forward.with_type(ty));
    }
}

/// A failure of another instance goes through this one unchanged.
fn forwarded(error: HostError) -> HostFunctionError {
    HostFunctionError::new(error.to_string()).with_payload(Box::new(failure(error)))
}

fn refused(error: &HostError) -> Failure {
    Failure::Refused {
        code: error.code(),
        message: error.to_string(),
    }
}

fn failure(mut error: HostError) -> Failure {
    if let Some(failure) = error
        .take_host_payload()
        .and_then(|payload| payload.downcast::<Failure>().ok())
    {
        return *failure;
    }
    match error.kind() {
        ErrorKind::Trap { trap, .. } => Failure::Trap(*trap),
        ErrorKind::StackOverflow { .. } => Failure::StackOverflow,
        ErrorKind::ImportMissing { .. } | ErrorKind::ImportType { .. } => {
            Failure::Link(error.to_string())
        }
        _ => Failure::Other(error.to_string()),
    }
}

fn value_type(ty: NumberType) -> ValueType {
    match ty {
        NumberType::I32 => ValueType::I32,
        NumberType::I64 => ValueType::I64,
        NumberType::F32 => ValueType::F32,
        NumberType::F64 => ValueType::F64,
    }
}

/// A value of the scripts for the core.
pub(crate) fn lower(value: &ScriptValue) -> Value {
    match *value {
        ScriptValue::I32(value) => Value::I32(value.cast_signed()),
        ScriptValue::I64(value) => Value::I64(value.cast_signed()),
        ScriptValue::F32(bits) => Value::F32(bits),
        ScriptValue::F64(bits) => Value::F64(bits),
        ScriptValue::V128(bytes) => Value::V128(bytes),
        ScriptValue::Null(ReferenceType::Func) => Value::FuncRef(None),
        ScriptValue::Null(ReferenceType::Extern) => Value::ExternRef(None),
        ScriptValue::ExternRef(number) => Value::ExternRef(Some(number)),
        ScriptValue::FuncRef => unreachable!("scripts do not pass functions"),
    }
}

/// A value of the core.
pub(crate) fn lift(value: &Value) -> Result<ScriptValue, Failure> {
    Ok(match *value {
        Value::I32(value) => ScriptValue::I32(value.cast_unsigned()),
        Value::I64(value) => ScriptValue::I64(value.cast_unsigned()),
        Value::F32(bits) => ScriptValue::F32(bits),
        Value::F64(bits) => ScriptValue::F64(bits),
        Value::V128(bytes) => ScriptValue::V128(bytes),
        Value::FuncRef(None) => ScriptValue::Null(ReferenceType::Func),
        Value::FuncRef(Some(_)) => ScriptValue::FuncRef,
        Value::ExternRef(None) => ScriptValue::Null(ReferenceType::Extern),
        Value::ExternRef(Some(number)) => ScriptValue::ExternRef(number),
        _ => {
            return Err(Failure::Other(format!(
                "a value that scripts do not have: {value:?}"
            )));
        }
    })
}
