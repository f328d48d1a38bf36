//! What a host function of bytes does in the memory of the guest that called it.

use aingle_wasm_types::Phase;

use super::bytes::{BytesCall, Step};
use super::call::Ended;
use super::convention::{Block, packed};
use super::session::Session;
use super::{errors, outcome};
use crate::backend::{Guest, Interruption};
use crate::error::HostError;
use crate::limits::MAX_NESTING;
use crate::value::Slot;

impl Session {
    /// Calls an exported function of bytes of the waiting guest, in memory of its own.
    pub(crate) fn call_export(
        &self,
        guest: &mut dyn Guest,
        name: &str,
        input: &[u8],
    ) -> Result<Vec<u8>, HostError> {
        let convention = *self.convention().ok_or_else(not_ready)?;
        let exports = self.exports.get().ok_or_else(not_ready)?;
        let missing =
            |name, expected| errors::no_export(name, expected, exports.keys().map(String::as_str));
        let function = *exports
            .get(name)
            .ok_or_else(|| missing(name, "(i32, i32) -> (i64)"))?;
        let len = convention
            .block_len(input.len())
            .ok_or_else(|| errors::too_long(input.len()))?;
        let step = match convention.allocate {
            Some(_) if len > 0 => Step::Allocate,
            None if len > 0 => return Err(missing("malloc", "(i32) -> (i32)")),
            _ => Step::Placed,
        };
        self.check_nesting(MAX_NESTING)?;
        if let Some(reason) = self.stop.reason_now() {
            return Err(reason.into_error(Phase::Call));
        }
        let mut mark = [0];
        if let Some(scope) = convention.scope {
            self.nested_call(guest, scope.mark, &mut mark)?;
        }
        let convention = convention.within_scope();
        let call = BytesCall {
            convention: &convention,
            function,
            input,
            block: Block { ptr: 0, len },
            output_limit: self.limits.output_bytes,
            read: Some(<[u8]>::to_vec),
            result: None,
            step,
            held: [None; 2],
        };
        let output = match self.nested(guest, MAX_NESTING, |guest| call.run(guest))? {
            Ok(output) => Ok(output),
            Err(Ended::Returned(error)) => Err(error),
            Err(Ended::Interrupted(how)) => return Err(self.interrupted(guest, how)),
        };
        if let Some(scope) = convention.scope {
            self.nested_call(guest, scope.release, &mut mark)?;
        }
        output
    }

    /// The error of a nested call that did not come back. Its exact count is lost, so it is charged all that it was given.
    #[cold]
    fn interrupted(&self, guest: &mut dyn Guest, how: Interruption) -> HostError {
        let error = outcome::explain(guest, self, how, self.stop.reason(), Phase::Call);
        guest.clear_status();
        guest.set_fuel(0);
        self.set_reserve(0);
        error
    }

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
