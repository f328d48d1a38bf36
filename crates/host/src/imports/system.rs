//! The functions that every host gives to every guest: module `aingle_v1`.

use std::sync::Arc;

use aingle_wasm_prepare::{FunctionType, ValueType};
use aingle_wasm_types::abi;

use crate::backend::{Guest, HostCall, Stopped};
use crate::error::HostError;
use crate::instance::{Block, Session, checksum_of, guest_error, memory};
use crate::value::Slot;

const I32: ValueType = ValueType::I32;

/// The body of a system function; `None` if there is none of this name and type. These do not count as host calls.
pub(super) fn function(name: &str, ty: &FunctionType, session: &Arc<Session>) -> Option<HostCall> {
    let session = Arc::clone(session);
    match (name, &ty.params[..], &ty.results[..]) {
        (abi::CRC32, [I32, I32], [I32]) => {
            Some(Box::new(move |guest, slots| crc32(&session, guest, slots)))
        }
        (abi::PANIC, [I32, I32], []) => Some(Box::new(move |guest, slots| {
            panic(&session, guest, block(slots));
            Ok(())
        })),
        _ => None,
    }
}

/// `(ptr, len) -> checksum`, charged before the work.
fn crc32(session: &Session, guest: &mut dyn Guest, slots: &mut [Slot]) -> Result<(), Stopped> {
    let block = block(slots);
    let mut checksum = || -> Result<u32, HostError> {
        session.charge(guest, u64::from(block.len / abi::CRC32_BYTES_A_FUEL))?;
        checksum_of(guest, block)
    };
    slots[0] = checksum().map_err(|error| session.stop(error))?.into();
    Ok(())
}

/// `(ptr, len)`: keeps the report for the trap that follows. A report outside the memory is no report.
fn panic(session: &Session, guest: &mut dyn Guest, block: Block) {
    let memory = guest.memory();
    if let Some(range) = memory::range(block.ptr, block.len, memory.len()) {
        session.report_panic(guest_error(&memory[range]));
    }
}

fn block(slots: &[Slot]) -> Block {
    Block {
        ptr: slots[0] as u32,
        len: slots[1] as u32,
    }
}
