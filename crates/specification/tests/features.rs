//! Modules of proposals after WebAssembly 2.0: `prepare` names the proposal, or the module needs none. Nothing that the
//! suite calls malformed or invalid is accepted.

use std::collections::BTreeMap;

use aingle_wasm_prepare::{ErrorKind, PrepareConfig, PrepareError, prepare};
use aingle_wasm_specification::{CommandKind, Group, Script, read_suite};

/// How many modules of a folder were accepted and refused.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    never_valid: usize,
}

#[test]
fn modules_of_later_proposals_are_refused_by_name() {
    let mut folders: BTreeMap<String, Tally> = BTreeMap::new();
    let mut problems = Vec::new();
    for script in read_suite(&[Group::Later]).expect("the suite reads") {
        let folder = script.name.split('/').next().unwrap_or_default().to_owned();
        check(&script, folders.entry(folder).or_default(), &mut problems);
    }
    for (folder, tally) in &folders {
        println!(
            "{folder:20} {:4} need the proposal {:4} do not {:4} are never valid",
            tally.refused, tally.accepted, tally.never_valid
        );
        assert!(tally.refused > 0, "no module of {folder} was refused");
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// Some proposals carry files from before reference types, which allow several tables.
const VALID_SINCE_2_0: &str = "multiple tables";

fn check(script: &Script, tally: &mut Tally, problems: &mut Vec<String>) {
    for command in &script.commands {
        let (wasm, valid) = match &command.kind {
            CommandKind::Module { wasm, .. }
            | CommandKind::Definition { wasm }
            | CommandKind::AssertModuleTrap { wasm, .. }
            | CommandKind::AssertUnlinkable { wasm } => (wasm, true),
            CommandKind::AssertRefused { message, .. } if message == VALID_SINCE_2_0 => continue,
            CommandKind::AssertRefused { wasm, .. } => (wasm, false),
            _ => continue,
        };
        let problem = match (prepare(wasm, &PrepareConfig::default()), valid) {
            (Ok(_), true) => {
                tally.accepted += 1;
                continue;
            }
            (Err(error), true) if is_refusal_of_feature(&error) => {
                tally.refused += 1;
                continue;
            }
            (Err(_), false) => {
                tally.never_valid += 1;
                continue;
            }
            (Ok(_), false) => "accepted, and must never be".to_owned(),
            (Err(error), true) => error.to_string(),
        };
        problems.push(format!("{}:{}: {problem}", script.name, command.line));
    }
}

fn is_refusal_of_feature(error: &PrepareError) -> bool {
    matches!(error.kind(), ErrorKind::FeatureDisabled { feature, .. } if !feature.is_empty())
}
