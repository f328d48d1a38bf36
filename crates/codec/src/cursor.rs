//! A cursor over little-endian structured data, for payloads that are not worth a format of their own.

use alloc::vec::Vec;
use core::fmt;

/// Fewer bytes are left than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfInput {
    /// Bytes asked for.
    pub needed: usize,
    /// Bytes left.
    pub remaining: usize,
}

impl fmt::Display for EndOfInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes needed, {} are left",
            self.needed, self.remaining
        )
    }
}

impl core::error::Error for EndOfInput {}

/// Appends numbers and bytes to a growing buffer.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

/// Takes numbers and bytes from the front of a slice.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    position: usize,
}

macro_rules! numbers {
    ($($number:ident $write:ident $read:ident),+ $(,)?) => {
        impl Encoder {
            $(
                #[doc = concat!("Appends a `", stringify!($number), "`.")]
                pub fn $write(&mut self, value: $number) -> &mut Self {
                    self.write_bytes(&value.to_le_bytes())
                }
            )+
        }

        impl Decoder<'_> {
            $(
                #[doc = concat!("Takes a `", stringify!($number), "`.")]
                ///
                /// # Errors
                /// - [`EndOfInput`] if fewer bytes are left; the position stays.
                pub fn $read(&mut self) -> Result<$number, EndOfInput> {
                    self.take_array().map($number::from_le_bytes)
                }
            )+
        }
    };
}

numbers!(
    u8 write_u8 read_u8, u16 write_u16 read_u16, u32 write_u32 read_u32, u64 write_u64 read_u64,
    i8 write_i8 read_i8, i16 write_i16 read_i16, i32 write_i32 read_i32, i64 write_i64 read_i64,
    f32 write_f32 read_f32, f64 write_f64 read_f64,
);

impl Encoder {
    /// An empty encoder.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// An empty encoder with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
        }
    }

    /// Appends bytes as they are.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Gives out what was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl<'a> Decoder<'a> {
    /// A decoder at the beginning of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Takes `len` bytes.
    ///
    /// # Errors
    /// - [`EndOfInput`] if fewer bytes are left; the position stays.
    pub fn read_bytes(&mut self, len: usize) -> Result<&'a [u8], EndOfInput> {
        let remaining = self.remaining_slice();
        let taken = remaining.get(..len).ok_or(EndOfInput {
            needed: len,
            remaining: remaining.len(),
        })?;
        self.position += len;
        Ok(taken)
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// What is left, without taking it.
    #[must_use]
    pub fn remaining_slice(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], EndOfInput> {
        let mut array = [0; N];
        array.copy_from_slice(self.read_bytes(N)?);
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian_and_read_back() {
        let mut encoder = Encoder::new();
        encoder
            .write_u8(1)
            .write_u16(0x0203)
            .write_i32(-2)
            .write_f64(1.5);
        encoder.write_bytes(b"end");
        assert_eq!(encoder.position(), 18);
        let bytes = encoder.finish();
        assert_eq!(bytes[..7], [1, 3, 2, 0xfe, 0xff, 0xff, 0xff]);

        let mut decoder = Decoder::new(&bytes);
        assert_eq!(decoder.read_u8(), Ok(1));
        assert_eq!(decoder.read_u16(), Ok(0x0203));
        assert_eq!(decoder.read_i32(), Ok(-2));
        assert_eq!(decoder.read_f64(), Ok(1.5));
        assert_eq!((decoder.position(), decoder.remaining()), (15, 3));
        assert_eq!(decoder.remaining_slice(), b"end");
    }

    #[test]
    fn reading_past_the_end_takes_nothing() {
        let mut decoder = Decoder::new(&[1, 2, 3]);
        let error = EndOfInput {
            needed: 4,
            remaining: 3,
        };
        assert_eq!(decoder.read_u32(), Err(error));
        assert_eq!(
            decoder.read_bytes(usize::MAX).unwrap_err().needed,
            usize::MAX
        );
        assert_eq!(decoder.read_u16(), Ok(0x0201));
        assert_eq!(decoder.read_bytes(1), Ok(&[3][..]));
        assert_eq!(decoder.read_bytes(0), Ok(&[][..]));
    }
}
