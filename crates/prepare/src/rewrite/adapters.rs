//! Functions of ours for hosts that cannot carry some values: floats and vectors cross as integers of the same bits.

use wasm_encoder::{Function, InstructionSink};

use super::Rewriting;
use super::types::encoded;
use crate::{Adapters, FunctionType, ValueType};

/// Which values cross as integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// None.
    Whole,
    /// Vectors alone.
    Vectors,
    /// Floats and vectors: for values whose exact bits matter.
    Bits,
}

impl From<Adapters> for Crossing {
    fn from(adapters: Adapters) -> Self {
        match adapters {
            Adapters::None => Self::Whole,
            Adapters::Vectors => Self::Vectors,
            Adapters::Bits => Self::Bits,
        }
    }
}

impl Crossing {
    /// What a value of this type crosses as, in order, if not as itself.
    pub(crate) fn integers(self, ty: ValueType) -> Option<&'static [ValueType]> {
        match (self, ty) {
            (Self::Bits, ValueType::F32) => Some(&[ValueType::I32]),
            (Self::Bits, ValueType::F64) => Some(&[ValueType::I64]),
            (Self::Vectors | Self::Bits, ValueType::V128) => {
                Some(&[ValueType::I64, ValueType::I64])
            }
            _ => None,
        }
    }

    pub(crate) fn list(self, types: &[ValueType]) -> Vec<ValueType> {
        types
            .iter()
            .flat_map(|ty| self.integers(*ty).unwrap_or(std::slice::from_ref(ty)))
            .copied()
            .collect()
    }

    /// The type with integers in place of the values, or `None` if it has none of them.
    pub(crate) fn adapted(self, ty: &FunctionType) -> Option<FunctionType> {
        let adapted = FunctionType {
            params: self.list(&ty.params),
            results: self.list(&ty.results),
        };
        (adapted != *ty).then_some(adapted)
    }

    /// The type with integers in place of the values.
    pub(crate) fn whole_or_adapted(self, ty: &FunctionType) -> FunctionType {
        self.adapted(ty).unwrap_or_else(|| ty.clone())
    }

    /// From the integers in locals from `local` on: the value. The local after them.
    pub(crate) fn join(self, ty: ValueType, local: u32, out: &mut InstructionSink<'_>) -> u32 {
        out.local_get(local);
        match (self, ty) {
            (Self::Bits, ValueType::F32) => out.f32_reinterpret_i32(),
            (Self::Bits, ValueType::F64) => out.f64_reinterpret_i64(),
            (Self::Vectors | Self::Bits, ValueType::V128) => {
                out.i64x2_splat().local_get(local + 1).i64x2_replace_lane(1);
                return local + 2;
            }
            _ => out,
        };
        local + 1
    }

    /// From the value in a local: the integers. The local after it.
    pub(crate) fn split(self, ty: ValueType, local: u32, out: &mut InstructionSink<'_>) -> u32 {
        out.local_get(local);
        match (self, ty) {
            (Self::Bits, ValueType::F32) => out.i32_reinterpret_f32(),
            (Self::Bits, ValueType::F64) => out.i64_reinterpret_f64(),
            (Self::Vectors | Self::Bits, ValueType::V128) => out
                .i64x2_extract_lane(0)
                .local_get(local)
                .i64x2_extract_lane(1),
            _ => out,
        };
        local + 1
    }

    /// A function that takes integers, calls `callee` of type `ty` with values, and gives integers.
    fn outside_in(self, ty: &FunctionType, callee: u32) -> Vec<u8> {
        around(
            &self.list(&ty.params),
            ty,
            callee,
            &ty.results,
            Self::join,
            Self::split,
            self,
        )
    }

    /// A function of type `ty` that calls `callee` with integers.
    pub(crate) fn inside_out(self, ty: &FunctionType, callee: u32) -> Vec<u8> {
        around(
            &ty.params,
            ty,
            callee,
            &self.list(&ty.results),
            Self::split,
            Self::join,
            self,
        )
    }
}

/// How a value is put together or taken apart.
type Convert = fn(Crossing, ValueType, u32, &mut InstructionSink<'_>) -> u32;

/// A function with parameters `params` that converts them, calls `callee`, keeps its results in locals of the types
/// `returned`, and converts those. `ty` has the values' own types.
fn around(
    params: &[ValueType],
    ty: &FunctionType,
    callee: u32,
    returned: &[ValueType],
    before: Convert,
    after: Convert,
    crossing: Crossing,
) -> Vec<u8> {
    let mut function = Function::new(returned.iter().map(|&ty| (1, encoded(ty))));
    let out = &mut function.instructions();
    ty.params
        .iter()
        .fold(0, |local, &ty| before(crossing, ty, local, out));
    out.call(callee);
    let kept = params.len() as u32;
    for position in (0..returned.len() as u32).rev() {
        out.local_set(kept + position);
    }
    ty.results
        .iter()
        .fold(kept, |local, &ty| after(crossing, ty, local, out));
    out.end();
    function.into_raw_body()
}

impl Rewriting<'_> {
    /// What crosses between this module and its host as integers.
    pub(super) fn crossing(&self) -> Crossing {
        self.config.adapters.into()
    }

    /// The exported function of this index, with integers for floats and vectors.
    pub(super) fn exact_function(&self, function: u32) -> Vec<u8> {
        self.crossing()
            .outside_in(self.outline.function_type(function), self.export(function))
    }

    /// The imported function of this index as the module knows it; the host's takes integers for vectors.
    pub(super) fn import_adapter(&self, function: u32) -> Vec<u8> {
        Crossing::Vectors.inside_out(self.outline.function_type(function), function)
    }

    /// `() -> integers`: reads the global.
    pub(super) fn exact_get(&self, global: u32) -> Vec<u8> {
        let ty = self.outline.globals[global as usize].value;
        let mut function = Function::new([(1, encoded(ty))]);
        let out = &mut function.instructions();
        out.global_get(global).local_set(0);
        self.crossing().split(ty, 0, out);
        out.end();
        function.into_raw_body()
    }

    /// `(integers) -> ()`: writes the global.
    pub(super) fn exact_set(&self, global: u32) -> Vec<u8> {
        let mut function = Function::new([]);
        let out = &mut function.instructions();
        self.crossing()
            .join(self.outline.globals[global as usize].value, 0, out);
        out.global_set(global).end();
        function.into_raw_body()
    }
}
