//! The bytes behind addresses: the one place where the kit reads and writes through pointers.
//!
//! An address is only followed after the arena, or the call buffer, has confirmed that the whole range is handed out; so
//! these functions are safe to call with any number. What the host wrote there is plain bytes.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::ptr::NonNull;

use crate::arena::Arena;

#[cfg(target_arch = "wasm32")]
mod single_thread {
    //! Statics of a module with one thread and no `std`.

    /// A value that only one thread exists to use.
    pub(super) struct SingleThread<T>(pub(super) T);

    // SAFETY: the crate does not compile with the `atomics` target feature, and without it a wasm32 module has one thread.
    unsafe impl<T> Sync for SingleThread<T> {}
}

#[cfg(target_arch = "wasm32")]
fn with_arena<R>(work: impl FnOnce(&mut Arena) -> R) -> R {
    static ARENA: single_thread::SingleThread<RefCell<Arena>> =
        single_thread::SingleThread(RefCell::new(Arena::new()));
    work(&mut ARENA.0.borrow_mut())
}

#[cfg(not(target_arch = "wasm32"))]
fn with_arena<R>(work: impl FnOnce(&mut Arena) -> R) -> R {
    std::thread_local! {
        static ARENA: RefCell<Arena> = const { RefCell::new(Arena::new()) };
    }
    ARENA.with_borrow_mut(work)
}

/// See [`Arena::allocate`].
pub(crate) fn allocate(len: usize) -> Option<u32> {
    with_arena(|arena| arena.allocate(len))
}

/// See [`Arena::adopt`].
pub(crate) fn adopt(bytes: Vec<u8>) -> Option<u32> {
    with_arena(|arena| arena.adopt(bytes))
}

/// See [`Arena::deallocate`].
#[cfg(target_arch = "wasm32")]
pub(crate) fn deallocate(address: u32, len: usize) {
    with_arena(|arena| arena.deallocate(address, len));
}

/// See [`Arena::mark`].
pub(crate) fn mark() -> u32 {
    with_arena(|arena| arena.mark())
}

/// See [`Arena::release`].
pub(crate) fn release(mark: u32) {
    with_arena(|arena| arena.release(mark));
}

/// See [`Arena::reset`].
pub(crate) fn reset() {
    with_arena(Arena::reset);
}

/// The `len` bytes at `address`, or `None` if they are not all in the arena or the call buffer.
///
/// They stay what they are until the arena is reset or released, which happens only when the host, or the caller of
/// [`release`], is done with the call they belong to.
pub(crate) fn read(address: u32, len: u32) -> Option<&'static [u8]> {
    let len = len as usize;
    let bytes = locate(address, len)?;
    // SAFETY: the range is handed out, so it lies within one live allocation (or the call buffer); its pointer left the
    // module as a number, and whoever asked for the range has filled it. It is not freed before reset or release.
    Some(unsafe { core::slice::from_raw_parts(bytes.as_ptr(), len) })
}

/// Copies `bytes` to `address`. Returns whether the range was handed out; if not, nothing is written.
#[must_use]
pub(crate) fn write(address: u32, bytes: &[u8]) -> bool {
    let Some(target) = locate(address, bytes.len()) else {
        return false;
    };
    // SAFETY: the range is handed out, so it lies within one live allocation of at least this length. `bytes` may lie in
    // the arena as well, which `copy` allows.
    unsafe { core::ptr::copy(bytes.as_ptr(), target.as_ptr(), bytes.len()) };
    true
}

#[cfg(target_arch = "wasm32")]
fn locate(address: u32, len: usize) -> Option<NonNull<u8>> {
    call_buffer::locate(address, len).or_else(|| with_arena(|arena| arena.locate(address, len)))
}

#[cfg(not(target_arch = "wasm32"))]
fn locate(address: u32, len: usize) -> Option<NonNull<u8>> {
    with_arena(|arena| arena.locate(address, len))
}

#[cfg(target_arch = "wasm32")]
pub(crate) mod call_buffer {
    //! A fixed place for inputs that fit, so that small calls need no allocation.

    use core::cell::UnsafeCell;
    use core::ptr::NonNull;

    use aingle_wasm_types::HEADER_LEN;

    use super::single_thread::SingleThread;

    /// Holds the envelope of a payload of 64 KiB. Never written by the module itself, so it costs pages only when used.
    pub(crate) const CAPACITY: usize = (64 * 1024 + HEADER_LEN).next_multiple_of(8);

    static BYTES: SingleThread<UnsafeCell<[u64; CAPACITY / 8]>> =
        SingleThread(UnsafeCell::new([0; CAPACITY / 8]));

    pub(crate) fn address() -> u32 {
        BYTES.0.get().expose_provenance() as u32
    }

    pub(super) fn locate(address: u32, len: usize) -> Option<NonNull<u8>> {
        let offset = address.checked_sub(self::address())? as usize;
        if offset.checked_add(len)? > CAPACITY {
            return None;
        }
        NonNull::new(BYTES.0.get().cast::<u8>().wrapping_add(offset))
    }
}
