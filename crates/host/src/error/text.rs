//! Text of others, made safe to stand in one line of a message.

use std::any::Any;
use std::fmt::{self, Write as _};

use super::details::ImportProblem;

/// Longest piece of foreign text in a message, in characters.
const MAX_CHARACTERS: usize = 200;

/// Displays text of a guest or a caller: control characters escaped, cut at [`MAX_CHARACTERS`].
pub(super) fn safe(text: &str) -> Safe<'_> {
    Safe(text)
}

pub(super) struct Safe<'a>(&'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Unquoted(self.0))
    }
}

/// As [`safe`], without the quotes.
pub(super) struct Unquoted<'a>(pub(super) &'a str);

impl fmt::Display for Unquoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, character) in self.0.chars().enumerate() {
            if position == MAX_CHARACTERS {
                f.write_char('…')?;
                break;
            }
            if character.is_control() || misleads(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Characters that break a line or turn the direction of the text around them.
fn misleads(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// `; did you mean "a", "b"?`, or nothing.
pub(super) fn near_names(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<String> = near.iter().map(|name| safe(name).to_string()).collect();
    format!("; did you mean {}?", names.join(", "))
}

/// ` of the type …`, or nothing.
pub(super) fn of_type(expected: &str) -> String {
    if expected.is_empty() {
        String::new()
    } else {
        format!(" of the type {expected}")
    }
}

/// Import problems in one line.
pub(super) fn joined(imports: &[ImportProblem]) -> String {
    let one = |problem: &ImportProblem| {
        let given = problem
            .actual
            .as_ref()
            .map(|actual| format!(", given {actual}"))
            .unwrap_or_default();
        let (module, name) = (safe(&problem.module), safe(&problem.name));
        format!(
            "{module}.{name} {}{given}{}",
            problem.expected,
            near_names(&problem.near)
        )
    };
    imports.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The text of a panic's payload.
pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    safe(text.unwrap_or("of unknown kind")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_in_one_line_and_is_cut() {
        assert_eq!(safe("a\n\u{202e}b").to_string(), "\"a\\u{a}\\u{202e}b\"");
        assert_eq!(safe(&"é".repeat(300)).to_string().chars().count(), 203);
    }

    #[test]
    fn panics_of_both_usual_kinds_are_quoted() {
        assert_eq!(of_panic(&"plain"), "\"plain\"");
        assert_eq!(of_panic(&String::from("formatted")), "\"formatted\"");
        assert_eq!(of_panic(&7), "\"of unknown kind\"");
    }
}
