//! What a watchdog watches: the instances of an engine, and the jobs that have a deadline.

use std::sync::{Arc, Weak};

use super::cell::StopCell;
use super::clock::Moment;
use super::ticket::Ticket;

/// Entries from which on those that are gone are looked for.
const SWEEP_FROM: usize = 64;

pub(super) struct Registry {
    cells: Vec<Weak<StopCell>>,
    /// How many cells there may be before the next sweep, which leaves out those that are gone or closed: both have nothing to watch.
    sweep_at: usize,
    tickets: Vec<Option<Watched>>,
    free: Vec<usize>,
}

struct Watched {
    ticket: Ticket,
    /// When to look at it.
    due: Moment,
}

/// What is due, and when the next is. Stopping is for the caller, who holds no lock then.
pub(super) struct Due {
    pub(super) cells: Vec<Arc<StopCell>>,
    /// With their places.
    pub(super) tickets: Vec<(usize, Ticket)>,
    pub(super) next: Moment,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.tickets.is_empty()
    }
}

impl Registry {
    pub(super) fn new() -> Self {
        Self {
            cells: Vec::new(),
            sweep_at: SWEEP_FROM,
            tickets: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn add_cell(&mut self, cell: &Arc<StopCell>) {
        if self.cells.len() >= self.sweep_at {
            self.cells
                .retain(|cell| cell.upgrade().is_some_and(|cell| !cell.is_closed()));
            self.sweep_at = (2 * self.cells.len()).max(SWEEP_FROM);
        }
        self.cells.push(Arc::downgrade(cell));
    }

    pub(super) fn cells(&self) -> Vec<Arc<StopCell>> {
        self.cells.iter().filter_map(Weak::upgrade).collect()
    }

    /// Watches a ticket; the place is for [`Registry::remove`].
    pub(super) fn add(&mut self, ticket: Ticket) -> usize {
        let watched = Some(Watched {
            due: ticket.deadline(),
            ticket,
        });
        match self.free.pop() {
            Some(place) => {
                self.tickets[place] = watched;
                place
            }
            None => {
                self.tickets.push(watched);
                self.tickets.len() - 1
            }
        }
    }

    /// Gives a place free; what was there is for the caller to drop, without a lock.
    pub(super) fn remove(&mut self, place: usize) -> Option<Ticket> {
        let watched = self.tickets[place].take()?;
        self.free.push(place);
        Some(watched.ticket)
    }

    /// Has a ticket looked at again.
    pub(super) fn look_again(&mut self, place: usize, due: Moment) {
        if let Some(watched) = &mut self.tickets[place] {
            watched.due = due;
        }
    }

    pub(super) fn due(&mut self, now: Moment) -> Due {
        let mut due = Due {
            cells: Vec::new(),
            tickets: Vec::new(),
            next: Moment::NEVER,
        };
        for cell in self.cells.iter().filter_map(Weak::upgrade) {
            match cell.due(now) {
                Some(later) => due.next = due.next.min(later),
                None => due.cells.push(cell),
            }
        }
        for (place, watched) in self.tickets.iter_mut().enumerate() {
            let Some(watched) = watched else { continue };
            if watched.due <= now {
                // Looked at once, unless the stop did not come.
                watched.due = Moment::NEVER;
                due.tickets.push((place, watched.ticket.clone()));
            } else {
                due.next = due.next.min(watched.due);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::StopReason;

    #[test]
    fn cells_that_are_closed_or_gone_are_swept() {
        let mut registry = Registry::new();
        let kept = Arc::new(StopCell::new());
        registry.add_cell(&kept);
        let closed: Vec<_> = (0..10 * SWEEP_FROM)
            .map(|_| {
                let cell = Arc::new(StopCell::new());
                registry.add_cell(&cell);
                cell.close(StopReason::InstanceClosed);
                registry.add_cell(&Arc::new(StopCell::new()));
                cell
            })
            .collect();
        assert!(
            registry.cells.len() <= SWEEP_FROM,
            "{} cells",
            registry.cells.len()
        );
        assert!(registry.cells().iter().any(|cell| Arc::ptr_eq(cell, &kept)));
        drop(closed);
    }
}
