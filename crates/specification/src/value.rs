//! Values as the scripts write them, and the patterns that results are compared with, all as exact bits.

/// A core value. Floats are their bits, so that the payload of a NaN is part of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(u32),
    /// A 64-bit integer.
    I64(u64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A vector, least significant byte first.
    V128([u8; 16]),
    /// A null reference.
    Null(ReferenceType),
    /// A function reference that is not null. Scripts never say which function.
    FuncRef,
    /// A reference to the host's object of this number.
    ExternRef(u32),
}

/// The reference types of WebAssembly 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceType {
    /// `funcref`.
    Func,
    /// `externref`.
    Extern,
}

impl Value {
    /// Whether this is a reference to something, which not every target can pass.
    #[must_use]
    pub const fn is_live_reference(&self) -> bool {
        matches!(self, Self::FuncRef | Self::ExternRef(_))
    }
}

/// What one result must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this value.
    Exactly(Value),
    /// A 32-bit float.
    F32(FloatPattern<u32>),
    /// A 64-bit float.
    F64(FloatPattern<u64>),
    /// A vector of floats.
    V128(VectorPattern),
    /// A null reference of any type.
    AnyNull,
    /// A host object of any number.
    AnyExternRef,
    /// One of several results is right.
    Either(Vec<Expected>),
}

/// What one float must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatPattern<Bits> {
    /// These bits.
    Bits(Bits),
    /// A NaN of either sign whose payload is its highest bit alone.
    CanonicalNan,
    /// A NaN of either sign whose payload has its highest bit set.
    ArithmeticNan,
}

/// What the lanes of a vector must be, lowest lane first. Integer lanes have no patterns: they are an [`Expected::Exactly`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorPattern {
    /// Four 32-bit floats.
    F32x4([FloatPattern<u32>; 4]),
    /// Two 64-bit floats.
    F64x2([FloatPattern<u64>; 2]),
}

impl Expected {
    /// Whether this asks for a reference to something, which not every target can give back.
    #[must_use]
    pub fn is_live_reference(&self) -> bool {
        match self {
            Self::Exactly(value) => value.is_live_reference(),
            Self::AnyExternRef => true,
            Self::Either(cases) => cases.iter().any(Self::is_live_reference),
            Self::F32(_) | Self::F64(_) | Self::V128(_) | Self::AnyNull => false,
        }
    }

    /// Whether `value` is what the script asks for.
    #[must_use]
    pub fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exactly(expected), value) => expected == value,
            (Self::F32(pattern), Value::F32(bits)) => pattern.matches(*bits),
            (Self::F64(pattern), Value::F64(bits)) => pattern.matches(*bits),
            (Self::V128(pattern), Value::V128(bytes)) => pattern.matches(*bytes),
            (Self::AnyNull, Value::Null(_)) | (Self::AnyExternRef, Value::ExternRef(_)) => true,
            (Self::Either(cases), value) => cases.iter().any(|case| case.matches(value)),
            _ => false,
        }
    }
}

impl FloatPattern<u32> {
    /// Whether a 32-bit float with these bits is meant.
    #[must_use]
    pub const fn matches(self, bits: u32) -> bool {
        const CANONICAL: u32 = 0x7fc0_0000;
        match self {
            Self::Bits(expected) => expected == bits,
            Self::CanonicalNan => bits & 0x7fff_ffff == CANONICAL,
            Self::ArithmeticNan => bits & CANONICAL == CANONICAL,
        }
    }
}

impl FloatPattern<u64> {
    /// Whether a 64-bit float with these bits is meant.
    #[must_use]
    pub const fn matches(self, bits: u64) -> bool {
        const CANONICAL: u64 = 0x7ff8_0000_0000_0000;
        match self {
            Self::Bits(expected) => expected == bits,
            Self::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == CANONICAL,
            Self::ArithmeticNan => bits & CANONICAL == CANONICAL,
        }
    }
}

impl VectorPattern {
    /// Whether a vector of these bytes is meant.
    #[must_use]
    pub fn matches(&self, bytes: [u8; 16]) -> bool {
        let bits = u128::from_le_bytes(bytes);
        match self {
            Self::F32x4(lanes) => {
                (0..4).all(|lane| lanes[lane].matches((bits >> (32 * lane)) as u32))
            }
            Self::F64x2(lanes) => {
                (0..2).all(|lane| lanes[lane].matches((bits >> (64 * lane)) as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_patterns_look_at_the_payload_and_not_at_the_sign() {
        for sign in [0, 1 << 31] {
            assert!(FloatPattern::<u32>::CanonicalNan.matches(sign | 0x7fc0_0000));
            assert!(!FloatPattern::<u32>::CanonicalNan.matches(sign | 0x7fc0_0001));
            assert!(FloatPattern::<u32>::ArithmeticNan.matches(sign | 0x7fc0_0001));
            assert!(!FloatPattern::<u32>::ArithmeticNan.matches(sign | 0x7fa0_0000));
            assert!(!FloatPattern::<u32>::ArithmeticNan.matches(sign | 0x7f80_0000));
        }
        for sign in [0, 1 << 63] {
            assert!(FloatPattern::<u64>::CanonicalNan.matches(sign | 0x7ff8_0000_0000_0000));
            assert!(!FloatPattern::<u64>::CanonicalNan.matches(sign | 0x7ff8_0000_0000_0001));
            assert!(FloatPattern::<u64>::ArithmeticNan.matches(sign | 0x7ff8_0000_0000_0001));
            assert!(!FloatPattern::<u64>::ArithmeticNan.matches(sign | 0x7ff4_0000_0000_0000));
        }
    }

    #[test]
    fn zeros_of_different_signs_differ() {
        assert!(!FloatPattern::Bits(0u32).matches((-0.0f32).to_bits()));
        assert!(!Expected::F64(FloatPattern::Bits(0)).matches(&Value::F64((-0.0f64).to_bits())));
    }

    #[test]
    fn every_lane_counts() {
        let pattern = VectorPattern::F32x4([
            FloatPattern::Bits(1),
            FloatPattern::CanonicalNan,
            FloatPattern::Bits(3),
            FloatPattern::ArithmeticNan,
        ]);
        let vector = |lanes: [u32; 4]| {
            let mut bytes = [0; 16];
            for (chunk, lane) in bytes.chunks_mut(4).zip(lanes) {
                chunk.copy_from_slice(&lane.to_le_bytes());
            }
            bytes
        };
        let good = [1, 0xffc0_0000, 3, 0x7fc0_1234];
        assert!(pattern.matches(vector(good)));
        for lane in 0..4 {
            let mut bad = good;
            bad[lane] = 9;
            assert!(!pattern.matches(vector(bad)));
        }
    }

    #[test]
    fn a_result_of_another_type_never_matches() {
        assert!(!Expected::Exactly(Value::I32(1)).matches(&Value::I64(1)));
        assert!(!Expected::F32(FloatPattern::Bits(1)).matches(&Value::I32(1)));
        assert!(!Expected::AnyNull.matches(&Value::ExternRef(0)));
        let either = Expected::Either(vec![
            Expected::Exactly(Value::I32(1)),
            Expected::Exactly(Value::I32(2)),
        ]);
        assert!(either.matches(&Value::I32(2)) && !either.matches(&Value::I32(3)));
    }
}
