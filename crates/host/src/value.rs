//! Core WebAssembly values as they cross between guest and host.

use aingle_wasm_prepare::ValueType;

/// One core value. Floats are carried as their bits, so that the payload of a NaN survives the crossing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A 32-bit integer; the sign is the reader's choice.
    I32(i32),
    /// A 64-bit integer; the sign is the reader's choice.
    I64(i64),
    /// The bits of a 32-bit float; see [`f32::from_bits`].
    F32(u32),
    /// The bits of a 64-bit float; see [`f64::from_bits`].
    F64(u64),
    /// A vector, least significant byte first.
    V128([u8; 16]),
    /// The null function reference, the only one that crosses so far.
    NullFuncRef,
    /// The null external reference, the only one that crosses so far.
    NullExternRef,
}

impl Value {
    /// The core type of this value.
    #[must_use]
    pub const fn ty(&self) -> ValueType {
        match self {
            Self::I32(_) => ValueType::I32,
            Self::I64(_) => ValueType::I64,
            Self::F32(_) => ValueType::F32,
            Self::F64(_) => ValueType::F64,
            Self::V128(_) => ValueType::V128,
            Self::NullFuncRef => ValueType::FuncRef,
            Self::NullExternRef => ValueType::ExternRef,
        }
    }

    /// The zero or null of a type.
    #[must_use]
    pub const fn zero(ty: ValueType) -> Self {
        match ty {
            ValueType::I32 => Self::I32(0),
            ValueType::I64 => Self::I64(0),
            ValueType::F32 => Self::F32(0),
            ValueType::F64 => Self::F64(0),
            ValueType::V128 => Self::V128([0; 16]),
            ValueType::FuncRef => Self::NullFuncRef,
            ValueType::ExternRef => Self::NullExternRef,
        }
    }

    /// The value as an engine's untyped slot.
    pub(crate) const fn to_slot(self) -> Slot {
        match self {
            Self::I32(value) => value.cast_unsigned() as Slot,
            Self::I64(value) => value.cast_unsigned() as Slot,
            Self::F32(bits) => bits as Slot,
            Self::F64(bits) => bits as Slot,
            Self::V128(bytes) => Slot::from_le_bytes(bytes),
            Self::NullFuncRef | Self::NullExternRef => 0,
        }
    }

    /// Reads an engine's untyped slot; `None` for a reference that is not null. Bits above the type's width are ignored.
    pub(crate) const fn from_slot(slot: Slot, ty: ValueType) -> Option<Self> {
        Some(match ty {
            ValueType::I32 => Self::I32((slot as u32).cast_signed()),
            ValueType::I64 => Self::I64((slot as u64).cast_signed()),
            ValueType::F32 => Self::F32(slot as u32),
            ValueType::F64 => Self::F64(slot as u64),
            ValueType::V128 => Self::V128(slot.to_le_bytes()),
            ValueType::FuncRef if slot as u64 == 0 => Self::NullFuncRef,
            ValueType::ExternRef if slot as u64 == 0 => Self::NullExternRef,
            ValueType::FuncRef | ValueType::ExternRef => return None,
        })
    }
}

/// An untyped value in a call: the bits of the value, least significant first, wide enough for a vector.
pub(crate) type Slot = u128;

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::I32(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::F32(value.to_bits())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value.to_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [Value; 9] = [
        Value::I32(-1),
        Value::I32(i32::MIN),
        Value::I64(i64::MIN),
        Value::F32(0x7fa0_0001),
        Value::F64(0xfff4_0000_0000_0001),
        Value::V128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]),
        Value::NullFuncRef,
        Value::NullExternRef,
        Value::I64(-1),
    ];

    #[test]
    fn values_survive_a_slot_bit_by_bit() {
        for value in SAMPLES {
            assert_eq!(Value::from_slot(value.to_slot(), value.ty()), Some(value));
        }
    }

    #[test]
    fn bits_above_a_type_are_ignored_and_live_references_refused() {
        assert_eq!(Value::from_slot(!0, ValueType::I32), Some(Value::I32(-1)));
        assert_eq!(Value::from_slot(!0, ValueType::FuncRef), None);
        assert_eq!(
            Value::from_slot(1 << 64, ValueType::ExternRef),
            Some(Value::NullExternRef)
        );
    }
}
