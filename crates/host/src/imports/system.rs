//! The functions that every host gives to every guest: module `aingle_v1`.

use std::sync::Arc;

use aingle_wasm_codec::checksum;
use aingle_wasm_prepare::{FunctionType, ValueType};
use aingle_wasm_types::abi;

use crate::backend::{FunctionImport, Guest, HostCall, QuickCall, Stopped};
use crate::error::HostError;
use crate::instance::{Block, Session, checksum_of, guest_error, memory};
use crate::value::Slot;

const I32: ValueType = ValueType::I32;

/// A system function; `None` if there is none of this name and type. These do not count as host calls.
pub(super) fn function(
    name: &str,
    ty: &FunctionType,
    session: &Arc<Session>,
) -> Option<FunctionImport> {
    let session = Arc::clone(session);
    let (call, quick): (HostCall, Option<QuickCall>) = match (name, &ty.params[..], &ty.results[..])
    {
        (abi::CRC32, [I32, I32], [I32]) => (
            Box::new(move |guest, slots| crc32(&session, guest, slots)),
            Some(Box::new(|guest, [ptr, len]| {
                quick_crc32(guest, Block { ptr, len })
            })),
        ),
        (abi::PANIC, [I32, I32], []) => (
            Box::new(move |guest, slots| {
                panic(&session, guest, block(slots));
                Ok(())
            }),
            None,
        ),
        _ => return None,
    };
    Some(FunctionImport {
        ty: ty.clone(),
        call,
        quick,
    })
}

/// `(ptr, len) -> checksum`, charged before the work.
fn crc32(session: &Session, guest: &mut dyn Guest, slots: &mut [Slot]) -> Result<(), Stopped> {
    let block = block(slots);
    let mut checksum = || -> Result<u32, HostError> {
        session.charge(guest, crc32_cost(block))?;
        checksum_of(guest, block)
    };
    slots[0] = checksum().map_err(|error| session.stop_call(error))?.into();
    Ok(())
}

/// As [`crc32`], if the fuel suffices and the block is inside the memory.
fn quick_crc32(guest: &mut dyn Guest, block: Block) -> Option<u32> {
    let left = guest.fuel() - crc32_cost(block).cast_signed();
    if left < 0 {
        return None;
    }
    let memory = guest.memory();
    let range = memory::range(block.ptr, block.len, memory.len())?;
    let checksum = checksum(&memory[range]);
    guest.set_fuel(left);
    Some(checksum)
}

fn crc32_cost(block: Block) -> u64 {
    u64::from(block.len / abi::CRC32_BYTES_A_FUEL)
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
