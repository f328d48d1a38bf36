//! Applies the commands of a script to a target and judges each outcome against the exclusions.

use std::collections::HashMap;

use crate::command::{Action, ActionKind, Command, CommandKind};
use crate::exclusions::{Exclusion, Exclusions, Reason};
use crate::imports::{ImportKind, ModuleImport, module_imports};
use crate::spectest;
use crate::suite::Script;
use crate::tally::{FileTally, Report};
use crate::target::{Failure, Registered, SpecificationTarget};
use crate::traps::is_named;
use crate::value::{Expected, Value};

/// Runs every script on a target of its own and reports what passed.
pub fn run<Target: SpecificationTarget>(
    scripts: &[Script],
    exclusions: &Exclusions,
    make_target: impl Fn() -> Target,
) -> Report {
    let files = scripts
        .iter()
        .map(|script| run_script(script, exclusions, make_target()))
        .collect();
    Report { files }
}

fn run_script<Target: SpecificationTarget>(
    script: &Script,
    exclusions: &Exclusions,
    target: Target,
) -> FileTally {
    let rows: Vec<&Exclusion> = exclusions
        .applying(&script.name, target.capabilities())
        .collect();
    let mut tally = FileTally {
        group: script.group,
        name: script.name.clone(),
        passed: 0,
        excluded: 0,
        text_only: script.text_only,
        problems: Vec::new(),
    };
    let mut stage = Stage {
        target,
        current: None,
        named: HashMap::new(),
        registered: HashMap::new(),
    };
    for command in &script.commands {
        let outcome = stage.apply(&command.kind);
        judge(&mut tally, command, &outcome, &rows);
    }
    report_idle_rows(&mut tally, script, &rows);
    tally
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The target did what the script says.
    Passed,
    /// It did something else.
    Failed(String),
    /// The target cannot do this, for a reason that the exclusions know.
    Unable(Reason),
    /// The command needs an instance that an earlier command did not make.
    Dependent,
}

/// Enters an outcome, excused by a row or not.
fn judge(tally: &mut FileTally, command: &Command, outcome: &Outcome, rows: &[&Exclusion]) {
    let reasons: Vec<Reason> = rows
        .iter()
        .filter(|row| row.lines.contains(&command.line))
        .map(|row| row.reason)
        .collect();
    let problem = match outcome {
        Outcome::Passed if reasons.is_empty() => {
            tally.passed += 1;
            return;
        }
        Outcome::Passed => Some(format!("excluded for `{}` and passes", reasons[0])),
        Outcome::Dependent => None,
        Outcome::Unable(reason) if reasons.contains(reason) => None,
        Outcome::Unable(reason) => Some(format!("the target is unable: {reason}")),
        // It may see that an excused command before it did not happen.
        Outcome::Failed(_) if !reasons.is_empty() => None,
        Outcome::Failed(what) => Some(what.clone()),
    };
    match problem {
        None => tally.excluded += 1,
        Some(what) => tally.problems.push((command.line, what)),
    }
}

/// A row that meets no command excuses nothing.
fn report_idle_rows(tally: &mut FileTally, script: &Script, rows: &[&Exclusion]) {
    for row in rows {
        if !script
            .commands
            .iter()
            .any(|command| row.lines.contains(&command.line))
        {
            tally.problems.push((
                *row.lines.start(),
                format!("excluded for `{}` and no command begins here", row.reason),
            ));
        }
    }
}

/// An instance, or `None` where one should be and an earlier command did not make it.
type Slot<Instance> = Option<Instance>;

/// The target with the instances that the script has made so far.
struct Stage<Target: SpecificationTarget> {
    target: Target,
    current: Slot<Target::Instance>,
    named: HashMap<String, Slot<Target::Instance>>,
    registered: HashMap<String, Slot<Target::Instance>>,
}

impl<Target: SpecificationTarget> Stage<Target> {
    fn apply(&mut self, kind: &CommandKind) -> Outcome {
        match kind {
            CommandKind::Module { name, wasm } => self.module(name.as_deref(), wasm),
            CommandKind::Definition { wasm } => of_result(&self.target.validate(wasm)),
            CommandKind::Register { instance, module } => {
                self.register(instance.as_deref(), module)
            }
            CommandKind::Perform(action) => self.perform(action, |result| of_result(&result)),
            CommandKind::AssertReturn { action, expected } => self.assert_return(action, expected),
            CommandKind::AssertTrap { action, message } => {
                self.perform(action, |result| trapped(result, message))
            }
            CommandKind::AssertExhaustion { action } => {
                self.perform(action, |result| match result {
                    Err(Failure::StackOverflow) => Outcome::Passed,
                    other => unexpected("a stack overflow", &other),
                })
            }
            CommandKind::AssertModuleTrap { wasm, message } => self.instantiate(wasm).map_or_else(
                |outcome| outcome,
                |result| trapped(result.map(drop), message),
            ),
            CommandKind::AssertUnlinkable { wasm } => self.assert_unlinkable(wasm),
            CommandKind::AssertRefused { wasm, .. } => self.assert_refused(wasm),
            CommandKind::Other(what) => Outcome::Failed(format!("not of WebAssembly 2.0: {what}")),
        }
    }

    fn module(&mut self, name: Option<&str>, wasm: &[u8]) -> Outcome {
        let attempt = self.instantiate(wasm);
        let (slot, outcome) = match attempt {
            Ok(Ok(instance)) => (Some(instance), Outcome::Passed),
            Ok(Err(failure)) => (None, Outcome::Failed(failure.to_string())),
            Err(outcome) => (None, outcome),
        };
        if let Some(name) = name {
            self.named.insert(name.to_owned(), slot.clone());
        }
        self.current = slot;
        outcome
    }

    fn register(&mut self, instance: Option<&str>, module: &str) -> Outcome {
        let slot = self.slot(instance);
        let outcome = if slot.is_some() {
            Outcome::Passed
        } else {
            Outcome::Dependent
        };
        self.registered.insert(module.to_owned(), slot);
        outcome
    }

    /// Instantiates, unless the imports already say that the target cannot.
    fn instantiate(&mut self, wasm: &[u8]) -> Result<Result<Target::Instance, Failure>, Outcome> {
        self.check_imports(wasm)?;
        let present =
            |(name, slot): (&String, &Slot<Target::Instance>)| Some((name.clone(), slot.clone()?));
        let registered: Registered<Target::Instance> =
            self.registered.iter().filter_map(present).collect();
        Ok(self.target.instantiate(wasm, &registered))
    }

    fn check_imports(&self, wasm: &[u8]) -> Result<(), Outcome> {
        module_imports(wasm)
            .iter()
            .try_for_each(|import| self.check_import(import))
    }

    fn check_import(&self, import: &ModuleImport) -> Result<(), Outcome> {
        let capabilities = self.target.capabilities();
        let reason = match (self.registered.get(&import.module), import.kind) {
            (Some(None), _) => return Err(Outcome::Dependent),
            (_, ImportKind::Function) => return Ok(()),
            (Some(Some(_)), ImportKind::Table) => Reason::LinkingTable,
            (Some(Some(_)), ImportKind::Object) => Reason::Linking,
            (None, _) if import.module == spectest::MODULE => Reason::HostObjects,
            (None, _) => return Ok(()),
        };
        if reason.applies_to(capabilities) {
            Err(Outcome::Unable(reason))
        } else {
            Ok(())
        }
    }

    fn assert_return(&mut self, action: &Action, expected: &[Expected]) -> Outcome {
        if expected.iter().any(Expected::is_live_reference)
            && !self.target.capabilities().live_references
        {
            return Outcome::Unable(Reason::References);
        }
        self.perform(action, |result| match result {
            Ok(values) if matches_all(expected, &values) => Outcome::Passed,
            other => unexpected(&format!("{expected:?}"), &other),
        })
    }

    fn assert_unlinkable(&mut self, wasm: &[u8]) -> Outcome {
        match self.instantiate(wasm) {
            Err(outcome) => outcome,
            Ok(Err(Failure::Link(_))) => Outcome::Passed,
            Ok(Err(failure)) => Outcome::Failed(format!("expected a failure to link: {failure}")),
            Ok(Ok(_)) => {
                Outcome::Failed("expected a failure to link and it was instantiated".to_owned())
            }
        }
    }

    /// Any code of refusal will do: which of two faults is found first is not for the suite to say.
    fn assert_refused(&mut self, wasm: &[u8]) -> Outcome {
        match self.target.validate(wasm) {
            Err(Failure::Refused { .. }) => Outcome::Passed,
            other => unexpected("a refusal", &other),
        }
    }

    fn perform(
        &mut self,
        action: &Action,
        judge: impl FnOnce(Result<Vec<Value>, Failure>) -> Outcome,
    ) -> Outcome {
        let Some(instance) = self.slot(action.instance.as_deref()) else {
            return Outcome::Dependent;
        };
        let result = match &action.kind {
            ActionKind::Get if !self.target.capabilities().exported_globals => {
                return Outcome::Unable(Reason::Globals);
            }
            ActionKind::Get => self
                .target
                .get(&instance, &action.export)
                .map(|value| vec![value]),
            ActionKind::Invoke(arguments) => {
                let live = arguments.iter().any(Value::is_live_reference);
                if live && !self.target.capabilities().live_references {
                    return Outcome::Unable(Reason::References);
                }
                self.target.invoke(&instance, &action.export, arguments)
            }
        };
        judge(result)
    }

    fn slot(&self, name: Option<&str>) -> Slot<Target::Instance> {
        name.map_or_else(
            || self.current.clone(),
            |name| self.named.get(name).cloned().flatten(),
        )
    }
}

fn matches_all(expected: &[Expected], values: &[Value]) -> bool {
    expected.len() == values.len()
        && expected
            .iter()
            .zip(values)
            .all(|(expected, value)| expected.matches(value))
}

fn trapped<T: std::fmt::Debug>(result: Result<T, Failure>, message: &str) -> Outcome {
    match result {
        Err(Failure::Trap(kind)) if is_named(kind, message) => Outcome::Passed,
        other => unexpected(&format!("the trap `{message}`"), &other),
    }
}

fn of_result<T>(result: &Result<T, Failure>) -> Outcome {
    match result {
        Ok(_) => Outcome::Passed,
        Err(failure) => Outcome::Failed(failure.to_string()),
    }
}

fn unexpected<T: std::fmt::Debug>(expected: &str, found: &Result<T, Failure>) -> Outcome {
    Outcome::Failed(match found {
        Ok(values) => format!("expected {expected}, found {values:?}"),
        Err(failure) => format!("expected {expected}, found: {failure}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Group, SuiteFile};
    use crate::target::Capabilities;

    /// Answers every call with 7 and refuses modules without bytes.
    struct Seven;

    impl SpecificationTarget for Seven {
        type Instance = ();

        fn capabilities(&self) -> Capabilities {
            Capabilities {
                host_objects: false,
                shared_objects: false,
                shared_tables: false,
                live_references: false,
                exported_globals: true,
            }
        }

        fn validate(&mut self, wasm: &[u8]) -> Result<(), Failure> {
            if wasm.is_empty() {
                let code = aingle_wasm_types::ErrorCode::ModuleMalformed;
                return Err(Failure::Refused {
                    code,
                    message: "empty".to_owned(),
                });
            }
            Ok(())
        }

        fn instantiate(&mut self, wasm: &[u8], _: &Registered<()>) -> Result<(), Failure> {
            self.validate(wasm)
        }

        fn invoke(&mut self, _: &(), export: &str, _: &[Value]) -> Result<Vec<Value>, Failure> {
            match export {
                "trap" => Err(Failure::Trap(aingle_wasm_types::TrapKind::Unreachable)),
                "exhaust" => Err(Failure::StackOverflow),
                _ => Ok(vec![Value::I32(7)]),
            }
        }

        fn get(&mut self, _: &(), _: &str) -> Result<Value, Failure> {
            Ok(Value::I32(7))
        }
    }

    fn tally(text: &'static str, rows: &str) -> FileTally {
        let file = SuiteFile {
            group: Group::Core,
            name: "test.wast".to_owned(),
            text,
        };
        let script = Script::read(&file).unwrap_or_else(|error| panic!("{error}"));
        run(&[script], &Exclusions::parse(rows).unwrap(), || Seven)
            .files
            .remove(0)
    }

    #[test]
    fn assertions_that_hold_pass() {
        let tally = tally(
            r#"(module)
            (assert_return (invoke "f") (i32.const 7))
            (assert_return (get "g") (i32.const 7))
            (assert_trap (invoke "trap") "unreachable")
            (assert_exhaustion (invoke "exhaust") "call stack exhausted")
            (assert_malformed (module binary "") "unexpected end")"#,
            "",
        );
        assert_eq!(
            (tally.passed, tally.excluded, tally.problems),
            (6, 0, vec![])
        );
    }

    #[test]
    fn every_assertion_can_fail() {
        let assertions = [
            r#"(assert_return (invoke "f") (i32.const 8))"#,
            r#"(assert_return (invoke "f"))"#,
            r#"(assert_return (invoke "f") (i32.const 7) (i32.const 7))"#,
            r#"(assert_return (invoke "trap"))"#,
            r#"(assert_return (get "g") (i64.const 7))"#,
            r#"(assert_trap (invoke "f") "unreachable")"#,
            r#"(assert_trap (invoke "trap") "integer overflow")"#,
            r#"(assert_trap (invoke "exhaust") "unreachable")"#,
            r#"(assert_trap (module) "unreachable")"#,
            r#"(assert_exhaustion (invoke "trap") "call stack exhausted")"#,
            r#"(assert_unlinkable (module (import "a" "b" (func))) "unknown import")"#,
            r#"(assert_invalid (module (func (result i32))) "type mismatch")"#,
            r#"(invoke "trap")"#,
        ];
        for assertion in assertions {
            let tally = tally(
                Box::leak(format!("(module)\n{assertion}").into_boxed_str()),
                "",
            );
            let lines: Vec<u32> = tally.problems.iter().map(|(line, _)| *line).collect();
            assert_eq!((tally.passed, &lines[..]), (1, &[2][..]), "{assertion}");
        }
    }

    const NEEDS_A_HOST_MEMORY: &str =
        "(module (import \"spectest\" \"memory\" (memory 1)))\n(invoke \"f\")";

    #[test]
    fn what_a_target_cannot_do_needs_a_row_and_its_dependents_do_not() {
        let without = tally(NEEDS_A_HOST_MEMORY, "");
        assert_eq!(
            (without.passed, without.excluded, without.problems.len()),
            (0, 1, 1)
        );
        let with = tally(NEEDS_A_HOST_MEMORY, "test.wast:1 host-objects");
        assert_eq!((with.passed, with.excluded, with.problems), (0, 2, vec![]));
        let for_another_reason = tally(NEEDS_A_HOST_MEMORY, "test.wast:1 linking");
        assert_eq!(for_another_reason.problems.len(), 1);
    }

    #[test]
    fn a_row_that_excuses_nothing_is_a_problem() {
        let passes = tally("(module)", "test.wast:1 linking");
        assert_eq!(
            passes.problems,
            [(1, "excluded for `linking` and passes".to_owned())]
        );
        let nothing = tally("(module)", "test.wast:2-3 linking");
        assert_eq!(
            nothing.problems,
            [(
                2,
                "excluded for `linking` and no command begins here".to_owned()
            )]
        );
    }

    #[test]
    fn references_that_live_need_the_capability_in_both_directions() {
        for command in [
            "(invoke \"f\" (ref.extern 1))",
            "(assert_return (invoke \"f\") (ref.func))",
        ] {
            let text = Box::leak(format!("(module)\n{command}").into_boxed_str());
            assert_eq!(tally(text, "").problems.len(), 1, "{command}");
            assert_eq!(
                tally(text, "test.wast:2 references").problems,
                [],
                "{command}"
            );
        }
    }
}
