//! The suite on wasmi: first the modules as they are, which checks this runner and the engine against the suite, then
//! what `prepare` makes of them, which must pass exactly as much.

mod support;

use std::sync::LazyLock;

use aingle_wasm_prepare::PrepareConfig;
use aingle_wasm_specification::{Capabilities, Exclusions, Group, Script, read_suite, run};
use support::forms::forms;
use support::wasmi_target::WasmiTarget;

const EVERYTHING: Capabilities = Capabilities {
    host_objects: true,
    shared_objects: true,
    shared_tables: true,
    live_references: true,
    exported_globals: true,
};

/// Read once for all forms.
static SCRIPTS: LazyLock<Vec<Script>> =
    LazyLock::new(|| read_suite(&[Group::Core, Group::Simd]).expect("the suite reads"));

fn check(form: Option<&PrepareConfig>, capabilities: Capabilities) {
    let report = run(&SCRIPTS, &Exclusions::committed(), || {
        WasmiTarget::new(form, capabilities)
    });
    println!("{report}");
    let problems = report.problems();
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn original_modules_pass() {
    check(None, EVERYTHING);
}

/// Without shared tables: one that got functions of an instance whose later initialisers failed makes this engine abort
/// the process as soon as such a function reads a global, which every prepared function does.
#[test]
fn prepared_modules_pass_in_every_form() {
    for (name, form) in forms() {
        println!("prepared for {name}");
        check(
            Some(&form),
            Capabilities {
                shared_tables: false,
                ..EVERYTHING
            },
        );
    }
}

/// The exclusions of every reason are right, for targets that can do less.
#[test]
fn original_modules_pass_with_functions_and_numbers_only() {
    let least = Capabilities {
        host_objects: false,
        shared_objects: false,
        shared_tables: false,
        live_references: false,
        exported_globals: false,
    };
    check(None, least);
}
