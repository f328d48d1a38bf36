//! The data of an error as it crosses to JavaScript.

use super::TrapFrame;

/// One value of an error's details.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// A count, a length, a limit.
    U64(u64),
    /// An amount of fuel: a bigint in JavaScript, where other numbers are numbers.
    Fuel(u64),
    /// A name or a text.
    Str(String),
    /// Several names.
    Strings(Vec<String>),
    /// Functions of a guest that trapped.
    Frames(Vec<TrapFrame>),
    /// Imports that could not be linked.
    Imports(Vec<ImportProblem>),
}

/// An import that was missing or of another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportProblem {
    /// The import's module name.
    pub module: String,
    /// The import's name.
    pub name: String,
    /// What the module asks for, such as `(i32, i32) -> (i64)`.
    pub expected: String,
    /// What was given; `None` when nothing was.
    pub actual: Option<String>,
    /// Given names that look alike, best first.
    pub near: Vec<String>,
}
