//! Copies in and out of a guest's memory, and growth, with every range checked.

use std::ops::Range;

use aingle_wasm_types::meter::PAGE_BYTES;
use aingle_wasm_types::{ErrorCode, Phase};

use crate::backend::{GrowthRefused, Guest};
use crate::error::{ErrorKind, HostError};

/// The range of `len` bytes at `ptr`, if it is inside a memory of `size` bytes. An empty range may begin at the end.
pub(crate) fn range(ptr: u32, len: u32, size: usize) -> Option<Range<usize>> {
    let (start, len) = (usize::try_from(ptr).ok()?, usize::try_from(len).ok()?);
    let end = start.checked_add(len)?;
    (end <= size).then_some(start..end)
}

pub(crate) fn pages(guest: &mut dyn Guest) -> u32 {
    crate::limits::pages(guest.memory().len() as u64)
}

pub(crate) fn read(guest: &mut dyn Guest, ptr: u32, len: u32) -> Result<Vec<u8>, HostError> {
    let memory = guest.memory();
    match range(ptr, len, memory.len()) {
        Some(range) => Ok(memory[range].to_vec()),
        None => Err(outside("memory_read", ptr, len.into(), memory.len())),
    }
}

pub(crate) fn write(guest: &mut dyn Guest, ptr: u32, bytes: &[u8]) -> Result<(), HostError> {
    let memory = guest.memory();
    let range = u32::try_from(bytes.len())
        .ok()
        .and_then(|len| range(ptr, len, memory.len()));
    match range {
        Some(range) => {
            memory[range].copy_from_slice(bytes);
            Ok(())
        }
        None => Err(outside(
            "memory_write",
            ptr,
            bytes.len() as u64,
            memory.len(),
        )),
    }
}

pub(crate) fn grow(guest: &mut dyn Guest, limit: u32, by: u32) -> Result<u32, HostError> {
    let wanted = u64::from(pages(guest)) + u64::from(by);
    let bytes = |pages: u64| pages * u64::from(PAGE_BYTES);
    let grown = if wanted > limit.into() {
        Err(GrowthRefused::Maximum(limit))
    } else {
        guest.grow_memory(by)
    };
    grown.map_err(|refused| {
        let kind = match refused {
            GrowthRefused::Maximum(maximum) => ErrorKind::Limit {
                code: ErrorCode::MemoryLimit,
                limit: bytes(maximum.min(limit).into()),
                value: bytes(wanted),
            },
            GrowthRefused::Machine => ErrorKind::OutOfMemory {
                resource: "growth of a guest's memory",
                limit: 0,
                value: bytes(by.into()),
            },
        };
        HostError::new(Phase::Call, kind)
    })
}

#[cold]
fn outside(option: &'static str, ptr: u32, len: u64, size: usize) -> HostError {
    let kind = ErrorKind::Argument {
        code: ErrorCode::OutOfRange,
        option,
        value: format!("{len} bytes at {ptr}"),
        allowed: format!("a range inside the memory of {size} bytes"),
    };
    HostError::new(Phase::Call, kind)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_end_with_the_memory() {
        assert_eq!(range(0, 65_536, 65_536), Some(0..65_536));
        assert_eq!(range(65_536, 0, 65_536), Some(65_536..65_536));
        assert_eq!(range(65_536, 1, 65_536), None);
        assert_eq!(range(65_537, 0, 65_536), None);
        assert_eq!(range(u32::MAX, u32::MAX, 65_536), None);
        assert_eq!(range(0, 1, 0), None);
    }
}
