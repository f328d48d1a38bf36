//! Runs the WebAssembly specification's own test suite, version 2.0 with SIMD, over prepared modules.
//!
//! [`suite`] lists the files, [`Script::read`] turns one into typed [`Command`]s, and [`run`] applies them to any
//! [`SpecificationTarget`]. What a target cannot do yet is a row of `exclusions.txt`, which is checked both ways:
//! a failure without a row fails the run, and so does a row whose command passes.
//!
//! For what no suite foresees, [`generate`] makes modules of a seed.
#![forbid(unsafe_code)]

mod command;
mod exclusions;
mod generate;
mod imports;
mod json;
mod random;
mod reader;
mod runner;
pub mod spectest;
mod suite;
mod tally;
mod target;
mod traps;
mod value;

pub use command::{Action, ActionKind, Command, CommandKind, Refusal};
pub use exclusions::{Exclusion, Exclusions, ExclusionsError, Reason};
pub use generate::{ImportedTypes, generate};
pub use json::script_to_json;
pub use random::Random;
pub use reader::ReadError;
pub use runner::run;
pub use suite::{Group, Script, SuiteFile, read_suite, suite};
pub use tally::{FileTally, Report};
pub use target::{Capabilities, Failure, Registered, SpecificationTarget};
pub use value::{Expected, FloatPattern, ReferenceType, Value, VectorPattern};
