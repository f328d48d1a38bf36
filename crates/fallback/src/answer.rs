//! What an operation gives back: a status and up to two pieces of bytes.

use serde_json::json;

/// The result of an operation, owned by JavaScript until it frees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    refused: bool,
    parts: [Box<[u8]>; 2],
}

impl Answer {
    pub(crate) fn done(first: Vec<u8>, second: Vec<u8>) -> Self {
        Self {
            refused: false,
            parts: [first.into(), second.into()],
        }
    }

    /// A refusal; its first part is JSON, `{ "code", "details" }`.
    pub(crate) fn refused(error: String) -> Self {
        Self {
            refused: true,
            parts: [error.into_bytes().into(), Box::default()],
        }
    }

    /// A refusal from its code and its details.
    pub(crate) fn refused_with(code: &str, details: &serde_json::Value) -> Self {
        Self::refused(json!({ "code": code, "details": details }).to_string())
    }

    /// Whether the first part is an error instead of a result.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Part 0 or 1; every other number is an empty part.
    #[must_use]
    pub fn part(&self, index: usize) -> &[u8] {
        self.parts.get(index).map_or(&[], |part| part)
    }
}
