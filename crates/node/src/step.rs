//! Calls that run step by step: each host call of the guest settles a promise, and the answer opens the next one.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aingle_wasm_host::{StopReason, Ticket};

use crate::dispatcher::{Dispatcher, Message};
use crate::host_function::HostMessage;
use crate::settle::{Delivery, Outcome};

/// One call, from its start to its last step.
pub(crate) struct Started {
    dispatcher: Arc<Dispatcher>,
    ticket: OnceLock<Ticket>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The promise that the next step settles.
    promise: Option<u32>,
    /// How the call ended while no promise was there: it was stopped while its guest waited.
    finished: Option<Outcome>,
}

impl Started {
    pub(crate) fn new(dispatcher: &Arc<Dispatcher>, promise: u32) -> Arc<Self> {
        let state = State {
            promise: Some(promise),
            finished: None,
        };
        Arc::new(Self {
            dispatcher: Arc::clone(dispatcher),
            ticket: OnceLock::new(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn set_ticket(&self, ticket: Ticket) {
        self.ticket.get_or_init(|| ticket);
    }

    /// Shows a host call. The guest's thread then waits for its answer.
    pub(crate) fn step(&self, message: HostMessage) {
        self.settle(Ok(Delivery::Step(message)));
    }

    /// Ends the call.
    pub(crate) fn finish(&self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&self, outcome: Outcome) {
        let mut state = self.lock();
        match state.promise.take() {
            Some(id) => {
                drop(state);
                self.dispatcher.post(Message::Settle(id, outcome));
            }
            None => state.finished = Some(outcome),
        }
    }

    /// Opens the next promise; to be called before the host call is answered.
    pub(crate) fn resume(&self, promise: u32) {
        let mut state = self.lock();
        match state.finished.take() {
            Some(outcome) => {
                drop(state);
                self.dispatcher.post(Message::Settle(promise, outcome));
            }
            None => state.promise = Some(promise),
        }
    }

    pub(crate) fn stop(&self, reason: StopReason) {
        if let Some(ticket) = self.ticket.get() {
            ticket.stop(reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
