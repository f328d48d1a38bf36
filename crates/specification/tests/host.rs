//! The suite through the core's public API, as a user of the crate meets it.

mod support;

use aingle_wasm_specification::{Exclusions, Group, read_suite, run};
use support::host_target::{HostTarget, engine};

#[test]
fn the_suite_passes_on_wasmer() {
    let engine = engine();
    let scripts = read_suite(&[Group::Core, Group::Simd]).expect("the suite reads");
    let report = run(&scripts, &Exclusions::committed(), || {
        HostTarget::new(&engine)
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
