//! What a module imports, as far as the runner has to know it.

use wasmparser::{Parser, Payload, TypeRef};

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleImport {
    /// Module name.
    pub(crate) module: String,
    /// What it is, without the details of its type.
    pub(crate) kind: ImportKind,
}

/// Kinds of import that differ in what a target must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportKind {
    /// A function, which every target can import.
    Function,
    /// A table.
    Table,
    /// A memory or a global.
    Object,
}

impl ImportKind {
    fn of(ty: &TypeRef) -> Self {
        match ty {
            TypeRef::Func(_) => Self::Function,
            TypeRef::Table(_) => Self::Table,
            _ => Self::Object,
        }
    }
}

/// The imports of a module. Bytes that do not decode have none: the target refuses them later.
pub(crate) fn module_imports(wasm: &[u8]) -> Vec<ModuleImport> {
    let section = Parser::new(0)
        .parse_all(wasm)
        .find_map(|payload| match payload {
            Ok(Payload::ImportSection(section)) => Some(section),
            _ => None,
        });
    let imports = section
        .into_iter()
        .flat_map(|section| section.into_imports())
        .flatten();
    imports
        .map(|import| ModuleImport {
            module: import.module.to_owned(),
            kind: ImportKind::of(&import.ty),
        })
        .collect()
}
