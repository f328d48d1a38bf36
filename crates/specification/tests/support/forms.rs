//! The forms in which backends ask for modules.

use aingle_wasm_prepare::{Growth, Interruption, PrepareConfig};

/// A form: its name and what to ask for.
pub(crate) type Form = (&'static str, PrepareConfig);

/// The forms of wasmer, wasmi and v8, the one that changes least, and those with slices.
pub(crate) fn forms() -> [Form; 6] {
    let wasmer = PrepareConfig {
        interruption: Interruption::Floors,
        unroll: true,
        ..Default::default()
    };
    let wasmi = PrepareConfig {
        canonicalize_nans: false,
        interruption: Interruption::Stop,
        growth: Growth::Host,
        mark_conversions: true,
        ..Default::default()
    };
    let bare = PrepareConfig {
        canonicalize_nans: false,
        ..Default::default()
    };
    let sliced = |form: &PrepareConfig| PrepareConfig {
        sliceable: true,
        ..form.clone()
    };
    let (wasmer_sliced, wasmi_sliced) = (sliced(&wasmer), sliced(&wasmi));
    [
        ("wasmer", wasmer),
        ("wasmi", wasmi),
        ("v8", PrepareConfig::default()),
        ("bare", bare),
        ("wasmer, in slices", wasmer_sliced),
        ("wasmi, in slices", wasmi_sliced),
    ]
}
