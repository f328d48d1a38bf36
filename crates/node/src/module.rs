//! Modules: what is known about them, and making instances.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use aingle_wasm_host::{
    AbiChoice, AfterTrap, ExternType, HostGlobal, HostMemory, Imports,
    InstanceLimits as CoreLimits, InstanceOptions as CoreOptions, Phase, TimeLimit, WasmEngine,
    WasmInstance,
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
    /// The globals to import.
    pub globals: Vec<HostGlobalOptions>,
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
pub(crate) fn create_link(
    env: Env,
    runtime: &External<Rc<Runtime>>,
    functions: Object<'_>,
    count: u32,
) -> napi::Result<External<Arc<HostLink>>> {
    run(env, |js| {
        HostLink::new(js, local(&functions), count, &runtime.dispatcher).map(External::new)
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
    let limits = options.limits;
    Ok(CoreOptions {
        imports,
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
