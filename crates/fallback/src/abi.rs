//! The functions that JavaScript sees. Pointers and lengths come from our own JavaScript, never from a guest.

use crate::answer::Answer;
use crate::operations;

/// Bytes for an argument, to be filled by JavaScript; null when there is no memory for them.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(len: usize) -> *mut u8 {
    let mut bytes: Vec<u8> = Vec::new();
    if bytes.try_reserve_exact(len).is_err() {
        return std::ptr::null_mut();
    }
    bytes.resize(len, 0);
    Box::into_raw(bytes.into_boxed_slice()).cast()
}

/// Gives back what [`allocate`] returned.
///
/// # Safety
/// `ptr` must come from [`allocate`] with the same `len`, not be null and not be given back twice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(ptr: *mut u8, len: usize) {
    // SAFETY: by this function's contract, the pointer and length are those of a box made by `allocate`.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr, len)) });
}

/// Prepares a module: part 0 is the prepared module, part 1 its description as JSON.
///
/// # Safety
/// Both ranges must come from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prepare(
    wasm: *const u8,
    wasm_len: usize,
    config: *const u8,
    config_len: usize,
) -> *mut Answer {
    // SAFETY: by this function's contract both are whole, initialised allocations that nobody writes meanwhile.
    let (wasm, config) = unsafe { (slice(wasm, wasm_len), slice(config, config_len)) };
    boxed(operations::prepare(wasm, config))
}

/// Leads back from what [`prepare`] makes of the same module: part 0 is the words of an `OffsetMap`.
///
/// # Safety
/// Both ranges must come from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn offset_map(
    wasm: *const u8,
    wasm_len: usize,
    config: *const u8,
    config_len: usize,
) -> *mut Answer {
    // SAFETY: by this function's contract both are whole, initialised allocations that nobody writes meanwhile.
    let (wasm, config) = unsafe { (slice(wasm, wasm_len), slice(config, config_len)) };
    boxed(operations::offset_map(wasm, config))
}

/// Makes a bridge for function references: part 0 is a module. `calls` is not 0 for one that calls them.
///
/// # Safety
/// The range must come from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bridge(calls: u32, ty: *const u8, len: usize) -> *mut Answer {
    // SAFETY: by this function's contract it is a whole, initialised allocation that nobody writes meanwhile.
    let ty = unsafe { slice(ty, len) };
    boxed(operations::make_bridge(calls != 0, ty))
}

/// Makes an envelope: part 0.
///
/// # Safety
/// The range must come from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn encode(
    payload: *const u8,
    len: usize,
    flags: u32,
    compress: u32,
) -> *mut Answer {
    // SAFETY: by this function's contract it is a whole, initialised allocation that nobody writes meanwhile.
    let payload = unsafe { slice(payload, len) };
    boxed(operations::encode(payload, flags as u8, compress != 0))
}

/// Opens an envelope: part 0 is the payload.
///
/// # Safety
/// The range must come from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn decode(envelope: *const u8, len: usize, max_bytes: usize) -> *mut Answer {
    // SAFETY: by this function's contract it is a whole, initialised allocation that nobody writes meanwhile.
    let envelope = unsafe { slice(envelope, len) };
    boxed(operations::decode(envelope, max_bytes))
}

/// 1 if the answer is a refusal, whose part 0 is JSON; else 0.
///
/// # Safety
/// `answer` must be a live answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_refused(answer: *const Answer) -> u32 {
    // SAFETY: by this function's contract the pointer is valid.
    u32::from(unsafe { &*answer }.is_refused())
}

/// Where a part begins.
///
/// # Safety
/// `answer` must be a live answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_part(answer: *const Answer, index: usize) -> *const u8 {
    // SAFETY: by this function's contract the pointer is valid.
    unsafe { &*answer }.part(index).as_ptr()
}

/// How long a part is.
///
/// # Safety
/// `answer` must be a live answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_part_len(answer: *const Answer, index: usize) -> usize {
    // SAFETY: by this function's contract the pointer is valid.
    unsafe { &*answer }.part(index).len()
}

/// Frees an answer and its parts.
///
/// # Safety
/// `answer` must be a live answer; it is none afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_release(answer: *mut Answer) {
    // SAFETY: by this function's contract the pointer came from `boxed` and was not freed.
    drop(unsafe { Box::from_raw(answer) });
}

fn boxed(answer: Answer) -> *mut Answer {
    Box::into_raw(Box::new(answer))
}

/// # Safety
/// `ptr` must be valid for reads of `len` bytes for the caller's whole `'a`.
unsafe fn slice<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: by this function's contract.
    unsafe { std::slice::from_raw_parts(ptr, len) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_the_whole_way() {
        let payload = b"hello world";
        let ptr = allocate(payload.len());
        // SAFETY: `ptr` is an allocation of that length; the answer is live until it is released.
        unsafe {
            ptr.copy_from_nonoverlapping(payload.as_ptr(), payload.len());
            let answer = encode(ptr, payload.len(), 4, 0);
            assert_eq!(answer_refused(answer), 0);
            let envelope = slice(answer_part(answer, 0), answer_part_len(answer, 0));
            assert_eq!(&envelope[..4], [0x49, 0x41, 1, 4]);
            assert_eq!(&envelope[12..], payload);
            answer_release(answer);
            release(ptr, payload.len());
        }
    }

    #[test]
    fn empty_arguments_are_allocations_too() {
        let ptr = allocate(0);
        // SAFETY: an allocation of no bytes may be read as an empty slice.
        unsafe {
            let answer = decode(ptr, 0, 0);
            assert_eq!(answer_refused(answer), 1);
            answer_release(answer);
            release(ptr, 0);
        }
    }
}
