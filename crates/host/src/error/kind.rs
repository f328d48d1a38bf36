//! What can happen, one variant for a cause, and the one place where a cause becomes a code.

use aingle_wasm_prepare::PrepareError;
use aingle_wasm_types::{ErrorCode, GuestErrorKind, TrapKind};

use super::TrapFrame;
use super::details::{Detail, ImportProblem};
use super::text::{joined, near_names, of_type, safe};

/// What later calls are told of a call that a host function ended on purpose.
pub const TERMINATED: &str = "context.terminate";

/// What happened. Guest text is kept as given; `Display` escapes and shortens it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A caller's mistake.
    #[error("{option} is {value}, allowed is {allowed}")]
    Argument {
        /// `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` or `ERR_OUT_OF_RANGE`.
        code: ErrorCode,
        /// The option's full name.
        option: &'static str,
        /// The value found.
        value: String,
        /// What would be accepted.
        allowed: String,
    },
    /// A backend that this build does not have.
    #[error("the backend {backend} is not part of this build")]
    EngineUnavailable {
        /// Its name.
        backend: &'static str,
    },
    /// The module was refused before any engine saw it.
    #[error("{0}")]
    Module(PrepareError),
    /// The guest needs something that this version does not have.
    #[error("{feature} is not supported")]
    Feature {
        /// What is missing.
        feature: String,
    },
    /// Imports that were not given.
    #[error("the module imports what it was not given: {}", joined(imports))]
    ImportMissing {
        /// All of them.
        imports: Vec<ImportProblem>,
    },
    /// Imports given with another type.
    #[error("imports have another type: {}", joined(imports))]
    ImportType {
        /// All of them.
        imports: Vec<ImportProblem>,
    },
    /// No export of this name and kind.
    #[error(
        "the module exports no function {}{}{}",
        safe(name),
        of_type(expected),
        near_names(near)
    )]
    ExportNotFound {
        /// The name asked for.
        name: String,
        /// The type asked for, such as `(i32, i32) -> (i64)`.
        expected: &'static str,
        /// Exports that look alike, best first.
        near: Vec<String>,
    },
    /// The guest trapped by itself.
    #[error("the guest trapped: {trap}")]
    Trap {
        /// How.
        trap: TrapKind,
        /// Guest functions, innermost first.
        frames: Vec<TrapFrame>,
    },
    /// The guest used up its call depth, or its native stack.
    #[error("the guest passed its call depth of {limit}")]
    StackOverflow {
        /// The instance's call depth.
        limit: u64,
    },
    /// The guest used up its fuel.
    #[error("the guest used all of its fuel, {limit}; give the call more or the guest less to do")]
    FuelExhausted {
        /// Fuel used, equal to the limit.
        used: u64,
        /// The call's fuel.
        limit: u64,
    },
    /// The call's time was over.
    #[error("the guest was stopped at its deadline of {limit} ms")]
    Timeout {
        /// Milliseconds from the call's submission.
        limit: u64,
    },
    /// A limit of the instance or the engine.
    #[error("{value} is over the limit of {limit} ({code})")]
    Limit {
        /// The limit's code.
        code: ErrorCode,
        /// The limit.
        limit: u64,
        /// What was asked for or reached.
        value: u64,
    },
    /// The machine could not give memory, or too many instances are alive.
    #[error("out of memory: {resource}")]
    OutOfMemory {
        /// What could not be had.
        resource: &'static str,
        /// The limit that was reached; 0 when it is the machine's.
        limit: u64,
        /// What was asked for.
        value: u64,
    },
    /// The guest returned an error, or panicked.
    #[error("the guest failed: {}", safe(&.0.message))]
    Guest(GuestError),
    /// The guest gave a range outside its memory, or its allocator failed.
    #[error("the guest gave the range of {len} bytes at {ptr}, its memory has {memory} bytes")]
    GuestPointer {
        /// Start of the range; 0 when an allocator failed.
        ptr: u64,
        /// Bytes of the range.
        len: u64,
        /// Bytes of the guest's memory.
        memory: u64,
    },
    /// An envelope is damaged.
    #[error("a damaged envelope: {text}")]
    Envelope {
        /// The code of the first check that failed.
        code: ErrorCode,
        /// What was expected, where it is a number.
        expected: Option<u64>,
        /// What was found, where it is a number.
        actual: Option<u64>,
        /// In words.
        text: String,
    },
    /// A host function failed.
    #[error("the host function {} failed: {}", safe(name), safe(text))]
    HostFunction {
        /// `ERR_HOST_FUNCTION`, or what the function asked to be reported.
        code: ErrorCode,
        /// Import name of the function.
        name: String,
        /// What it said.
        text: String,
        /// Whether it ended the call on purpose, see [`crate::HostFunctionError::terminating`].
        terminated: bool,
    },
    /// The instance, or the engine, cannot take work now.
    #[error("{text}")]
    State {
        /// Which state: busy, closed, engine closed.
        code: ErrorCode,
        /// In words.
        text: &'static str,
    },
    /// An earlier call left the instance in an unknown state.
    #[error("an earlier call ended with {reason}; take a new instance")]
    Poisoned {
        /// How the earlier call ended: its code, or [`TERMINATED`].
        reason: &'static str,
    },
    /// Too many calls are waiting.
    #[error("{limit} calls are waiting already")]
    QueueFull {
        /// The bound.
        limit: u64,
    },
    /// A fault of this library.
    #[error("an internal fault, please report it: {reason}")]
    Internal {
        /// What is known.
        reason: String,
    },
}

/// An error that a guest returned, or the report of its panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestError {
    /// The guest's text; bytes that are no UTF-8 are replaced.
    pub message: String,
    /// Kind, file and line, if the guest gave them.
    pub origin: Option<GuestOrigin>,
}

/// Where in the guest's source an error comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestOrigin {
    /// What the error is about.
    pub kind: GuestErrorKind,
    /// Source file, as the guest's compiler wrote it.
    pub file: String,
    /// Line in the file, from 1; 0 when unknown.
    pub line: u32,
}

impl ErrorKind {
    /// The stable code of this cause.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Module(error) => error.code(),
            Self::Argument { code, .. }
            | Self::Limit { code, .. }
            | Self::Envelope { code, .. }
            | Self::HostFunction { code, .. }
            | Self::State { code, .. } => *code,
            Self::EngineUnavailable { .. } => ErrorCode::EngineUnavailable,
            Self::Feature { .. } => ErrorCode::FeatureDisabled,
            Self::ImportMissing { .. } => ErrorCode::ImportMissing,
            Self::ImportType { .. } => ErrorCode::ImportType,
            Self::ExportNotFound { .. } => ErrorCode::ExportNotFound,
            Self::Trap { .. } => ErrorCode::Trap,
            Self::StackOverflow { .. } => ErrorCode::StackOverflow,
            Self::FuelExhausted { .. } => ErrorCode::FuelExhausted,
            Self::Timeout { .. } => ErrorCode::Timeout,
            Self::OutOfMemory { .. } => ErrorCode::OutOfMemory,
            Self::Guest(_) => ErrorCode::Guest,
            Self::GuestPointer { .. } => ErrorCode::GuestPointer,
            Self::Poisoned { .. } => ErrorCode::InstancePoisoned,
            Self::QueueFull { .. } => ErrorCode::QueueFull,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// How a call with this error has ended, for those that come later.
    pub(crate) fn ending(&self) -> &'static str {
        match self {
            Self::HostFunction {
                terminated: true, ..
            } => TERMINATED,
            _ => self.code().as_str(),
        }
    }

    pub(super) fn details(&self) -> Vec<(&'static str, Detail)> {
        let text = |text: &str| Detail::Str(text.to_owned());
        match self {
            Self::Argument {
                option,
                value,
                allowed,
                ..
            } => {
                vec![
                    ("option", text(option)),
                    ("value", text(value)),
                    ("allowed", text(allowed)),
                ]
            }
            Self::EngineUnavailable { backend } => vec![("backend", text(backend))],
            Self::Module(error) => module_details(error),
            Self::Feature { feature } => vec![("feature", text(feature))],
            Self::ImportMissing { imports } | Self::ImportType { imports } => {
                vec![("imports", Detail::Imports(imports.clone()))]
            }
            Self::ExportNotFound {
                name,
                expected,
                near,
            } => {
                vec![
                    ("name", text(name)),
                    ("expected", text(expected)),
                    ("near", Detail::Strings(near.clone())),
                ]
            }
            Self::Trap { trap, frames } => {
                vec![
                    ("trap", text(trap.as_str())),
                    ("frames", Detail::Frames(frames.clone())),
                ]
            }
            Self::StackOverflow { limit } | Self::Timeout { limit } => {
                vec![("limit", Detail::U64(*limit))]
            }
            Self::FuelExhausted { used, limit } => vec![
                ("used", Detail::Fuel(*used)),
                ("limit", Detail::Fuel(*limit)),
            ],
            Self::Limit { limit, value, .. } => vec![
                ("limit", Detail::U64(*limit)),
                ("value", Detail::U64(*value)),
            ],
            Self::OutOfMemory {
                resource,
                limit,
                value,
            } => {
                vec![
                    ("resource", text(resource)),
                    ("limit", Detail::U64(*limit)),
                    ("value", Detail::U64(*value)),
                ]
            }
            Self::Guest(error) => guest_details(error),
            Self::GuestPointer { ptr, len, memory } => {
                vec![
                    ("ptr", Detail::U64(*ptr)),
                    ("len", Detail::U64(*len)),
                    ("memory", Detail::U64(*memory)),
                ]
            }
            Self::Envelope {
                expected,
                actual,
                text,
                ..
            } => envelope_details(*expected, *actual, text),
            Self::HostFunction { name, .. } => vec![("name", text(name))],
            Self::Poisoned { reason } => vec![("reason", text(reason))],
            Self::QueueFull { limit } => vec![("limit", Detail::U64(*limit))],
            Self::Internal { reason } => vec![("reason", text(reason))],
            Self::State { .. } => Vec::new(),
        }
    }
}

fn module_details(error: &PrepareError) -> Vec<(&'static str, Detail)> {
    use aingle_wasm_prepare::ErrorKind as Refused;
    let at = |offset: usize, reason: &String| {
        vec![
            ("offset", Detail::U64(offset as u64)),
            ("reason", Detail::Str(reason.clone())),
        ]
    };
    match error.kind() {
        Refused::Malformed { offset, reason } | Refused::Invalid { offset, reason } => {
            at(*offset, reason)
        }
        Refused::FeatureDisabled {
            feature,
            offset,
            reason,
        } => {
            let mut details = at(*offset, reason);
            details.push(("feature", Detail::Str((*feature).to_owned())));
            details
        }
        Refused::TooComplex { cap, value, max } => vec![
            ("cap", Detail::Str((*cap).to_owned())),
            ("value", Detail::U64(*value)),
            ("max", Detail::U64(*max)),
        ],
        Refused::MemoryLimit { limit, value } | Refused::TableLimit { limit, value } => {
            vec![
                ("limit", Detail::U64(*limit)),
                ("value", Detail::U64(*value)),
            ]
        }
        _ => vec![("reason", Detail::Str(error.to_string()))],
    }
}

fn guest_details(error: &GuestError) -> Vec<(&'static str, Detail)> {
    let mut details = vec![("message", Detail::Str(error.message.clone()))];
    if let Some(origin) = &error.origin {
        details.extend([
            ("kind", Detail::Str(origin.kind.as_str().to_owned())),
            ("file", Detail::Str(origin.file.clone())),
            ("line", Detail::U64(origin.line.into())),
        ]);
    }
    details
}

fn envelope_details(
    expected: Option<u64>,
    actual: Option<u64>,
    text: &str,
) -> Vec<(&'static str, Detail)> {
    let mut details = vec![("reason", Detail::Str(text.to_owned()))];
    details.extend(expected.map(|value| ("expected", Detail::U64(value))));
    details.extend(actual.map(|value| ("actual", Detail::U64(value))));
    details
}
