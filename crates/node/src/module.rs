//! Modules: what is known about them, and making instances.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use aingle_wasm_host::{
    AbiChoice, AfterTrap, ExternType, FunctionRef, HostGlobal, HostMemory, HostTable, Imports,
    InstanceLimits as CoreLimits, InstanceOptions as CoreOptions, Origin, Phase, TimeLimit, Value,
    WasmEngine, WasmInstance,
};
use aingle_wasm_prepare::{Import, json};
use napi::bindgen_prelude::{BigInt, Env, External, Object, Uint8Array, Unknown};
use napi_derive::napi;

use crate::convert;
use crate::engine::InstanceLimits;
use crate::error::Failure;
use crate::frame::{external, local, run};
use crate::host_function::{Declared, HostLink};
use crate::instance::{Handle, Instance};
use crate::js::{Js, Local};
use crate::runtime::{Queue, Runtime};
use crate::settle::Delivery;

/// A module of one JavaScript environment.
pub(crate) struct Module {
    /// `None` once it is closed.
    core: RefCell<Option<aingle_wasm_host::Module>>,
    engine: WasmEngine,
    runtime: Rc<Runtime>,
}

/// `NativeInstanceOptions` of `binding.ts`.
#[napi(object, object_to_js = false)]
pub(crate) struct InstanceOptions {
    /// What the functions of the link serve, in their order.
    pub functions: Vec<HostFunctionOptions>,
    /// The memory to import, if the module imports one.
    pub memories: Vec<HostMemoryOptions>,
    /// The tables to import.
    pub tables: Vec<HostTableOptions>,
    /// The globals to import.
    pub globals: Vec<HostGlobalOptions>,
    /// The functions that references in those stand for, by number. They are behind `functions` in the link.
    pub references: Vec<ReferenceOptions>,
    /// `auto`, `envelope` or `bytes`.
    pub abi: String,
    /// Whether the instance stays usable after an ordinary trap.
    pub keep_after_trap: bool,
    /// At most the engine's.
    pub limits: InstanceLimits,
    /// Fuel of the instantiation itself.
    pub fuel: BigInt,
    /// Milliseconds of the instantiation itself; absent: no limit.
    pub timeout_ms: Option<f64>,
}

/// One host function.
#[napi(object, object_to_js = false)]
pub(crate) struct HostFunctionOptions {
    /// Import module.
    pub module: String,
    /// Import name.
    pub name: String,
    /// Fuel charged before each call.
    pub cost: BigInt,
    /// Whether it takes and returns bytes.
    pub envelope: bool,
}

/// A memory that the host made.
#[napi(object, object_to_js = false)]
pub(crate) struct HostMemoryOptions {
    /// Import module.
    pub module: String,
    /// Import name.
    pub name: String,
    /// Pages that it begins with.
    pub pages: u32,
    /// Most pages that it may grow to.
    pub max: Option<u32>,
    /// What it begins with; zeros follow.
    pub contents: Uint8Array,
}

/// A table that the host made.
#[napi(object, object_to_js = false)]
pub(crate) struct HostTableOptions {
    /// Import module.
    pub module: String,
    /// Import name.
    pub name: String,
    /// Type of its elements.
    pub element: String,
    /// Elements that it begins with.
    pub min: u32,
    /// Most elements that it may grow to.
    pub max: Option<u32>,
    /// References that it begins with, by number; nulls follow.
    pub contents: Vec<Option<u32>>,
}

/// A function that references stand for.
#[napi(object, object_to_js = false)]
pub(crate) struct ReferenceOptions {
    /// Types of its parameters.
    pub params: Vec<String>,
    /// Types of its results.
    pub results: Vec<String>,
    /// Fuel charged before each call.
    pub cost: BigInt,
}

/// A global that the host made.
#[napi(object, object_to_js = false)]
pub(crate) struct HostGlobalOptions {
    /// Import module.
    pub module: String,
    /// Import name.
    pub name: String,
    /// Type of its value.
    pub value: String,
    /// Whether it can be written.
    pub mutable: bool,
    /// The bits of the value that it begins with.
    pub bits: BigInt,
}

impl Module {
    pub(crate) fn new(
        core: aingle_wasm_host::Module,
        engine: WasmEngine,
        runtime: Rc<Runtime>,
    ) -> Self {
        Self {
            core: RefCell::new(Some(core)),
            engine,
            runtime,
        }
    }

    pub(crate) fn into_local(self, js: Js) -> Result<Local, Failure> {
        external(js, self)
    }

    fn core(&self) -> Result<aingle_wasm_host::Module, Failure> {
        self.core.borrow().clone().ok_or(Failure::Closed("module"))
    }
}

/// See `binding.ts`.
#[napi]
pub(crate) fn module_digest(env: Env, module: &External<Module>) -> napi::Result<String> {
    run(env, |_| Ok(module.core()?.digest().to_owned()))
}

/// See `binding.ts`.
#[napi]
pub(crate) fn module_info(env: Env, module: &External<Module>) -> napi::Result<String> {
    run(env, |_| Ok(json::info_to_json(module.core()?.info())))
}

/// See `binding.ts`.
#[napi]
pub(crate) fn custom_sections(
    env: Env,
    module: &External<Module>,
    name: String,
) -> napi::Result<Vec<Uint8Array>> {
    run(env, |_| {
        Ok(module
            .core()?
            .custom_sections(&name)
            .into_iter()
            .map(Uint8Array::from)
            .collect())
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn close_module(module: &External<Module>) {
    module.core.take();
}

/// See `binding.ts`.
#[napi]
pub(crate) fn module_origin(env: Env, module: &External<Module>) -> napi::Result<External<Origin>> {
    run(env, |_| Ok(External::new(module.core()?.origin().clone())))
}

/// See `binding.ts`.
#[napi]
pub(crate) fn original_offset(origin: &External<Origin>, offset: u32) -> Option<u32> {
    origin.original(offset)
}

/// See `binding.ts`.
#[napi]
pub(crate) fn create_link(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    functions: Object<'_>,
) -> napi::Result<External<Arc<HostLink>>> {
    run(env, |js| {
        HostLink::new(js, local(&functions), &runtime.dispatcher).map(External::new)
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn instantiate_sync<'env>(
    env: Env,
    module: &External<Module>,
    link: &External<Arc<HostLink>>,
    options: InstanceOptions,
) -> napi::Result<Unknown<'env>> {
    run(env, |js| {
        let core = module.core()?;
        link.attach(module.engine.pool());
        let options = core_options(&core, link, options)?;
        let _depth = module.runtime.enter()?;
        let core = WasmInstance::with_options(&module.engine, &core, options)?;
        let instance = Instance::new(js, &module.runtime, &module.engine, core, Arc::clone(link));
        let value = Handle::give(js, instance)?;
        // SAFETY: `value` was just made in this environment.
        Ok(unsafe { Unknown::from_raw_unchecked(js.env(), value) })
    })
}

/// See `binding.ts`.
#[napi]
pub(crate) fn instantiate(
    env: Env,
    module: &External<Module>,
    id: u32,
    link: &External<Arc<HostLink>>,
    options: InstanceOptions,
) -> napi::Result<()> {
    run(env, |js| {
        let (engine, core, link) = (module.engine.clone(), module.core()?, Arc::clone(link));
        link.attach(engine.pool());
        let limit = options.timeout_ms.map(|limit| limit as u64);
        let mut options = core_options(&core, &link, options)?;
        let pool = engine.pool().clone();
        let queue = Queue {
            pool: &pool,
            lane: &pool.lane(),
            limit,
            phase: Phase::Start,
        };
        module.runtime.submit(js, &queue, id, move |ticket| {
            link.begin_call(id, None);
            options.ticket = Some(ticket.clone());
            let core = WasmInstance::with_options(&engine, &core, options)?;
            Ok(Delivery::Made(Box::new(move |js, runtime| {
                Handle::give(js, Instance::new(js, runtime, &engine, core, link))
            })))
        })
    })
}

fn core_options(
    module: &aingle_wasm_host::Module,
    link: &Arc<HostLink>,
    options: InstanceOptions,
) -> Result<CoreOptions, Failure> {
    // Both lists are in the module's order; imports that the core serves itself are in one only.
    let first = options.functions.len() as u32;
    let functions = (first..)
        .zip(options.references)
        .map(|(index, reference)| {
            let ty = convert::function_type(&reference.params, &reference.results)?;
            Ok(link.reference(index, ty, reference.cost.get_u64().1))
        })
        .collect::<Result<_, Failure>>()?;
    let mut imports = module.info().imports.iter();
    let declared = options.functions.into_iter().filter_map(|function| {
        let same =
            |import: &&Import| import.module == function.module && import.name == function.name;
        let ExternType::Function(ty) = &imports.find(same)?.ty else {
            return None;
        };
        Some(Declared {
            module: function.module,
            name: function.name,
            ty: ty.clone(),
            cost: function.cost.get_u64().1,
            envelope: function.envelope,
        })
    });
    let mut imports = link.imports(declared);
    add_objects(&mut imports, options.memories, options.globals)?;
    add_tables(&mut imports, options.tables)?;
    let limits = options.limits;
    Ok(CoreOptions {
        imports,
        functions,
        abi: match options.abi.as_str() {
            "auto" => AbiChoice::Auto,
            "envelope" => AbiChoice::Envelope,
            "bytes" => AbiChoice::Bytes,
            _ => return Err(Failure::Argument("a call convention")),
        },
        after_trap: if options.keep_after_trap {
            AfterTrap::Keep
        } else {
            AfterTrap::Poison
        },
        limits: CoreLimits {
            memory_bytes: Some(limits.memory_bytes as u64),
            table_elements: Some(limits.table_elements),
            call_depth: Some(limits.call_depth),
            output_bytes: Some(limits.output_bytes as u64),
            host_calls: limits.host_calls.map(|calls| calls as u64),
        },
        fuel: Some(options.fuel.get_u64().1),
        time: options.timeout_ms.map_or(TimeLimit::None, |limit| {
            TimeLimit::Milliseconds(limit as u64)
        }),
        ..CoreOptions::default()
    })
}

fn add_tables(imports: &mut Imports, tables: Vec<HostTableOptions>) -> Result<(), Failure> {
    for table in tables {
        let (core, value): (_, fn(Option<u32>) -> Value) = match table.element.as_str() {
            "externref" => (HostTable::externs(table.min, table.max), Value::ExternRef),
            "funcref" => (HostTable::functions(table.min, table.max), |number| {
                Value::FuncRef(number.map(FunctionRef::from_number))
            }),
            _ => return Err(Failure::Argument("a type of references")),
        };
        let contents: Vec<_> = table.contents.into_iter().map(value).collect();
        imports.table(&table.module, &table.name, core.with_contents(contents));
    }
    Ok(())
}

/// Adds what the host made: the contents are copied, so JavaScript may go on using its own.
fn add_objects(
    imports: &mut Imports,
    memories: Vec<HostMemoryOptions>,
    globals: Vec<HostGlobalOptions>,
) -> Result<(), Failure> {
    for memory in memories {
        let core = HostMemory::new(memory.pages, memory.max).with_contents(&*memory.contents);
        imports.memory(&memory.module, &memory.name, core);
    }
    for global in globals {
        let value = convert::from_bits(&global.value, global.bits.get_u128().1)?;
        let core = if global.mutable {
            HostGlobal::variable(value)
        } else {
            HostGlobal::constant(value)
        };
        imports.global(&global.module, &global.name, core);
    }
    Ok(())
}
