//! Why a module was refused.

use std::fmt::{self, Write as _};

use aingle_wasm_types::ErrorCode;

/// Text taken from a parser may quote the module; it is cut after this many characters.
const REASON_CHARACTERS: usize = 200;

/// A refusal, with the code, the place and the numbers that explain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrepareError {
    kind: Box<ErrorKind>,
}

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes do not decode.
    #[error("malformed module at offset {offset}: {reason}")]
    Malformed {
        /// Offset in the given bytes.
        offset: usize,
        /// The parser's words, escaped and cut.
        reason: String,
    },
    /// The module does not validate.
    #[error("invalid module at offset {offset}: {reason}")]
    Invalid {
        /// Offset in the given bytes.
        offset: usize,
        /// The validator's words, escaped and cut.
        reason: String,
    },
    /// The module needs a proposal that is switched off.
    #[error("the module uses the proposal {feature}, which is off, at offset {offset}: {reason}")]
    FeatureDisabled {
        /// Usual name of the proposal.
        feature: &'static str,
        /// Offset in the given bytes.
        offset: usize,
        /// The validator's words, escaped and cut.
        reason: String,
    },
    /// The module is over a complexity cap.
    #[error(
        "the module has {value} for the cap {cap}; at most {max} is allowed, raise complexity.{cap} to admit it"
    )]
    TooComplex {
        /// Name of the cap as in the options.
        cap: &'static str,
        /// What the module has.
        value: u64,
        /// What is allowed.
        max: u64,
    },
    /// The memory begins larger than its cap.
    #[error("the memory begins with {value} bytes; at most {limit} are allowed")]
    MemoryLimit {
        /// Bytes allowed.
        limit: u64,
        /// Bytes declared.
        value: u64,
    },
    /// The tables begin larger than their cap.
    #[error("the tables begin with {value} elements together; at most {limit} are allowed")]
    TableLimit {
        /// Elements allowed.
        limit: u64,
        /// Elements declared.
        value: u64,
    },
}

impl PrepareError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match *self.kind {
            ErrorKind::Malformed { .. } => ErrorCode::ModuleMalformed,
            ErrorKind::Invalid { .. } => ErrorCode::ModuleInvalid,
            ErrorKind::FeatureDisabled { .. } => ErrorCode::FeatureDisabled,
            ErrorKind::TooComplex { .. } => ErrorCode::ModuleTooComplex,
            ErrorKind::MemoryLimit { .. } => ErrorCode::MemoryLimit,
            ErrorKind::TableLimit { .. } => ErrorCode::TableLimit,
        }
    }

    /// The parser's or validator's own words, escaped and cut, where they say more than the numbers.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &*self.kind {
            ErrorKind::Malformed { reason, .. }
            | ErrorKind::Invalid { reason, .. }
            | ErrorKind::FeatureDisabled { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What was wrong, with its numbers.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    #[cold]
    pub(crate) fn malformed(offset: u64, reason: &str) -> Self {
        ErrorKind::Malformed {
            offset: offset as usize,
            reason: clean(reason),
        }
        .into()
    }

    #[cold]
    pub(crate) fn invalid(offset: u64, reason: &str) -> Self {
        ErrorKind::Invalid {
            offset: offset as usize,
            reason: clean(reason),
        }
        .into()
    }

    #[cold]
    pub(crate) fn feature_disabled(feature: &'static str, offset: u64, reason: &str) -> Self {
        ErrorKind::FeatureDisabled {
            feature,
            offset: offset as usize,
            reason: clean(reason),
        }
        .into()
    }

    #[cold]
    pub(crate) fn too_complex(cap: &'static str, value: u64, max: u64) -> Self {
        ErrorKind::TooComplex { cap, value, max }.into()
    }
}

impl From<ErrorKind> for PrepareError {
    fn from(kind: ErrorKind) -> Self {
        Self {
            kind: Box::new(kind),
        }
    }
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for PrepareError {}

/// Escapes what a terminal or a log would act on, and cuts what a hostile module could make long.
fn clean(reason: &str) -> String {
    let mut text = String::new();
    for (position, character) in reason.chars().enumerate() {
        if position == REASON_CHARACTERS {
            text.push('…');
            break;
        }
        if character.is_control() {
            let _ = write!(text, "{}", character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<PrepareError>(), size_of::<usize>());
    }

    #[test]
    fn reasons_are_escaped_and_cut() {
        let error = PrepareError::invalid(7, &format!("a\n\u{1b}[31m{}", "x".repeat(500)));
        let text = error.to_string();
        assert!(
            text.starts_with("invalid module at offset 7: a\\n\\u{1b}[31mxxx"),
            "{text}"
        );
        assert!(text.chars().count() < 260 && text.ends_with('…'));
    }
}
