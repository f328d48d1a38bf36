//! Core WebAssembly values as they cross between guest and host.

use aingle_wasm_prepare::ValueType;

use crate::backend::Guest;

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
    /// A reference to a function, or the null one.
    FuncRef(Option<FunctionRef>),
    /// A reference to something of the host's, by a number that the host chooses, or the null one. The guest can pass and
    /// keep the number, neither read nor make one.
    ExternRef(Option<u32>),
}

/// A function as a reference means it, numbered from 0 by the instance that gave it: first the functions that the instance
/// was made with, then others as they come up. In another instance the number means another function, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionRef(u32);

impl FunctionRef {
    /// The reference of a number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The number of this reference.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
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
            Self::FuncRef(_) => ValueType::FuncRef,
            Self::ExternRef(_) => ValueType::ExternRef,
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
            ValueType::FuncRef => Self::FuncRef(None),
            ValueType::ExternRef => Self::ExternRef(None),
        }
    }

    /// The value as a slot of this guest; `None` for a function that it does not have.
    pub(crate) fn lower(self, guest: &dyn Guest) -> Option<Slot> {
        Some(match self {
            Self::I32(value) => value.cast_unsigned() as Slot,
            Self::I64(value) => value.cast_unsigned() as Slot,
            Self::F32(bits) => bits as Slot,
            Self::F64(bits) => bits as Slot,
            Self::V128(bytes) => Slot::from_le_bytes(bytes),
            Self::FuncRef(None) => 0,
            Self::FuncRef(Some(function)) => return guest.function_slot(function),
            Self::ExternRef(number) => extern_slot(number),
        })
    }

    /// Reads a slot of this guest. Bits above the type's width are ignored.
    pub(crate) fn lift(slot: Slot, ty: ValueType, guest: &mut dyn Guest) -> Self {
        match ty {
            ValueType::I32 => Self::I32((slot as u32).cast_signed()),
            ValueType::I64 => Self::I64((slot as u64).cast_signed()),
            ValueType::F32 => Self::F32(slot as u32),
            ValueType::F64 => Self::F64(slot as u64),
            ValueType::V128 => Self::V128(slot.to_le_bytes()),
            ValueType::FuncRef if slot as u64 == 0 => Self::FuncRef(None),
            ValueType::FuncRef => Self::FuncRef(Some(guest.function_of(slot))),
            ValueType::ExternRef => Self::ExternRef(extern_number(slot)),
        }
    }
}

/// A slot for a reference to something of the host's: 0 for null, else the number plus 1.
pub(crate) fn extern_slot(number: Option<u32>) -> Slot {
    number.map_or(0, |number| Slot::from(number) + 1)
}

/// The number in such a slot.
pub(crate) fn extern_number(slot: Slot) -> Option<u32> {
    (slot as u64).checked_sub(1).map(|number| number as u32)
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

    #[test]
    fn numbers_of_host_values_survive_a_slot() {
        for number in [None, Some(0), Some(7), Some(u32::MAX)] {
            assert_eq!(extern_number(extern_slot(number)), number);
        }
        assert_eq!(extern_number(1 << 64), None);
    }
}
