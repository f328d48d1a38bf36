//! A compiled module and what is known about it.

mod origin;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aingle_wasm_prepare::{ExternType, FunctionType, GlobalType, ModuleInfo, ValueType};
use aingle_wasm_types::Phase;
use sha2::{Digest as _, Sha256};

use crate::backend::CompiledModule;
use crate::error::{ErrorKind, HostError};
use crate::instance::{ExportHandle, GlobalHandle};
use crate::suggest;

pub use origin::Origin;

/// SHA-256 of a module's bytes.
pub(crate) type Digest = [u8; 32];

/// A compiled module. Cheap to clone; its machine code lives as long as the last clone and the last instance.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    id: u32,
    digest: String,
    info: ModuleInfo,
    exports: HashMap<String, u32>,
    globals: Globals,
    origin: Origin,
    sliceable: bool,
    compiled: Arc<dyn CompiledModule>,
}

/// How a module is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// Whether its calls can run in slices of fuel, see [`crate::SliceOptions`]. Makes loops slower. Default false.
    pub sliceable: bool,
}

impl CompileOptions {
    /// By which the cache knows a module of this digest that was compiled so.
    pub(crate) fn key(self, mut digest: Digest) -> Digest {
        if self.sliceable {
            digest = Sha256::new()
                .chain_update(digest)
                .chain_update(b"sliceable")
                .finalize()
                .into();
        }
        digest
    }
}

/// Source of [`Inner::id`]. It may wrap: an id only tells a caller's mistakes apart.
static NEXT_ID: AtomicU32 = AtomicU32::new(0);

impl Module {
    pub(crate) fn new(
        origin: Origin,
        digest: Digest,
        info: ModuleInfo,
        options: CompileOptions,
        compiled: Arc<dyn CompiledModule>,
    ) -> Self {
        let exports = (0..)
            .zip(&info.exports)
            .map(|(index, export)| (export.name.clone(), index))
            .collect();
        let inner = Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            digest: hex(&digest),
            origin,
            globals: Globals::of(&info),
            info,
            exports,
            sliceable: options.sliceable,
            compiled,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// SHA-256 of the bytes that were compiled, as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// The module as its author sees it: imports, exports, custom sections.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.inner.info
    }

    /// The contents of all custom sections called `name`, in the order of the module.
    #[must_use]
    pub fn custom_sections(&self, name: &str) -> Vec<&[u8]> {
        let sections = self.inner.info.custom_sections.iter();
        sections
            .filter(|section| section.name == name)
            .map(|section| self.inner.origin.bytes(section.range.clone()))
            .collect()
    }

    /// The bytes that were compiled, and the way back to them. It outlives the module.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    /// Finds an exported function once, for calls that shall not search for its name.
    ///
    /// # Errors
    /// - `ERR_EXPORT_NOT_FOUND` if there is no function of this name; the error suggests near ones.
    pub fn export_handle(&self, name: &str) -> Result<ExportHandle, HostError> {
        let index = self.inner.exports.get(name).copied();
        match index.and_then(|index| Some((index, self.function_type(index)?))) {
            Some((index, ty)) => Ok(ExportHandle {
                module: self.inner.id,
                index,
                bytes: takes_bytes(ty),
            }),
            None => Err(self.no_export(name, "")),
        }
    }

    /// Finds an exported global.
    ///
    /// # Errors
    /// - `ERR_EXPORT_NOT_FOUND` if there is no global of this name.
    pub fn exported_global(&self, name: &str) -> Result<GlobalHandle, HostError> {
        let globals = &self.inner.globals;
        let position = globals
            .exported
            .iter()
            .position(|exported| exported == name);
        position
            .and_then(|position| self.global_handle((globals.imported + position) as u32))
            .ok_or_else(|| self.no_export(name, "a global"))
    }

    /// The global of a number: the imported ones first, then the exported ones, both in the order of the module.
    #[must_use]
    pub fn global_handle(&self, number: u32) -> Option<GlobalHandle> {
        let ty = *self.inner.globals.types.get(number as usize)?;
        Some(GlobalHandle {
            module: self.inner.id,
            number,
            ty,
        })
    }

    /// The names of the exported globals, in order.
    pub(crate) fn exported_globals(&self) -> &[String] {
        &self.inner.globals.exported
    }

    /// The handle's export as index, name and type; refuses handles of other modules.
    pub(crate) fn export(
        &self,
        handle: ExportHandle,
    ) -> Result<(usize, &str, &FunctionType), HostError> {
        let export = self.inner.info.exports.get(handle.index as usize);
        match export.map(|export| (&export.name, &export.ty)) {
            Some((name, ExternType::Function(ty))) if handle.module == self.inner.id => {
                Ok((handle.index as usize, name, ty))
            }
            _ => Err(HostError::argument(
                "export",
                "a handle of another module",
                "a handle of this instance's module",
            )),
        }
    }

    /// Whether it was compiled with [`CompileOptions::sliceable`].
    #[must_use]
    pub fn is_sliceable(&self) -> bool {
        self.inner.sliceable
    }

    pub(crate) fn imports_functions(&self) -> bool {
        let mut imports = self.inner.info.imports.iter();
        imports.any(|import| matches!(import.ty, ExternType::Function(_)))
    }

    pub(crate) fn is_id(&self, id: u32) -> bool {
        self.inner.id == id
    }

    pub(crate) fn compiled(&self) -> &Arc<dyn CompiledModule> {
        &self.inner.compiled
    }

    /// Whether a function of this exact type is exported under this name.
    pub(crate) fn exports_function(
        &self,
        name: &str,
        params: &[ValueType],
        results: &[ValueType],
    ) -> bool {
        let ty = self
            .inner
            .exports
            .get(name)
            .and_then(|index| self.function_type(*index));
        ty.is_some_and(|ty| ty.params == params && ty.results == results)
    }

    #[cold]
    pub(crate) fn no_export(&self, name: &str, expected: &'static str) -> HostError {
        let functions = self
            .inner
            .info
            .exports
            .iter()
            .filter(|export| matches!(export.ty, ExternType::Function(_)));
        let near = suggest::near(name, functions.map(|export| export.name.as_str()));
        HostError::new(
            Phase::Call,
            ErrorKind::ExportNotFound {
                name: name.to_owned(),
                expected,
                near,
            },
        )
    }

    fn function_type(&self, index: u32) -> Option<&FunctionType> {
        match &self.inner.info.exports.get(index as usize)?.ty {
            ExternType::Function(ty) => Some(ty),
            _ => None,
        }
    }
}

/// The globals that a host can reach.
struct Globals {
    /// How many are imported; they come first.
    imported: usize,
    /// Names of the exported ones.
    exported: Vec<String>,
    /// Of all of them.
    types: Vec<GlobalType>,
}

impl Globals {
    fn of(info: &ModuleInfo) -> Self {
        let global = |ty: &ExternType| match ty {
            ExternType::Global(ty) => Some(*ty),
            _ => None,
        };
        let mut types: Vec<_> = info
            .imports
            .iter()
            .filter_map(|import| global(&import.ty))
            .collect();
        let imported = types.len();
        let mut exported = Vec::new();
        for export in &info.exports {
            if let Some(ty) = global(&export.ty) {
                types.push(ty);
                exported.push(export.name.clone());
            }
        }
        Self {
            imported,
            exported,
            types,
        }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}

/// Whether a function takes and returns bytes: `(ptr: i32, len: i32) -> i64`.
pub(crate) fn takes_bytes(ty: &FunctionType) -> bool {
    ty.params == [ValueType::I32, ValueType::I32] && ty.results == [ValueType::I64]
}

pub(crate) fn digest(wasm: &[u8]) -> Digest {
    Sha256::digest(wasm).into()
}

fn hex(digest: &Digest) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
