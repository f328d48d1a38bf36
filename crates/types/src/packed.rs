//! The `u64` that guest exports and host imports return: pointer in the high half, length in the low half, bit 63 = error.

/// A packed pointer and length with an error mark.
///
/// Bit 63 doubles as the top bit of the pointer, so memories used with this convention stay below 2 GiB and a pointer
/// has 31 bits. In JavaScript the value arrives as a signed `BigInt`; [`PackedResult::from_i64`] takes it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedResult(u64);

const ERROR_BIT: u64 = 1 << 63;
const POINTER_MASK: u32 = 0x7fff_ffff;

impl PackedResult {
    /// Success with no output.
    pub const EMPTY: Self = Self(0);

    /// A successful result: `len` bytes at `ptr`, header included. `ptr` is below 2^31; a higher bit is dropped.
    #[must_use]
    pub const fn ok(ptr: u32, len: u32) -> Self {
        Self(((ptr & POINTER_MASK) as u64) << 32 | len as u64)
    }

    /// An error result: `len` bytes at `ptr`, header included; 0 bytes = an error without a message.
    #[must_use]
    pub const fn err(ptr: u32, len: u32) -> Self {
        Self(Self::ok(ptr, len).0 | ERROR_BIT)
    }

    /// Takes the raw value.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Takes the raw value from where `u64` is signed (core WebAssembly `i64`).
    #[must_use]
    pub const fn from_i64(raw: i64) -> Self {
        Self(raw.cast_unsigned())
    }

    /// The raw value.
    #[must_use]
    pub const fn into_raw(self) -> u64 {
        self.0
    }

    /// Whether bit 63 is set.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 & ERROR_BIT != 0
    }

    /// The pointer, without the error mark.
    #[must_use]
    pub const fn ptr(self) -> u32 {
        (self.0 >> 32) as u32 & POINTER_MASK
    }

    /// The length in bytes.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a length in a packed word, not a collection"
    )]
    pub const fn len(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_is_the_high_half() {
        let packed = PackedResult::ok(0x1234_5678, 0x1000);
        assert_eq!(packed.into_raw(), 0x1234_5678_0000_1000);
        assert_eq!((packed.ptr(), packed.len()), (0x1234_5678, 0x1000));
        assert!(!packed.is_error());
    }

    #[test]
    fn error_mark_is_bit_63_and_not_part_of_the_pointer() {
        let packed = PackedResult::err(0x7fff_ffff, u32::MAX);
        assert!(packed.is_error());
        assert_eq!((packed.ptr(), packed.len()), (0x7fff_ffff, u32::MAX));
        assert_eq!(packed, PackedResult::from_i64(-1));
    }

    #[test]
    fn a_success_never_carries_the_error_mark() {
        assert!(!PackedResult::ok(u32::MAX, 0).is_error());
        assert_eq!(PackedResult::EMPTY, PackedResult::ok(0, 0));
    }
}
