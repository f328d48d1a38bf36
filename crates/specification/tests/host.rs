//! The suite through the core's public API, as a user of the crate meets it, on every backend of the build.

mod support;

use aingle_wasm_host::BackendKind;
use aingle_wasm_specification::{Exclusions, Group, read_suite, run};
use support::host_target::{HostTarget, engine};

#[test]
fn the_suite_passes_on_every_backend() {
    let scripts = read_suite(&[Group::Core, Group::Simd]).expect("the suite reads");
    for backend in BackendKind::available() {
        let engine = engine(*backend);
        let report = run(&scripts, &Exclusions::committed(), || {
            HostTarget::new(&engine)
        });
        println!("{}\n{report}", backend.as_str());
        let problems = report.problems();
        assert!(
            problems.is_empty(),
            "{} problems:\n{}",
            problems.len(),
            problems.join("\n")
        );
    }
}
