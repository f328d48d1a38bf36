//! A user's function of bytes as the body of an import.

use std::sync::Arc;

use super::{Caller, EnvelopeCallback, core_call::failed};
use crate::backend::{Guest, HostCall, Stopped};
use crate::instance::{Block, Session};
use crate::value::Slot;

pub(super) fn body(name: String, call: EnvelopeCallback, session: Arc<Session>) -> HostCall {
    let call = EnvelopeCall {
        name,
        call,
        session,
    };
    Box::new(move |guest, slots| call.run(guest, slots))
}

struct EnvelopeCall {
    name: String,
    call: EnvelopeCallback,
    session: Arc<Session>,
}

impl EnvelopeCall {
    /// Slots hold pointer and length, then the packed reply.
    fn run(&self, guest: &mut dyn Guest, slots: &mut [Slot]) -> Result<(), Stopped> {
        let block = Block {
            ptr: slots[0] as u32,
            len: slots[1] as u32,
        };
        let reply = self.session.host_call(guest, 0, |guest| {
            let input = self.session.nested_input(guest, block)?;
            let mut caller = Caller::new(guest, &self.session);
            (self.call)(&mut caller, &input).map_err(|error| failed(&self.name, error))
        })?;
        slots[0] = self
            .session
            .nested_reply(guest, &reply)
            .map_err(|error| self.session.stop_call(error))?;
        Ok(())
    }
}
