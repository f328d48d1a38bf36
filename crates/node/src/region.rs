//! Buffers that JavaScript made and Rust writes: numbers and small results cross in them, without an object a call.

use std::ptr;
use std::sync::Arc;

use crate::dispatcher::Dispatcher;
use crate::error::Failure;
use crate::js::{Js, Local};
use crate::reference::JsRef;

/// The bytes of one typed array, kept alive. Read and written on the JavaScript thread only.
pub(crate) struct Region {
    data: *mut u8,
    length: usize,
    _array: JsRef,
}

impl Region {
    /// Takes a typed array that `native.ts` made on a fresh `ArrayBuffer` and shows to nobody.
    pub(crate) fn new(js: Js, array: Local, dispatcher: &Arc<Dispatcher>) -> Result<Self, Failure> {
        let (data, length) = js.typed_array(array)?;
        Ok(Self {
            data,
            length,
            _array: JsRef::new(js, array, dispatcher)?,
        })
    }

    /// Bytes of room.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Copies `bytes` to `offset`; false if there is no room.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> bool {
        if offset
            .checked_add(bytes.len())
            .is_none_or(|end| end > self.length)
        {
            return false;
        }
        // SAFETY: the range lies in the array's buffer, which `_array` keeps alive, which nobody detaches, and which no
        // Rust reference points into (`bytes` is the guest's memory or our own).
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.data.add(offset), bytes.len()) };
        true
    }

    /// Writes 64-bit words from the word `index` on; false if there is no room.
    pub(crate) fn write_words(&self, index: usize, words: &[Word]) -> bool {
        words
            .iter()
            .zip(index..)
            .all(|(word, index)| self.write(index * 8, &word.to_bytes()))
    }

    /// The 64-bit word at `index`, which must be inside.
    pub(crate) fn word(&self, index: usize) -> [u8; 8] {
        assert!((index + 1) * 8 <= self.length, "a word of the region");
        // SAFETY: as in `write`; a region is read on the JavaScript thread, where nothing writes it meanwhile.
        unsafe { self.data.add(index * 8).cast::<[u8; 8]>().read() }
    }

    /// The word at `index` as a number that JavaScript wrote.
    pub(crate) fn number(&self, index: usize) -> f64 {
        f64::from_ne_bytes(self.word(index))
    }

    /// The first `length` bytes, or as many as there are.
    ///
    /// # Safety
    /// No JavaScript runs and nothing is written to this region while the slice is used.
    pub(crate) unsafe fn prefix(&self, length: usize) -> &[u8] {
        // SAFETY: as in `write`; by the contract the bytes do not change meanwhile.
        unsafe { std::slice::from_raw_parts(self.data, length.min(self.length)) }
    }
}

/// A 64-bit word of a region: a number, or an exact count that JavaScript reads as a bigint.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    Number(f64),
    Exact(u64),
}

impl Word {
    fn to_bytes(self) -> [u8; 8] {
        match self {
            Self::Number(number) => number.to_ne_bytes(),
            Self::Exact(count) => count.to_ne_bytes(),
        }
    }
}
