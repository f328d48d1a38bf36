//! Locals of ours behind a function's own, and what is done with those for NaNs.

use wasm_encoder::{BlockType, Encode, Ieee32, Ieee64, InstructionSink, ValType};

use crate::nan::{Kind, Site};
use crate::operators::Decoder;

/// The canonical NaNs.
const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;

/// Locals of ours, in the order of their indices.
pub(crate) struct Locals {
    first: u32,
    types: Vec<ValType>,
}

impl Locals {
    /// None yet; the first will have this index.
    pub(crate) fn after(first: u32) -> Self {
        Self {
            first,
            types: Vec::new(),
        }
    }

    /// Index of a new local.
    pub(crate) fn add(&mut self, ty: ValType) -> u32 {
        self.types.push(ty);
        self.first + self.types.len() as u32 - 1
    }

    /// Writes the declarations: `own`, the module's with their count, and ours.
    pub(crate) fn declare(&self, own: &[u8], out: &mut Vec<u8>) {
        let mut decoder = Decoder::new(own, 0);
        let groups = decoder.u32().unwrap_or(0);
        (groups + self.types.len() as u32).encode(out);
        out.extend_from_slice(&own[decoder.position()..]);
        for ty in &self.types {
            1_u32.encode(out);
            ty.encode(out);
        }
    }
}

/// A local for each type of which NaNs are made canonical.
pub(crate) struct Scratch {
    f32: Option<u32>,
    f64: Option<u32>,
    v128: Option<u32>,
}

impl Scratch {
    pub(crate) fn new(sites: &[Site], locals: &mut Locals) -> Self {
        let mut local = |kinds: &[Kind], ty| {
            let used = sites.iter().any(|site| kinds.contains(&site.kind));
            used.then(|| locals.add(ty))
        };
        Self {
            f32: local(&[Kind::F32], ValType::F32),
            f64: local(&[Kind::F64], ValType::F64),
            v128: local(&[Kind::F32x4, Kind::F64x2], ValType::V128),
        }
    }

    /// Replaces the value on the stack by the canonical NaN if it is one; in a vector, lane by lane, always without a jump:
    /// asking first whether any lane is one makes V8 faster and Cranelift slower.
    pub(crate) fn canonicalize(&self, kind: Kind, out: &mut InstructionSink<'_>) {
        let local = match kind {
            Kind::F32 => self.f32,
            Kind::F64 => self.f64,
            Kind::F32x4 | Kind::F64x2 => self.v128,
        };
        let Some(local) = local else { return };
        out.local_tee(local);
        match kind {
            // Code generators do this faster than a `select`, and `ge` with one jump where `eq` takes two.
            Kind::F32 => out
                .local_get(local)
                .f32_ge()
                .if_(BlockType::Result(ValType::F32))
                .local_get(local)
                .else_()
                .f32_const(Ieee32::new(NAN_32))
                .end(),
            Kind::F64 => out
                .local_get(local)
                .f64_ge()
                .if_(BlockType::Result(ValType::F64))
                .local_get(local)
                .else_()
                .f64_const(Ieee64::new(NAN_64))
                .end(),
            Kind::F32x4 => out
                .f32_const(Ieee32::new(NAN_32))
                .f32x4_splat()
                .local_get(local)
                .local_get(local)
                .f32x4_eq()
                .v128_bitselect(),
            Kind::F64x2 => out
                .f64_const(Ieee64::new(NAN_64))
                .f64x2_splat()
                .local_get(local)
                .local_get(local)
                .f64x2_eq()
                .v128_bitselect(),
        };
    }
}
