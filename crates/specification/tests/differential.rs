//! Generated and damaged modules: what `prepare` makes of them behaves as the author's module, and costs exactly what
//! the naive model counts.
//!
//! `AINGLE_WASM_MODULES` asks for more modules than CI runs, `AINGLE_WASM_SEED` for others: a failure names its seed.

mod support;

use std::thread;

use aingle_wasm_prepare::{PrepareConfig, prepare};
use aingle_wasm_specification::{CommandKind, Group, ReferenceType, Value, read_suite};
use aingle_wasm_types::ErrorCode;
use arbitrary::Unstructured;
use support::forms::forms;
use support::machine::{Form, MEMORY_PAGES, Machine, Outcome, TABLE_ELEMENTS};
use support::naive;
use support::random::Random;
use wasm_smith::Config;
use wasmi::{FuncType, ValType};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// Modules that CI generates, and that it damages.
const MODULES: u64 = 2_000;
/// Fuel of a call. wasmi keeps a native frame for each growth that runs, so it also bounds the stack that a test needs.
const BUDGET: i64 = 50_000;
/// Work past the limit is bounded by this many units.
const OVERSHOOT: i64 = 65_536;
/// Native stack that suffices for as many growths as the budget and the overshoot pay for.
const STACK_BYTES: usize = 256 << 20;
/// Calls of a session.
const CALLS: usize = 8;

#[test]
fn generated_modules_behave_and_cost_the_same() {
    with_stack(|| {
        let mut tally = Tally::default();
        for seed in seeds() {
            let wasm = generate(seed);
            let found = compare(&wasm, seed)
                .unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
            tally.add(&found);
        }
        println!("generated: {tally:?}");
        assert!(
            tally.compared * 10 > tally.modules * 9,
            "too few modules ran: {tally:?}"
        );
        assert!(
            tally.returned > tally.modules && tally.trapped > 0 && tally.stopped > 0,
            "one-sided: {tally:?}"
        );
    });
}

#[test]
fn damaged_modules_are_refused_or_behave_the_same() {
    with_stack(|| {
        let corpus = corpus();
        let mut tally = Tally::default();
        for seed in seeds() {
            let wasm = damage(&corpus, seed);
            let found = compare(&wasm, seed)
                .unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
            tally.add(&found);
        }
        println!("damaged: {tally:?}");
        assert!(
            tally.refused > 0 && tally.compared > 0,
            "one-sided: {tally:?}"
        );
    });
}

fn with_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(test)
        .expect("a thread starts");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn seeds() -> std::ops::Range<u64> {
    let setting = |name: &str, default| {
        std::env::var(name).map_or(default, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("{name} is no number"))
        })
    };
    let first = setting("AINGLE_WASM_SEED", 0);
    first..first + setting("AINGLE_WASM_MODULES", MODULES)
}

/// A module of our feature set that imports a few functions and exports everything.
fn generate(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    // Now and then the generator finds nothing that satisfies its own choices.
    std::iter::repeat_with(|| attempt(&mut random))
        .find_map(Result::ok)
        .expect("one attempt succeeds")
}

fn attempt(random: &mut Random) -> arbitrary::Result<Vec<u8>> {
    let config = Config {
        available_imports: Some(imports()),
        export_everything: true,
        allow_start_export: false,
        bulk_memory_enabled: true,
        max_data_segments: 4,
        max_element_segments: 4,
        max_elements: 16,
        max_funcs: 1 + random.below(12),
        max_globals: 6,
        max_imports: 4,
        max_instructions: 20 + random.below(200),
        max_memories: 1,
        max_nesting_depth: 8,
        max_table_elements: 100,
        max_tables: 3,
        max_type_size: 100,
        max_types: 10,
        min_funcs: 1,
        memory_offset_choices: wasm_smith::MemoryOffsetChoices(80, 15, 5),
        multi_value_enabled: true,
        reference_types_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        max_memory32_bytes: 4 << 16,
        ..Config::default()
    };
    let bytes = random.bytes(8_192);
    Ok(wasm_smith::Module::new(config, &mut Unstructured::new(&bytes))?.to_bytes())
}

/// Host functions of several shapes.
fn imports() -> Vec<u8> {
    let text = r#"(module
        (import "env" "nothing" (func))
        (import "env" "number" (func (param i32) (result i64)))
        (import "env" "floats" (func (param f32 f64) (result f64)))
        (import "env" "vector" (func (param v128) (result v128)))
        (import "env" "several" (func (param i32 i64) (result i32 f32 i64)))
        (import "env" "references" (func (param funcref externref) (result externref funcref))))"#;
    wat::parse_str(text).expect("the imports assemble")
}

/// Every module of the suite that stands alone and is small.
fn corpus() -> Vec<Vec<u8>> {
    let scripts = read_suite(&[Group::Core, Group::Simd]).expect("the suite reads");
    let commands = scripts.into_iter().flat_map(|script| script.commands);
    let modules = commands.filter_map(|command| match command.kind {
        CommandKind::Module { wasm, .. } if (16..4_096).contains(&wasm.len()) => Some(wasm),
        _ => None,
    });
    modules.collect()
}

/// A module of the corpus with one or two bytes changed; now and then one is removed or doubled, which rarely leaves a
/// module that decodes.
fn damage(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed ^ 0xdead);
    let mut wasm = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(2) {
        // The eight bytes of magic and version stay: without them there is nothing to see.
        let place = 8 + random.below(wasm.len() - 8);
        match random.below(16) {
            0 => wasm.insert(place, wasm[place]),
            1 => drop(wasm.remove(place)),
            2..=5 => wasm[place] = random.next() as u8,
            6..=9 => wasm[place] = wasm[place].wrapping_add(1),
            _ => wasm[place] ^= 1 << random.below(8),
        }
    }
    wasm
}

/// What was seen in one module.
#[derive(Clone, Debug, Default)]
struct Seen {
    refused: bool,
    compared: bool,
    returned: usize,
    trapped: usize,
    stopped: usize,
}

/// What was seen in all.
#[derive(Debug, Default)]
struct Tally {
    modules: usize,
    /// Not accepted by `prepare`.
    refused: usize,
    /// Run in both forms.
    compared: usize,
    /// Calls that returned, trapped, ran out of fuel.
    returned: usize,
    trapped: usize,
    stopped: usize,
}

impl Tally {
    fn add(&mut self, seen: &Seen) {
        self.modules += 1;
        self.refused += usize::from(seen.refused);
        self.compared += usize::from(seen.compared);
        self.returned += seen.returned;
        self.trapped += seen.trapped;
        self.stopped += seen.stopped;
    }
}

/// Prepares a module and runs it beside the naive model.
///
/// # Errors
/// The first difference.
fn compare(wasm: &[u8], seed: u64) -> Result<Seen, String> {
    let (name, form) = &forms()[(seed % 4) as usize];
    let mut config = PrepareConfig {
        memory_pages: MEMORY_PAGES,
        table_elements: TABLE_ELEMENTS,
        ..form.clone()
    };
    config.complexity.module_bytes = 1 << 20;
    let valid = Validator::new_with_features(WasmFeatures::WASM2)
        .validate_all(wasm)
        .is_ok();
    let prepared = match prepare(wasm, &config) {
        Ok(prepared) if valid => prepared.bytes,
        Ok(_) => return Err("an invalid module was accepted".to_owned()),
        Err(error) if !valid || is_limit(error.code()) => {
            return Ok(Seen {
                refused: true,
                ..Seen::default()
            });
        }
        Err(error) => return Err(format!("a valid module was refused: {error}")),
    };
    Validator::new_with_features(WasmFeatures::WASM2)
        .validate_all(&prepared)
        .map_err(|error| format!("what prepare made for {name} is invalid: {error}"))?;
    if has_start(wasm) {
        return Ok(Seen::default());
    }
    let counted = naive::instrument(wasm);
    match (
        Machine::new(Form::Naive, &counted),
        Machine::new(Form::Prepared, &prepared),
    ) {
        (Ok(naive), Ok(machine)) => {
            let random = Random::new(!seed);
            let session = Session {
                counted: &counted,
                prepared: &prepared,
                naive,
                machine,
                random,
                calls: Vec::new(),
            };
            session
                .run()
                .map_err(|difference| format!("prepared for {name}: {difference}"))
        }
        (Err(_), Err(_)) => Ok(Seen::default()),
        (Err(error), Ok(_)) => Err(format!("only the naive form fails to instantiate: {error}")),
        (Ok(_), Err(error)) => Err(format!(
            "only the prepared form fails to instantiate: {error}"
        )),
    }
}

/// Refusals that a valid module may meet.
fn is_limit(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ModuleTooComplex | ErrorCode::MemoryLimit | ErrorCode::TableLimit
    )
}

/// The naive model has no start function of its own to call; those are the suite's business.
fn has_start(wasm: &[u8]) -> bool {
    Parser::new(0)
        .parse_all(wasm)
        .flatten()
        .any(|payload| matches!(payload, Payload::StartSection { .. }))
}

/// A call and what it came to.
struct Call {
    function: String,
    arguments: Vec<Value>,
    outcome: Outcome,
    cost: i64,
}

/// Both forms of one module, called in step.
struct Session<'a> {
    counted: &'a [u8],
    prepared: &'a [u8],
    naive: Machine,
    machine: Machine,
    random: Random,
    calls: Vec<Call>,
}

impl Session<'_> {
    fn run(mut self) -> Result<Seen, String> {
        let functions = self.naive.functions();
        let mut seen = Seen {
            compared: true,
            ..Seen::default()
        };
        let calls = if functions.is_empty() { 0 } else { CALLS };
        for _ in 0..calls {
            let (name, ty) = &functions[self.random.below(functions.len())];
            match self.step(name, ty)? {
                Outcome::Returned(_) => seen.returned += 1,
                Outcome::Trapped(_) => seen.trapped += 1,
                Outcome::OutOfFuel => {
                    // One form stops before the other, so what is in memory is no longer the same.
                    seen.stopped += 1;
                    break;
                }
            }
        }
        self.at_the_limit()?;
        Ok(seen)
    }

    /// One call in both forms.
    fn step(&mut self, name: &str, ty: &FuncType) -> Result<Outcome, String> {
        let arguments: Vec<Value> = ty
            .params()
            .iter()
            .map(|ty| argument(&mut self.random, *ty))
            .collect();
        let (expected, cost) = self.naive.call(name, &arguments, BUDGET)?;
        let (found, used) = self.machine.call(name, &arguments, BUDGET)?;
        let same = match (&expected, &found) {
            (Outcome::OutOfFuel, Outcome::OutOfFuel) => return Ok(expected),
            // It may trap before it meets a check, but only with the trap that was coming.
            (Outcome::OutOfFuel, Outcome::Trapped(_)) => {
                self.past_the_limit(name, &arguments)? == found
            }
            (Outcome::Trapped(_), _) => expected == found && (0..=cost).contains(&used),
            _ => expected == found && used == cost,
        };
        if !same {
            return Err(format!(
                "{name}{arguments:?}: {expected:?} for {cost}, found {found:?} for {used}"
            ));
        }
        if expected != Outcome::OutOfFuel && self.naive.state() != self.machine.state() {
            return Err(format!(
                "{name}{arguments:?}: {expected:?} leaves another state"
            ));
        }
        self.calls.push(Call {
            function: name.to_owned(),
            arguments,
            outcome: expected.clone(),
            cost,
        });
        Ok(expected)
    }

    /// What comes of a call if it may go on for as long as `prepare` may overshoot.
    fn past_the_limit(&self, name: &str, arguments: &[Value]) -> Result<Outcome, String> {
        let mut naive =
            Machine::new(Form::Naive, self.counted).map_err(|error| error.to_string())?;
        for call in &self.calls {
            naive.call(&call.function, &call.arguments, BUDGET)?;
        }
        Ok(naive.call(name, arguments, BUDGET + OVERSHOOT)?.0)
    }

    /// Calls that returned pass with a limit of exactly their cost; the last of them does not with one unit less.
    fn at_the_limit(&self) -> Result<(), String> {
        let mut machine =
            Machine::new(Form::Prepared, self.prepared).map_err(|error| error.to_string())?;
        let returned = |call: &Call| matches!(call.outcome, Outcome::Returned(_));
        let last = self.calls.iter().rposition(returned);
        for (position, call) in self.calls.iter().enumerate() {
            let limit = if returned(call) { call.cost } else { BUDGET };
            if Some(position) == last && limit > 0 {
                self.below_the_limit(position)?;
            }
            let (outcome, _) = machine.call(&call.function, &call.arguments, limit)?;
            if outcome != call.outcome && call.outcome != Outcome::OutOfFuel {
                return Err(format!(
                    "{}: {:?} for {limit} and {outcome:?} with that limit",
                    call.function, call.outcome
                ));
            }
        }
        Ok(())
    }

    fn below_the_limit(&self, position: usize) -> Result<(), String> {
        let mut machine =
            Machine::new(Form::Prepared, self.prepared).map_err(|error| error.to_string())?;
        for call in &self.calls[..position] {
            machine.call(&call.function, &call.arguments, BUDGET)?;
        }
        let call = &self.calls[position];
        let (outcome, used) = machine.call(&call.function, &call.arguments, call.cost - 1)?;
        if (&outcome, used) == (&Outcome::OutOfFuel, call.cost - 1) {
            return Ok(());
        }
        Err(format!(
            "{} costs {} and with one less there is {outcome:?} for {used}",
            call.function, call.cost
        ))
    }
}

/// An argument: often one of the values at which operators change their behaviour.
fn argument(random: &mut Random, ty: ValType) -> Value {
    let bits = match random.below(4) {
        0 => random.below(16) as u64,
        1 => EDGES[random.below(EDGES.len())],
        _ => random.next(),
    };
    match ty {
        ValType::I32 => Value::I32(bits as u32),
        ValType::I64 => Value::I64(bits),
        ValType::F32 => Value::F32(bits as u32),
        ValType::F64 => Value::F64(bits),
        ValType::V128 => {
            Value::V128((u128::from(bits) << 64 | u128::from(random.next())).to_le_bytes())
        }
        ValType::FuncRef => Value::Null(ReferenceType::Func),
        ValType::ExternRef if bits % 2 == 0 => Value::Null(ReferenceType::Extern),
        ValType::ExternRef => Value::ExternRef(bits as u32),
    }
}

/// Ends of ranges, signed zeros, infinities and NaNs, of either width.
const EDGES: [u64; 12] = [
    u64::MAX,
    i64::MAX.cast_unsigned(),
    i64::MIN.cast_unsigned(),
    0x7fff_ffff,
    0x8000_0000,
    0x7f80_0000,
    0xffc0_0000,
    0x7fa0_0001,
    0x7ff0_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff4_0000_0000_0001,
    0x4f00_0000,
];
