//! Totals of a run, by file and by group, and what went wrong in it.

use std::fmt;

use crate::suite::Group;

/// What happened in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTally {
    /// The part of the suite.
    pub group: Group,
    /// The script's name.
    pub name: String,
    /// Commands that did what the script says.
    pub passed: usize,
    /// Commands that a row excuses, and those that need an instance which an excused command did not make.
    pub excluded: usize,
    /// Assertions about the text format.
    pub text_only: usize,
    /// Everything else, each with its line: commands that failed and rows that excuse nothing.
    pub problems: Vec<(u32, String)>,
}

/// The files of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order they ran.
    pub files: Vec<FileTally>,
}

impl Report {
    /// Every problem as `file:line: what`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let of_file = |file: &FileTally| {
            let name = file.name.clone();
            file.problems
                .clone()
                .into_iter()
                .map(move |(line, what)| format!("{name}:{line}: {what}"))
        };
        self.files.iter().flat_map(of_file).collect()
    }

    fn total(&self, group: Group, count: impl Fn(&FileTally) -> usize) -> usize {
        self.files
            .iter()
            .filter(|file| file.group == group)
            .map(count)
            .sum()
    }
}

/// One line a group: files, passed, excluded, failed, text only.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in [Group::Core, Group::Simd, Group::Later] {
            let files = self.total(group, |_| 1);
            if files == 0 {
                continue;
            }
            writeln!(
                f,
                "{:5} {files:4} files {:6} passed {:4} excluded {:4} failed ({} of the text format only)",
                group.name(),
                self.total(group, |file| file.passed),
                self.total(group, |file| file.excluded),
                self.total(group, |file| file.problems.len()),
                self.total(group, |file| file.text_only),
            )?;
        }
        Ok(())
    }
}
