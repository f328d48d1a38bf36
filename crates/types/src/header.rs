//! The 12-byte envelope header. All fields are little-endian.

use crate::flags;

/// Magic number; on the wire its bytes are `49 41`.
pub const MAGIC: u16 = 0x4149;
/// The only envelope version.
pub const VERSION: u8 = 1;
/// Bytes of an encoded header.
pub const HEADER_LEN: usize = 12;

/// The variable fields of an envelope header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bits of [`flags`].
    pub flags: u8,
    /// Bytes that follow the header.
    pub payload_len: u32,
    /// CRC-32/ISO-HDLC of the payload bytes as sent; 0 for an empty payload.
    pub checksum: u32,
}

/// Why twelve bytes are not the header of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The first two bytes are not [`MAGIC`]; `0x4941` is the magic with its bytes swapped.
    Magic {
        /// The first two bytes, read little-endian.
        actual: u16,
    },
    /// The version byte is not [`VERSION`].
    Version {
        /// The version byte.
        actual: u8,
    },
    /// A flag bit outside [`flags::ALL`] is set.
    Flags {
        /// The flags byte.
        actual: u8,
    },
}

impl Header {
    /// The bytes of this header, [`MAGIC`] and [`VERSION`] included. Flags are written as given.
    #[must_use]
    pub const fn encode(&self) -> [u8; HEADER_LEN] {
        let [m0, m1] = MAGIC.to_le_bytes();
        let [l0, l1, l2, l3] = self.payload_len.to_le_bytes();
        let [c0, c1, c2, c3] = self.checksum.to_le_bytes();
        [m0, m1, VERSION, self.flags, l0, l1, l2, l3, c0, c1, c2, c3]
    }

    /// Reads a header, checking magic, version and flags in this order. Length and checksum are the caller's to compare.
    ///
    /// # Errors
    /// - [`HeaderError::Magic`], [`HeaderError::Version`], [`HeaderError::Flags`]: the first field that is wrong.
    pub const fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Self, HeaderError> {
        let [m0, m1, version, flags, l0, l1, l2, l3, c0, c1, c2, c3] = *bytes;
        let magic = u16::from_le_bytes([m0, m1]);
        if magic != MAGIC {
            return Err(HeaderError::Magic { actual: magic });
        }
        if version != VERSION {
            return Err(HeaderError::Version { actual: version });
        }
        if flags & !flags::ALL != 0 {
            return Err(HeaderError::Flags { actual: flags });
        }
        Ok(Self {
            flags,
            payload_len: u32::from_le_bytes([l0, l1, l2, l3]),
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Header = Header {
        flags: flags::EXPECTS_RESPONSE,
        payload_len: 9,
        checksum: 0xcbf4_3926,
    };
    const SAMPLE_BYTES: [u8; HEADER_LEN] = [0x49, 0x41, 1, 4, 9, 0, 0, 0, 0x26, 0x39, 0xf4, 0xcb];

    #[test]
    fn header_has_the_documented_bytes_and_reads_back() {
        assert_eq!(SAMPLE.encode(), SAMPLE_BYTES);
        assert_eq!(Header::decode(&SAMPLE_BYTES), Ok(SAMPLE));
    }

    #[test]
    fn first_wrong_field_is_reported() {
        let with = |index: usize, value: u8| {
            let mut bytes = SAMPLE_BYTES;
            bytes[index] = value;
            Header::decode(&bytes)
        };
        assert_eq!(with(0, 0x48), Err(HeaderError::Magic { actual: 0x4148 }));
        assert_eq!(with(2, 0), Err(HeaderError::Version { actual: 0 }));
        assert_eq!(with(2, 2), Err(HeaderError::Version { actual: 2 }));
        assert_eq!(with(3, 0x14), Err(HeaderError::Flags { actual: 0x14 }));
        let mut all_wrong = SAMPLE_BYTES;
        all_wrong[..4].copy_from_slice(&[0x41, 0x49, 9, 0xff]);
        assert_eq!(
            Header::decode(&all_wrong),
            Err(HeaderError::Magic {
                actual: MAGIC.swap_bytes()
            })
        );
    }
}
