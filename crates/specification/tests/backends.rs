//! Generated modules on every backend of the core: the same results, traps, fuel and memory, also where a call is
//! stopped; and for calls that are not stopped, those of the naive model.

mod support;

use std::hash::{DefaultHasher, Hash, Hasher};

use aingle_wasm_host::ErrorKind;
use aingle_wasm_host::prelude::*;
use aingle_wasm_specification::{ImportedTypes, Random, Value as ScriptValue, generate};
use aingle_wasm_types::TrapKind;
use aingle_wasm_types::meter::PAGE_BYTES;
use support::generate::{argument, seeds, with_stack};
use support::host_target::{lift, lower};
use support::machine::{self, MEMORY_PAGES, Machine, Outcome, TABLE_ELEMENTS};
use support::naive;
use wasmi::ValType;

/// Modules that CI runs.
const MODULES: u64 = 500;
/// Fuel of a call.
const BUDGET: u64 = 50_000;
/// Calls of a session.
const CALLS: usize = 8;

#[test]
fn every_backend_does_and_counts_the_same() {
    with_stack(|| {
        let engines: Vec<WasmEngine> = BackendKind::available()
            .iter()
            .map(|backend| engine(*backend))
            .collect();
        let mut tally = Tally::default();
        for seed in seeds(MODULES) {
            let found = compare(&engines, seed)
                .unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
            tally.add(&found);
        }
        println!("{} backends: {tally:?}", engines.len());
        assert!(
            tally.returned > 0 && tally.trapped > 0 && tally.stopped > 0,
            "one-sided: {tally:?}"
        );
    });
}

fn engine(backend: BackendKind) -> WasmEngine {
    let limits = Limits {
        memory_bytes: u64::from(MEMORY_PAGES) * u64::from(PAGE_BYTES),
        table_elements: TABLE_ELEMENTS,
        // Fuel must end first.
        call_depth: aingle_wasm_host::MAX_CALL_DEPTH,
        ..Default::default()
    };
    WasmEngine::new(EngineConfig {
        backend,
        limits,
        ..Default::default()
    })
    .expect("the options are in range")
}

/// Calls that ended in each way.
#[derive(Debug, Default)]
struct Tally {
    returned: usize,
    trapped: usize,
    stopped: usize,
}

impl Tally {
    fn add(&mut self, steps: &[Step]) {
        for step in steps {
            match step.end {
                End::Returned(_) => self.returned += 1,
                End::Trapped(_) => self.trapped += 1,
                End::Stopped(_) => self.stopped += 1,
            }
        }
    }
}

/// A call to make.
struct Call {
    function: String,
    arguments: Vec<ScriptValue>,
}

/// What a call came to, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    end: End,
    fuel: u64,
    memory: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Returned(Vec<ScriptValue>),
    Trapped(TrapKind),
    /// For fuel, or for depth.
    Stopped(ErrorCode),
}

/// Runs a module on all engines.
///
/// # Errors
/// The first difference.
fn compare(engines: &[WasmEngine], seed: u64) -> Result<Vec<Step>, String> {
    let wasm = generate(seed, ImportedTypes::All);
    let Ok(naive) = Machine::new(machine::Form::Naive, &naive::instrument(&wasm)) else {
        return Ok(Vec::new());
    };
    let calls = plan(&naive, seed);
    let mut common: Option<Vec<Step>> = None;
    for engine in engines {
        let kind = engine.backend().as_str();
        let steps = run(engine, &wasm, &calls).map_err(|error| format!("{kind}: {error}"))?;
        match &common {
            Some(common) if *common != steps => {
                return Err(format!("{kind}: {steps:?}, before: {common:?}"));
            }
            Some(_) => {}
            None => common = Some(steps),
        }
    }
    let steps = common.unwrap_or_default();
    agree(naive, &calls, &steps)?;
    Ok(steps)
}

/// Calls of functions whose results the core can give back.
fn plan(naive: &Machine, seed: u64) -> Vec<Call> {
    let is_reference = |ty: &ValType| matches!(ty, ValType::FuncRef | ValType::ExternRef);
    let mut functions = naive.functions();
    functions.retain(|(_, ty)| !ty.results().iter().chain(ty.params()).any(is_reference));
    let mut random = Random::new(!seed);
    let calls = if functions.is_empty() { 0 } else { CALLS };
    let call = |_| {
        let (name, ty) = &functions[random.below(functions.len())];
        let arguments = ty
            .params()
            .iter()
            .map(|ty| argument(&mut random, *ty))
            .collect();
        Call {
            function: name.clone(),
            arguments,
        }
    };
    (0..calls).map(call).collect()
}

/// Makes the calls until one is stopped.
fn run(engine: &WasmEngine, wasm: &[u8], calls: &[Call]) -> Result<Vec<Step>, String> {
    let module = engine.compile(wasm).map_err(|error| error.to_string())?;
    let options = InstanceOptions {
        imports: silent_imports(&module),
        abi: AbiChoice::Bytes,
        after_trap: AfterTrap::Keep,
        ..Default::default()
    };
    let mut instance =
        WasmInstance::with_options(engine, &module, options).map_err(|error| error.to_string())?;
    let mut steps = Vec::new();
    for call in calls {
        let end = end_of(&mut instance, call)?;
        let is_stopped = matches!(end, End::Stopped(_));
        steps.push(Step {
            end,
            fuel: instance.fuel_used(),
            memory: digest(&mut instance),
        });
        if is_stopped {
            break;
        }
    }
    Ok(steps)
}

fn end_of(instance: &mut WasmInstance, call: &Call) -> Result<End, String> {
    let arguments: Vec<Value> = call.arguments.iter().map(lower).collect();
    let options = CallOptions {
        fuel: Some(BUDGET),
        ..Default::default()
    };
    match instance.invoke(&call.function, &arguments, options) {
        Ok(results) => {
            let results: Result<_, _> = results.iter().map(lift).collect();
            results
                .map(End::Returned)
                .map_err(|failure| failure.to_string())
        }
        Err(error) => match error.kind() {
            ErrorKind::Trap { trap, .. } => Ok(End::Trapped(*trap)),
            ErrorKind::FuelExhausted { .. } | ErrorKind::StackOverflow { .. } => {
                Ok(End::Stopped(error.code()))
            }
            _ => Err(error.to_string()),
        },
    }
}

/// A host function for everything that the module imports; the results begin as zeros.
fn silent_imports(module: &Module) -> Imports {
    let mut imports = Imports::new();
    for import in &module.info().imports {
        imports.function(
            &import.module,
            &import.name,
            HostFunction::new(|_, _, _| Ok(())),
        );
    }
    imports
}

/// A digest of the whole memory; 0 without one.
fn digest(instance: &mut WasmInstance) -> u64 {
    let Ok(pages) = instance.memory_pages() else {
        return 0;
    };
    let bytes = instance
        .memory_read(0, pages * PAGE_BYTES)
        .expect("the whole memory is there");
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Calls that were not stopped end as in the naive model, and cost as much if they returned.
fn agree(mut naive: Machine, calls: &[Call], steps: &[Step]) -> Result<(), String> {
    for (call, step) in calls.iter().zip(steps) {
        let (expected, cost) = naive.call(&call.function, &call.arguments, BUDGET.cast_signed())?;
        let is_same = match (&expected, &step.end) {
            (Outcome::Returned(expected), End::Returned(found)) => {
                expected == found && step.fuel == cost.cast_unsigned()
            }
            (Outcome::Trapped(expected), End::Trapped(found)) => is_called(*expected, *found),
            // It may trap before it meets the check that stops it.
            (Outcome::OutOfFuel, End::Stopped(_) | End::Trapped(_)) => return Ok(()),
            _ => false,
        };
        if !is_same {
            return Err(format!(
                "{}{:?}: {expected:?} for {cost}, found {step:?}",
                call.function, call.arguments
            ));
        }
    }
    Ok(())
}

/// The model's engine has one name for two kinds of trap.
fn is_called(model: TrapKind, found: TrapKind) -> bool {
    model == found || (model == TrapKind::IntegerOverflow && found == TrapKind::FloatToInteger)
}
