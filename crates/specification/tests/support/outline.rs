//! What those who encode a module's bodies again must know of it.

use wasm_encoder::ValType;
use wasm_encoder::reencode::{Error, Reencode};
use wasmparser::{CompositeInnerType, FunctionBody, Parser, Payload, TypeRef};

/// What bodies must know about the rest of the module.
#[derive(Default)]
pub(crate) struct Outline {
    /// Parameters of each function type.
    pub(crate) params: Vec<u32>,
    /// Type of each defined function.
    types: Vec<u32>,
    /// Globals, imported ones included: the index of the first one that is ours.
    pub(crate) globals: u32,
}

impl Outline {
    pub(crate) fn of(wasm: &[u8]) -> Self {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.expect("the module is valid") {
                Payload::TypeSection(section) => {
                    let types = section
                        .into_iter()
                        .flatten()
                        .flat_map(|group| group.into_types());
                    outline
                        .params
                        .extend(types.map(|ty| match ty.composite_type.inner {
                            CompositeInnerType::Func(ty) => ty.params().len() as u32,
                            _ => 0,
                        }));
                }
                Payload::ImportSection(section) => {
                    let imports = section.into_imports().flatten();
                    outline.globals += imports
                        .filter(|import| matches!(import.ty, TypeRef::Global(_)))
                        .count() as u32;
                }
                Payload::FunctionSection(section) => {
                    outline.types.extend(section.into_iter().flatten())
                }
                Payload::GlobalSection(section) => outline.globals += section.count(),
                _ => {}
            }
        }
        outline
    }
    /// Parameters of a defined function.
    pub(crate) fn params_of(&self, function: usize) -> u32 {
        self.params[self.types[function] as usize]
    }
}

/// Groups of equal locals, each with how many they are.
pub(crate) type Locals = Vec<(u32, ValType)>;

/// The locals that a body declares.
pub(crate) fn declared_locals<R: Reencode>(
    reencoder: &mut R,
    body: &FunctionBody<'_>,
) -> Result<Locals, Error<R::Error>> {
    let mut locals = Vec::new();
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        locals.push((count, reencoder.val_type(ty)?));
    }
    Ok(locals)
}

/// How many locals there are in these groups.
pub(crate) fn count(locals: &[(u32, ValType)]) -> u32 {
    locals.iter().map(|(count, _)| count).sum()
}
