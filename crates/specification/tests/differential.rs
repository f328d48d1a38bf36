//! Generated, damaged and mutated modules: what `prepare` makes of them behaves as the author's module, and costs exactly what
//! the naive model counts.
//!
//! `AINGLE_WASM_MODULES` asks for more modules than CI runs, `AINGLE_WASM_SEED` for others: a failure names its seed.

mod support;

use aingle_wasm_prepare::{Growth, ModuleInfo, OffsetMap, PrepareConfig, prepare};
use aingle_wasm_specification::{
    CommandKind, Group, ImportedTypes, Random, Value, generate, read_suite,
};
use aingle_wasm_types::ErrorCode;
use support::forms::forms;
use support::generate::{argument, seeds, with_stack};
use support::guard::guard;
use support::machine::{Form, MEMORY_PAGES, Machine, Outcome, TABLE_ELEMENTS};
use support::mutate::{Pool, change_byte};
use support::naive;
use wasmi::FuncType;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// Modules that CI generates, and that it damages.
const MODULES: u64 = 2_000;
/// Fuel of a call. wasmi keeps a native frame for each growth that runs, so it also bounds the stack that a test needs.
const BUDGET: i64 = 50_000;
/// Work past the limit is bounded by this many units.
const OVERSHOOT: i64 = 65_536;
/// Calls of a session.
const CALLS: usize = 8;
/// Who grows memories and tables, whatever the form.
const GROWTHS: [Growth; 2] = [Growth::Host, Growth::Operator];

#[test]
fn generated_modules_behave_and_cost_the_same() {
    with_stack(|| {
        let mut tally = Tally::default();
        for seed in seeds(MODULES) {
            let wasm = generate(seed, ImportedTypes::All);
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
        for seed in seeds(MODULES) {
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

/// Changes add up here, so a failure depends on all seeds before it; it names the module itself.
#[test]
fn mutants_are_refused_or_behave_the_same() {
    with_stack(|| {
        let (mut pool, mut tally) = (Pool::new(corpus()), Tally::default());
        for seed in seeds(MODULES) {
            let mut random = Random::new(seed ^ 0xbeef);
            let wasm = pool.mutant(&mut random);
            let found = compare(&wasm, seed).unwrap_or_else(|difference| {
                panic!("seed {seed}: {difference}\n{}", hexadecimal(&wasm))
            });
            tally.add(&found);
            if found.compared {
                pool.keep(wasm, &mut random);
            }
        }
        println!("mutants: {tally:?}");
        assert!(
            tally.refused > 0 && tally.compared * 10 > tally.modules,
            "one-sided: {tally:?}"
        );
    });
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
        change_byte(&mut wasm, &mut random);
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

/// Names the seed if the engine panics.
struct Blame(u64);

impl Drop for Blame {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

/// Prepares a module and runs it beside the naive model.
///
/// # Errors
/// The first difference.
fn compare(wasm: &[u8], seed: u64) -> Result<Seen, String> {
    let _blame = Blame(seed);
    let forms = forms();
    let (name, form) = &forms[seed as usize % forms.len()];
    let growth = GROWTHS[seed as usize / forms.len() % GROWTHS.len()];
    let mut config = PrepareConfig {
        memory_pages: MEMORY_PAGES,
        table_elements: TABLE_ELEMENTS,
        growth,
        ..form.clone()
    };
    config.complexity.module_bytes = 1 << 20;
    let valid = Validator::new_with_features(WasmFeatures::WASM2)
        .validate_all(wasm)
        .is_ok();
    let prepared = match prepare(wasm, &config) {
        Ok(prepared) if valid => {
            sections_are_in_place(wasm, &prepared.info)?;
            offsets_lead_back(wasm, &prepared.bytes, &config)?;
            prepared.bytes
        }
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
        .map_err(|error| {
            format!("what prepare made for {name}, {growth:?}, is invalid: {error}")
        })?;
    if has_start(wasm) {
        return Ok(Seen::default());
    }
    let counted = naive::instrument(wasm);
    let prepared = match growth {
        Growth::Host => prepared,
        // All forms run on one engine here, which needs guards that only this one's form has.
        Growth::Operator => guard(&prepared),
    };
    let kind = if config.sliceable {
        Form::Sliced
    } else {
        Form::Prepared
    };
    match (
        Machine::new(Form::Naive, &counted),
        Machine::new(kind, &prepared),
    ) {
        (Ok(naive), Ok(machine)) => {
            let random = Random::new(!seed);
            let session = Session {
                form: kind,
                counted: &counted,
                prepared: &prepared,
                naive,
                machine,
                random,
                calls: Vec::new(),
            };
            session
                .run()
                .map_err(|difference| format!("prepared for {name}, {growth:?}: {difference}"))
        }
        (Err(_), Err(_)) => Ok(Seen::default()),
        (Err(error), Ok(_)) => Err(format!("only the naive form fails to instantiate: {error}")),
        (Ok(_), Err(error)) => Err(format!(
            "only the prepared form fails to instantiate: {error}"
        )),
    }
}

/// The custom sections that are told of lie in the module, and every export is told of.
fn sections_are_in_place(wasm: &[u8], info: &ModuleInfo) -> Result<(), String> {
    let contents = info
        .custom_sections
        .iter()
        .map(|section| wasm.get(section.range.clone()));
    if contents.clone().any(|contents| contents.is_none()) {
        return Err("a custom section lies outside of its module".to_owned());
    }
    let mut exports = 0;
    for payload in Parser::new(0).parse_all(wasm).flatten() {
        if let Payload::ExportSection(section) = payload {
            exports += section.count() as usize;
        }
    }
    if info.exports.len() == exports {
        Ok(())
    } else {
        Err(format!(
            "{} of {exports} exports are told of",
            info.exports.len()
        ))
    }
}

/// Every operator of a prepared function leads to a place in the body that it was made from.
fn offsets_lead_back(wasm: &[u8], prepared: &[u8], config: &PrepareConfig) -> Result<(), String> {
    let map = OffsetMap::new(wasm, config).map_err(|error| error.to_string())?;
    let bodies = |wasm| {
        Parser::new(0)
            .parse_all(wasm)
            .flatten()
            .filter_map(|payload| match payload {
                Payload::CodeSectionEntry(body) => Some(body),
                _ => None,
            })
    };
    for (own, written) in bodies(wasm).zip(bodies(prepared)) {
        let operators = written
            .get_operators_reader()
            .map_err(|error| error.to_string())?;
        for (_, offset) in operators.into_iter_with_offsets().flatten() {
            let found = map.original(offset as u32);
            if !found.is_some_and(|found| own.range().contains(&found.into())) {
                return Err(format!(
                    "{offset} leads to {found:?}, not into {:?}",
                    own.range()
                ));
            }
        }
    }
    Ok(())
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
    /// Of the prepared machine.
    form: Form,
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
            Machine::new(self.form, self.prepared).map_err(|error| error.to_string())?;
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
            Machine::new(self.form, self.prepared).map_err(|error| error.to_string())?;
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
