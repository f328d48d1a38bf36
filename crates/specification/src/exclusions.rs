//! The list of what is expected not to pass: one line a command, with a reason that the runner checks.

use std::fmt;
use std::ops::RangeInclusive;

use crate::target::Capabilities;

/// The rows of an exclusions file.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    rows: Vec<Exclusion>,
}

/// Commands of one file that are expected not to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// The script's name.
    pub file: String,
    /// Lines in which the commands begin. Every command in the range is excluded.
    pub lines: RangeInclusive<u32>,
    /// Why.
    pub reason: Reason,
}

/// Why a command is excluded: it needs this, or it sees that an excluded command before it did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A memory or global of another instance is imported.
    Linking,
    /// A table of another instance is imported.
    LinkingTable,
    /// A memory, table or global made by the host is imported.
    HostObjects,
    /// A reference that is not null is passed or comes back.
    References,
    /// An exported global is read.
    Globals,
}

impl Reason {
    const ALL: [Self; 5] = [
        Self::Linking,
        Self::LinkingTable,
        Self::HostObjects,
        Self::References,
        Self::Globals,
    ];

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linking => "linking",
            Self::LinkingTable => "linking-table",
            Self::HostObjects => "host-objects",
            Self::References => "references",
            Self::Globals => "globals",
        }
    }

    /// Whether this reason may excuse a target with these capabilities.
    #[must_use]
    pub const fn applies_to(self, capabilities: Capabilities) -> bool {
        match self {
            Self::Linking => !capabilities.shared_objects,
            Self::LinkingTable => !capabilities.shared_tables,
            Self::HostObjects => !capabilities.host_objects,
            Self::References => !capabilities.live_references,
            Self::Globals => !capabilities.exported_globals,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A line that is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusionsError {
    /// Line of the exclusions file, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl fmt::Display for ExclusionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: expected `file:line reason` or `file:first-last reason`, found `{}`",
            self.line, self.text
        )
    }
}

impl std::error::Error for ExclusionsError {}

impl Exclusions {
    /// Reads rows of the form `file:line reason` and `file:first-last reason`. `#` begins a comment.
    ///
    /// # Errors
    /// - [`ExclusionsError`] with the first line that is neither.
    pub fn parse(text: &str) -> Result<Self, ExclusionsError> {
        let mut rows = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            let row = row(content).ok_or_else(|| ExclusionsError {
                line: number + 1,
                text: line.to_owned(),
            })?;
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// The committed rows.
    ///
    /// # Panics
    /// Panics if the committed file does not parse, which a test of this crate excludes.
    #[must_use]
    pub fn committed() -> Self {
        Self::parse(include_str!("../exclusions.txt")).expect("the committed exclusions parse")
    }

    /// All rows, in the file's order.
    #[must_use]
    pub fn rows(&self) -> &[Exclusion] {
        &self.rows
    }

    /// The rows of `file` that may excuse a target with these capabilities.
    pub(crate) fn applying<'a>(
        &'a self,
        file: &'a str,
        capabilities: Capabilities,
    ) -> impl Iterator<Item = &'a Exclusion> {
        self.rows
            .iter()
            .filter(move |row| row.file == file && row.reason.applies_to(capabilities))
    }
}

fn row(content: &str) -> Option<Exclusion> {
    let (place, reason) = content.split_once(char::is_whitespace)?;
    let (file, lines) = place.split_once(':')?;
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let reason = Reason::ALL
        .into_iter()
        .find(|known| known.name() == reason.trim())?;
    let lines = first.parse().ok()?..=last.parse().ok()?;
    (!lines.is_empty()).then(|| Exclusion {
        file: file.to_owned(),
        lines,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_a_file_lines_and_a_reason() {
        let rows =
            Exclusions::parse("# why\n\na.wast:7 linking\nb/c.wast:3-9   references # why\n")
                .unwrap();
        let row = |file: &str, lines, reason| Exclusion {
            file: file.to_owned(),
            lines,
            reason,
        };
        assert_eq!(
            rows.rows(),
            [
                row("a.wast", 7..=7, Reason::Linking),
                row("b/c.wast", 3..=9, Reason::References)
            ]
        );
    }

    #[test]
    fn anything_else_is_an_error_with_its_line() {
        for bad in [
            "a.wast linking",
            "a.wast:7",
            "a.wast:x linking",
            "a.wast:9-3 linking",
            "a.wast:7 because",
        ] {
            let error = Exclusions::parse(&format!("\n{bad}")).unwrap_err();
            assert_eq!((error.line, error.text.as_str()), (2, bad));
        }
    }

    #[test]
    fn a_capability_ends_its_reason() {
        let none = Capabilities {
            host_objects: false,
            shared_objects: false,
            shared_tables: false,
            live_references: false,
            exported_globals: false,
        };
        let all = Capabilities {
            host_objects: true,
            shared_objects: true,
            shared_tables: true,
            live_references: true,
            exported_globals: true,
        };
        for reason in Reason::ALL {
            assert!(reason.applies_to(none));
            assert!(!reason.applies_to(all));
        }
    }

    #[test]
    fn the_committed_rows_parse_and_name_files_of_the_suite() {
        let files: Vec<_> = [crate::Group::Core, crate::Group::Simd]
            .into_iter()
            .flat_map(crate::suite)
            .collect();
        for row in Exclusions::committed().rows() {
            assert!(files.iter().any(|file| file.name == row.file), "{row:?}");
        }
    }
}
