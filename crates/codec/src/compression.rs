//! Compressed payloads: a `u32` little-endian uncompressed size, then one LZ4 block.

use alloc::vec::Vec;

use lz4_flex::block;

use crate::error::CodecError;

const SIZE_PREFIX: usize = 4;

/// The largest growth a byte of an LZ4 block can stand for.
const MAX_EXPANSION: u64 = 255;

/// `payload` in compressed form, or `None` if that is not smaller.
pub(crate) fn compress(payload: &[u8]) -> Result<Option<Vec<u8>>, CodecError> {
    let Ok(size) = u32::try_from(payload.len()) else {
        return Err(CodecError::TooLong {
            actual: payload.len(),
        });
    };
    let mut compressed =
        zeroed(SIZE_PREFIX.saturating_add(block::get_maximum_output_size(payload.len())))?;
    compressed[..SIZE_PREFIX].copy_from_slice(&size.to_le_bytes());
    let written = block::compress_into(payload, &mut compressed[SIZE_PREFIX..])
        .map_err(|_| CodecError::Compression)?;
    compressed.truncate(SIZE_PREFIX + written);
    Ok((compressed.len() < payload.len()).then_some(compressed))
}

/// The bytes that were compressed. The size prefix is compared with `limit` before anything is allocated.
pub(crate) fn decompress(compressed: &[u8], limit: usize) -> Result<Vec<u8>, CodecError> {
    let (prefix, lz4) = compressed
        .split_first_chunk::<SIZE_PREFIX>()
        .ok_or(CodecError::Compression)?;
    let size = u32::from_le_bytes(*prefix) as usize;
    if size > limit {
        return Err(CodecError::Limit {
            limit,
            actual: size,
        });
    }
    if !is_plausible(lz4.len(), size) || may_wrap(lz4, size, usize::MAX) {
        return Err(CodecError::Compression);
    }
    let mut payload = zeroed(size)?;
    match block::decompress_into(lz4, &mut payload) {
        Ok(written) if written == size => Ok(payload),
        _ => Err(CodecError::Compression),
    }
}

/// Whether `block` bytes can hold `size` bytes at all, so that a few bytes cannot ask for gigabytes.
fn is_plausible(block: usize, size: usize) -> bool {
    size as u64 <= block as u64 * MAX_EXPANSION
}

/// Whether a length inside the block, added to a position in the output, could pass `max`, the largest `usize`.
///
/// The decoder adds up runs of `0xff` bytes unchecked, which on 32-bit targets wraps for runs of 16 MiB. No encoder
/// writes a run longer than its output needs, so such blocks are refused; on 64-bit targets the first test is always true.
fn may_wrap(block: &[u8], size: usize, max: usize) -> bool {
    let room = ((max - size) as u64 / MAX_EXPANSION).saturating_sub(1);
    if (block.len() as u64) < room {
        return false;
    }
    let runs = block.split(|byte| *byte != 0xff);
    runs.map(|run| run.len() as u64).max() >= Some(room)
}

fn zeroed(len: usize) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(len)
        .map_err(|_| CodecError::OutOfMemory { needed: len })?;
    bytes.resize(len, 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn with_size(size: u32, block: &[u8]) -> Vec<u8> {
        [&size.to_le_bytes(), block].concat()
    }

    #[test]
    fn compressible_payload_comes_back() {
        let payload = b"temperature,".repeat(500);
        let compressed = compress(&payload).unwrap().unwrap();
        assert!(compressed.len() < payload.len() / 10);
        assert_eq!(decompress(&compressed, payload.len()).unwrap(), payload);
    }

    #[test]
    fn payload_that_does_not_shrink_is_left_alone() {
        let noise: Vec<u8> = (0..512_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        assert_eq!(compress(&noise), Ok(None));
        assert_eq!(compress(b""), Ok(None));
    }

    #[test]
    fn size_over_the_limit_is_refused_before_the_block_is_read() {
        let bomb = with_size(u32::MAX, &[0xff; 3]);
        assert_eq!(
            decompress(&bomb, 1000),
            Err(CodecError::Limit {
                limit: 1000,
                actual: u32::MAX as usize
            })
        );
    }

    #[test]
    fn damaged_blocks_are_refused() {
        let payload = vec![7; 4000];
        let compressed = compress(&payload).unwrap().unwrap();
        for (name, damaged) in [
            ("no prefix", compressed[..3].to_vec()),
            ("no block", compressed[..4].to_vec()),
            (
                "one byte missing",
                compressed[..compressed.len() - 1].to_vec(),
            ),
            ("size too large", with_size(4001, &compressed[4..])),
            ("size too small", with_size(3999, &compressed[4..])),
            ("not plausible", with_size(u32::MAX, &compressed[4..])),
        ] {
            assert_eq!(
                decompress(&damaged, usize::MAX),
                Err(CodecError::Compression),
                "{name}"
            );
        }
    }

    #[test]
    fn long_runs_are_refused_where_they_could_wrap() {
        let mut block = vec![0xff; 300];
        assert!(!may_wrap(&block, 0, usize::MAX));
        assert!(may_wrap(&block, 0, 255 * 300));
        block[150] = 0;
        assert!(!may_wrap(&block, 0, 255 * 300));
    }
}
