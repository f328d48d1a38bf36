//! Where inputs and results live between host and guest: a bump allocator that is emptied after each call.
//!
//! It hands out addresses, 32-bit numbers that the host understands, and finds the bytes of an address again. Nothing is
//! read or written here, so there is nothing unsafe.

use alloc::vec::Vec;
use core::ptr::NonNull;

/// Allocations begin at multiples of this.
const ALIGN: usize = 8;
/// Capacity of the first chunk, unless the first allocation is larger.
const FIRST_CHUNK: usize = 16 * 1024;
/// Chunks double up to this capacity; from then on they are this large, or as large as an allocation needs.
const LARGEST_STEP: usize = 1024 * 1024;

/// One block from the global allocator. Its bytes need not be initialised.
#[derive(Debug)]
struct Chunk {
    /// Only pointer and capacity are used.
    bytes: Vec<u8>,
    /// The arena's position at which this chunk begins.
    base: usize,
}

/// Chunks of growing size; only the last one is allocated from.
#[derive(Debug)]
pub(crate) struct Arena {
    chunks: Vec<Chunk>,
    /// Bytes handed out from the last chunk, padding included.
    used: usize,
}

impl Arena {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            used: 0,
        }
    }

    /// The address of `len` fresh bytes, aligned to 8; never 0. `None` if there is no memory for them.
    pub(crate) fn allocate(&mut self, len: usize) -> Option<u32> {
        if let Some(address) = self.bump(len) {
            return Some(address);
        }
        self.grow(len)?;
        self.bump(len)
    }

    /// Takes over `bytes` until they are released or the arena is reset, and returns their address.
    pub(crate) fn adopt(&mut self, bytes: Vec<u8>) -> Option<u32> {
        let len = bytes.len();
        self.push(bytes)?;
        self.used = len;
        self.chunks.last()?.address()
    }

    /// Takes back the `len` bytes at `address` if they were the last to be handed out; others wait for the reset.
    #[cfg(any(target_arch = "wasm32", test))]
    pub(crate) fn deallocate(&mut self, address: u32, len: usize) {
        let last = self.chunks.last();
        if let Some(offset) = last.and_then(|chunk| chunk.offset_of(address))
            && offset.checked_add(len) == Some(self.used)
        {
            self.used = offset;
        }
    }

    /// The position up to which memory has been handed out.
    pub(crate) fn mark(&self) -> u32 {
        u32::try_from(self.position()).unwrap_or(u32::MAX)
    }

    /// Takes back everything that was handed out since `mark`. A mark ahead of the position changes nothing.
    pub(crate) fn release(&mut self, mark: u32) {
        let mark = mark as usize;
        if mark > self.position() {
            return;
        }
        while self.chunks.len() > 1 && self.last_base() > mark {
            self.chunks.pop();
            // Positions of the chunk that becomes the last end at its capacity.
            self.used = self.chunks.last().map_or(0, |chunk| chunk.bytes.capacity());
        }
        self.used = self.used.min(mark.saturating_sub(self.last_base()));
    }

    /// Takes back everything and keeps the largest chunk, so that calls of one size cost one allocation in all.
    pub(crate) fn reset(&mut self) {
        self.used = 0;
        if self.chunks.len() > 1 {
            self.chunks
                .sort_unstable_by_key(|chunk| core::cmp::Reverse(chunk.bytes.capacity()));
            self.chunks.truncate(1);
            self.chunks[0].base = 0;
        }
    }

    /// The `len` bytes at `address`, if all of them are handed out.
    pub(crate) fn locate(&mut self, address: u32, len: usize) -> Option<NonNull<u8>> {
        let last = self.chunks.len().checked_sub(1)?;
        for (index, chunk) in self.chunks.iter_mut().enumerate().rev() {
            let handed_out = if index == last {
                self.used
            } else {
                chunk.bytes.capacity()
            };
            let Some(offset) = chunk.offset_of(address) else {
                continue;
            };
            if offset.checked_add(len).is_some_and(|end| end <= handed_out) {
                return NonNull::new(chunk.bytes.as_mut_ptr().wrapping_add(offset));
            }
        }
        None
    }

    fn bump(&mut self, len: usize) -> Option<u32> {
        let chunk = self.chunks.last()?;
        let padding = chunk.bytes.as_ptr().wrapping_add(self.used);
        let offset = self.used.checked_add(padding.align_offset(ALIGN))?;
        let end = offset.checked_add(len)?;
        if end > chunk.bytes.capacity() {
            return None;
        }
        let address = chunk.address()?.checked_add(u32::try_from(offset).ok()?)?;
        self.used = end;
        Some(address)
    }

    /// Adds a chunk for `len` bytes, with room to spare if there is memory for that.
    fn grow(&mut self, len: usize) -> Option<()> {
        let needed = len.checked_add(ALIGN - 1)?;
        let doubled = match self.chunks.last() {
            Some(chunk) => chunk.bytes.capacity().saturating_mul(2).min(LARGEST_STEP),
            None => FIRST_CHUNK,
        };
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(needed.max(doubled))
            .or_else(|_| bytes.try_reserve_exact(needed))
            .ok()?;
        self.push(bytes)
    }

    fn push(&mut self, bytes: Vec<u8>) -> Option<()> {
        // A gap, so that no position belongs to the end of one chunk and the beginning of the next.
        let base = match self.chunks.last() {
            Some(last) => (last.base + last.bytes.capacity()).next_multiple_of(ALIGN) + ALIGN,
            None => 0,
        };
        self.chunks.try_reserve(1).ok()?;
        self.chunks.push(Chunk { bytes, base });
        self.used = 0;
        Some(())
    }

    fn position(&self) -> usize {
        self.last_base() + self.used
    }

    fn last_base(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.base)
    }
}

impl Chunk {
    /// The address of the first byte: where it is in linear memory.
    #[cfg(target_arch = "wasm32")]
    fn address(&self) -> Option<u32> {
        u32::try_from(self.bytes.as_ptr().expose_provenance()).ok()
    }

    /// The address of the first byte: elsewhere than on wasm32 pointers do not fit, so positions stand for them, moved so
    /// that none is 0.
    #[cfg(not(target_arch = "wasm32"))]
    fn address(&self) -> Option<u32> {
        u32::try_from(self.base + ALIGN).ok()
    }

    fn offset_of(&self, address: u32) -> Option<usize> {
        Some(address.checked_sub(self.address()?)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn capacities(arena: &Arena) -> Vec<usize> {
        arena.chunks.iter().map(|c| c.bytes.capacity()).collect()
    }

    #[test]
    fn allocations_are_aligned_distinct_and_found_again() {
        let mut arena = Arena::new();
        let first = arena.allocate(3).unwrap();
        let second = arena.allocate(0).unwrap();
        let third = arena.allocate(100_000).unwrap();
        assert!(first != 0 && second == first + 8 && third > second);
        for (address, len) in [(first, 3), (second, 0), (third, 100_000)] {
            let found = arena.locate(address, len).unwrap();
            assert_eq!(found.as_ptr().align_offset(ALIGN), 0);
        }
        assert!(arena.locate(third + 99_999, 1).is_some());
    }

    #[test]
    fn only_memory_that_was_handed_out_is_found() {
        let mut arena = Arena::new();
        assert!(arena.locate(8, 0).is_none());
        let address = arena.allocate(16).unwrap();
        assert!(arena.locate(address, 17).is_none());
        assert!(arena.locate(address + 17, 0).is_none());
        assert!(arena.locate(address - 1, 1).is_none());
        assert!(arena.locate(address, usize::MAX).is_none());
        assert!(arena.locate(u32::MAX, 1).is_none());
    }

    #[test]
    fn impossible_allocation_fails_and_leaves_the_arena_usable() {
        let mut arena = Arena::new();
        let before = arena.allocate(1).unwrap();
        assert_eq!(arena.allocate(usize::MAX), None);
        assert_eq!(arena.allocate(isize::MAX as usize), None);
        assert_eq!(arena.allocate(1), Some(before + 8));
    }

    #[test]
    fn reset_keeps_the_largest_chunk_and_reuses_it() {
        let mut arena = Arena::new();
        arena.allocate(10).unwrap();
        arena.allocate(3_000_000).unwrap();
        arena.adopt(Vec::with_capacity(5)).unwrap();
        assert_eq!(arena.chunks.len(), 3);
        arena.reset();
        assert_eq!(capacities(&arena), [3_000_007]);
        for _ in 0..100 {
            arena.allocate(3_000_000).unwrap();
            arena.reset();
        }
        assert_eq!(capacities(&arena), [3_000_007]);
        assert_eq!(arena.mark(), 0);
    }

    #[test]
    fn last_allocation_can_be_taken_back_and_no_other() {
        let mut arena = Arena::new();
        let first = arena.allocate(8).unwrap();
        let second = arena.allocate(8).unwrap();
        arena.deallocate(first, 8);
        assert_eq!(arena.allocate(8), Some(second + 8));
        arena.deallocate(second + 8, 8);
        arena.deallocate(second, 8);
        assert_eq!(arena.allocate(8), Some(second));
        arena.deallocate(0, 8);
        arena.deallocate(u32::MAX, usize::MAX);
        assert_eq!(arena.allocate(8), Some(second + 8));
    }

    #[test]
    fn release_goes_back_to_the_mark_across_chunks() {
        let mut arena = Arena::new();
        arena.allocate(FIRST_CHUNK).unwrap();
        let mark = arena.mark();
        let address = arena.allocate(100).unwrap();
        arena.allocate(2_000_000).unwrap();
        arena.release(mark);
        assert_eq!(arena.mark(), mark);
        assert!(arena.locate(address, 1).is_none());
        arena.release(mark + 1);
        assert_eq!(arena.mark(), mark);
        arena.release(0);
        assert_eq!(arena.mark(), 0);
        assert_eq!(arena.chunks.len(), 1);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Allocate(usize),
        Adopt(usize),
        Mark,
        Release,
        Reset,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0..40_000_usize).prop_map(Step::Allocate),
            1 => (1..5_000_usize).prop_map(Step::Adopt),
            2 => Just(Step::Mark),
            2 => Just(Step::Release),
            1 => Just(Step::Reset),
        ];
        vec(step, 0..60)
    }

    proptest! {
        /// A model of live ranges: no two overlap, all are found, and a release ends exactly those made since its mark.
        #[test]
        fn live_ranges_never_overlap(steps in steps()) {
            let mut arena = Arena::new();
            let mut live: Vec<(u32, usize)> = Vec::new();
            let mut marks: Vec<(u32, usize)> = Vec::new();
            for step in steps {
                match step {
                    Step::Allocate(len) => live.push((arena.allocate(len).unwrap(), len)),
                    Step::Adopt(len) => live.push((arena.adopt(alloc::vec![0; len]).unwrap(), len)),
                    Step::Mark => marks.push((arena.mark(), live.len())),
                    Step::Release => if let Some((mark, count)) = marks.pop() {
                        arena.release(mark);
                        prop_assert_eq!(arena.mark(), mark);
                        live.truncate(count);
                    },
                    Step::Reset => {
                        arena.reset();
                        live.clear();
                        marks.clear();
                    }
                }
                let mut sorted: Vec<_> = live.iter().filter(|(_, len)| *len > 0).collect();
                sorted.sort();
                for pair in sorted.windows(2) {
                    prop_assert!(pair[0].0 as usize + pair[0].1 <= pair[1].0 as usize);
                }
                for (address, len) in &live {
                    prop_assert!(arena.locate(*address, *len).is_some());
                }
            }
        }
    }
}
