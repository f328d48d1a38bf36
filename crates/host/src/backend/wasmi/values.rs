//! Slots of a call as values of wasmi, and back.

use aingle_wasm_prepare::ValueType;
use wasmi::{AsContextMut, F32, F64, FuncType, Ref, RefType, V128, Val, ValType};

use super::guest::GuestState;
use super::references;
use crate::value::Slot;

/// A slot as a value of this type.
pub(super) fn lower(slot: Slot, ty: ValType, store: impl AsContextMut<Data = GuestState>) -> Val {
    match ty {
        ValType::I32 => Val::I32((slot as u32).cast_signed()),
        ValType::I64 => Val::I64((slot as u64).cast_signed()),
        ValType::F32 => Val::F32(F32::from_bits(slot as u32)),
        ValType::F64 => Val::F64(F64::from_bits(slot as u64)),
        ValType::V128 => Val::V128(V128::from(slot)),
        ValType::FuncRef => references::reference(slot, RefType::Func, store).into(),
        ValType::ExternRef => references::reference(slot, RefType::Extern, store).into(),
    }
}

/// A value as a slot.
pub(super) fn lift(value: &Val, store: impl AsContextMut<Data = GuestState>) -> Slot {
    match value {
        Val::I32(value) => value.cast_unsigned().into(),
        Val::I64(value) => value.cast_unsigned().into(),
        Val::F32(value) => value.to_bits().into(),
        Val::F64(value) => value.to_bits().into(),
        Val::V128(value) => value.as_u128(),
        Val::FuncRef(reference) => references::slot(&Ref::Func(*reference), store),
        Val::ExternRef(reference) => references::slot(&Ref::Extern(*reference), store),
    }
}

pub(super) fn func_type(ty: &aingle_wasm_prepare::FunctionType) -> FuncType {
    let types = |types: &[ValueType]| types.iter().copied().map(value_type).collect::<Vec<_>>();
    FuncType::new(types(&ty.params), types(&ty.results))
}

pub(super) fn value_type(ty: ValueType) -> ValType {
    match ty {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
        ValueType::F32 => ValType::F32,
        ValueType::F64 => ValType::F64,
        ValueType::V128 => ValType::V128,
        ValueType::FuncRef => ValType::FuncRef,
        ValueType::ExternRef => ValType::ExternRef,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmi::{Engine, Store};

    #[test]
    fn bits_survive_in_every_type() {
        let mut store = Store::new(&Engine::default(), GuestState::default());
        let samples = [
            (ValType::I32, 0xffff_ffff),
            (ValType::I64, 0x8000_0000_0000_0001),
            (ValType::F32, 0x7fa0_0001),
            (ValType::F64, 0xfff4_0000_0000_0001),
            (ValType::V128, 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0180),
            (ValType::FuncRef, 0),
            (ValType::ExternRef, 0),
            (ValType::ExternRef, 1),
            (ValType::ExternRef, 1 << 32),
        ];
        for (ty, slot) in samples {
            let value = lower(slot, ty, &mut store);
            assert_eq!(value.ty(), ty);
            assert_eq!(lift(&value, &mut store), slot);
        }
    }

    #[test]
    fn bits_above_a_type_are_ignored() {
        let mut store = Store::new(&Engine::default(), GuestState::default());
        for (ty, bits) in [
            (ValType::I32, 0xffff_ffff),
            (ValType::F64, 0xffff_ffff_ffff_ffff),
        ] {
            let value = lower(!0, ty, &mut store);
            assert_eq!(lift(&value, &mut store), bits);
        }
    }
}
