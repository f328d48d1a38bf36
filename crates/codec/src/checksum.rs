//! CRC-32/ISO-HDLC, the checksum of zlib and gzip, alone and fused with a copy.

use alloc::vec::Vec;

use crc32fast::Hasher;

/// A block is hashed while it is in the first-level cache. It is also the size up to which the C library copies with
/// vector moves: its `rep movsb` for longer copies is fifteen times slower when the destination lies 1 to 15 bytes ahead
/// of the source within a page, and a payload behind a header of 12 bytes lies exactly so.
const COPY_BLOCK: usize = 2 * 1024;

/// CRC-32/ISO-HDLC of `bytes`; 0 for none.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Copies `from` to the beginning of `to` and returns the checksum of what was copied.
///
/// The bytes are read from memory once: each block is copied, then hashed while it is still in the cache. The hash is of
/// the copy, so that a source which changes meanwhile (a guest's memory) cannot pass with bytes that were not checked.
///
/// # Panics
/// If `to` is shorter than `from`.
pub fn copy_with_checksum(from: &[u8], to: &mut [u8]) -> u32 {
    let to = &mut to[..from.len()];
    let mut hasher = Hasher::new();
    for (source, target) in from.chunks(COPY_BLOCK).zip(to.chunks_mut(COPY_BLOCK)) {
        target.copy_from_slice(source);
        hasher.update(target);
    }
    hasher.finalize()
}

/// Like [`copy_with_checksum`], appending to `to`, whose spare capacity need not be initialised.
pub fn append_with_checksum(from: &[u8], to: &mut Vec<u8>) -> u32 {
    to.reserve(from.len());
    let mut hasher = Hasher::new();
    for source in from.chunks(COPY_BLOCK) {
        let begin = to.len();
        to.extend_from_slice(source);
        hasher.update(&to[begin..]);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn checksum_has_the_standard_check_value() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn copy_is_complete_and_its_checksum_equal_around_block_boundaries() {
        for len in [
            0,
            1,
            COPY_BLOCK - 1,
            COPY_BLOCK,
            COPY_BLOCK + 1,
            3 * COPY_BLOCK + 7,
        ] {
            let from: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            let mut to = vec![0xaa; len + 3];
            assert_eq!(copy_with_checksum(&from, &mut to), checksum(&from));
            assert_eq!(to[..len], from);
            assert_eq!(to[len..], [0xaa; 3]);
            let mut appended = vec![0xaa; 3];
            assert_eq!(append_with_checksum(&from, &mut appended), checksum(&from));
            assert_eq!(appended[..3], [0xaa; 3]);
            assert_eq!(appended[3..], from);
        }
    }
}
