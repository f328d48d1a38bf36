//! The forms in which backends ask for modules.

use aingle_wasm_prepare::{Growth, Interruption, PrepareConfig};

/// A form: its name and what to ask for.
pub(crate) type Form = (&'static str, PrepareConfig);

/// The forms of wasmer, wasmi and v8, and the one that changes least.
pub(crate) fn forms() -> [Form; 4] {
    let wasmer = PrepareConfig {
        interruption: Interruption::Floors,
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
    [
        ("wasmer", wasmer),
        ("wasmi", wasmi),
        ("v8", PrepareConfig::default()),
        ("bare", bare),
    ]
}
