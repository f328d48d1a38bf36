//! The host calls whose functions were called and have not answered yet, by number.

use std::collections::HashMap;

use crate::host_function::HostMessage;

#[derive(Default)]
pub(crate) struct HostCalls {
    entries: HashMap<u32, Entry>,
    last: u32,
}

struct Entry {
    message: HostMessage,
    /// The function returned a promise.
    deferred: bool,
}

impl HostCalls {
    /// Takes a host call in, and gives it a number above 0.
    pub(crate) fn add(&mut self, message: HostMessage) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.entries.contains_key(&self.last) {
                break;
            }
        }
        message.host_call().set_number(self.last);
        let entry = Entry {
            message,
            deferred: false,
        };
        self.entries.insert(self.last, entry);
        self.last
    }

    pub(crate) fn get(&self, number: u32) -> Option<&HostMessage> {
        self.entries.get(&number).map(|entry| &entry.message)
    }

    /// Says that the answer comes later.
    pub(crate) fn defer(&mut self, number: u32) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.deferred = true;
        }
    }

    pub(crate) fn take(&mut self, number: u32) -> Option<HostMessage> {
        self.entries.remove(&number).map(|entry| entry.message)
    }

    pub(crate) fn take_unless_deferred(&mut self, number: u32) -> Option<HostMessage> {
        if self.entries.get(&number)?.deferred {
            None
        } else {
            self.take(number)
        }
    }
}
