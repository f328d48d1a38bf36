//! What a host function of bytes does in the memory of the guest that called it.

use aingle_wasm_types::Phase;

use super::convention::{Block, packed};
use super::errors;
use super::session::Session;
use crate::backend::Guest;
use crate::error::HostError;
use crate::value::Slot;

impl Session {
    /// Copies the payload out of a block that the guest passed to a host function.
    pub(crate) fn nested_input(
        &self,
        guest: &mut dyn Guest,
        block: Block,
    ) -> Result<Vec<u8>, HostError> {
        let Some(convention) = self.convention() else {
            return Err(not_ready());
        };
        convention.read(
            guest.memory(),
            block,
            usize::MAX,
            Phase::Host,
            |payload, _| Ok(payload.to_vec()),
        )
    }

    /// Puts a reply into memory that the guest allocates, and answers it packed. The guest gives it back.
    pub(crate) fn nested_reply(
        &self,
        guest: &mut dyn Guest,
        reply: &[u8],
    ) -> Result<Slot, HostError> {
        let Some(convention) = self.convention() else {
            return Err(not_ready());
        };
        if reply.is_empty() {
            return Ok(0);
        }
        let memory = guest.memory().len();
        let unplaced = Block {
            ptr: 0,
            len: u32::try_from(reply.len()).unwrap_or(u32::MAX),
        };
        let unplaceable = || errors::pointer(Phase::Host, unplaced, memory);
        let len = convention.block_len(reply.len()).ok_or_else(unplaceable)?;
        let allocate = convention.allocate.ok_or_else(unplaceable)?;
        let ptr = allocate.run(len, |function, slots| {
            self.nested_call(guest, function, slots)
        })?;
        if ptr == 0 {
            return Err(errors::pointer(
                Phase::Host,
                Block { ptr, len },
                guest.memory().len(),
            ));
        }
        let block = Block { ptr, len };
        let memory = guest.memory();
        let size = memory.len();
        let written = convention.write(memory, block, reply, 0);
        written.map_err(|why| errors::unwritten(Phase::Host, why, block, size))?;
        Ok(packed(block))
    }
}

#[cold]
fn not_ready() -> HostError {
    HostError::internal(
        Phase::Host,
        "a host function of bytes ran before its instance was ready",
    )
}
