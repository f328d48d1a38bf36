//! Checks of the counter, in the three forms of interruption.
//!
//! A check that fails says why and traps: anything that came back from there would make loops slower. It does so in its
//! place, because a jump to one block for all checks of a function needs values in the same registers at each of them.
//! The sliceable form pays and comes back with more fuel.

use aingle_wasm_types::meter::Stop;
use wasm_encoder::{BlockType, InstructionSink};

use super::body::Writer;
use super::ours::Function;
use super::{Globals, Rewriting};
use crate::Interruption;

/// Checks of one function that have a floor of their own. Those after them read floor 0 in a function of ours, which
/// no code generator looks through.
const MAX_FLOORS: u32 = 1_024;

/// Floors that there are at least: the one that tells why, and the one that functions of ours read.
pub(crate) const MIN_FLOORS: u32 = FLOOR_OF_OURS + 1;
const FLOOR_OF_OURS: u32 = 1;

/// A threshold never falls below this, so that what is owed can be compared with it.
pub(crate) const LOWEST_THRESHOLD: i64 = 1 << 16;

impl Writer<'_, '_> {
    /// With the counter on the stack and in its local: stops if it is below what is owed, or if the host wants to.
    pub(crate) fn check(&mut self, owed: i64) {
        if let Some(slice) = self.rewriting.ours.get(Function::Slice) {
            return self.check_slice(owed, slice);
        }
        match self.rewriting.config.interruption {
            Interruption::None | Interruption::Floors => {
                self.is_short(owed);
                self.stop_if();
            }
            Interruption::Stop => self.check_threshold(owed),
        }
    }

    /// With the counter on the stack: whether it is below what is owed, or the host wants to stop the guest.
    pub(super) fn is_short(&mut self, owed: i64) {
        match self.rewriting.config.interruption {
            Interruption::Floors => self.below_floor(owed),
            _ => {
                self.sink().i64_const(owed).i64_lt_s();
            }
        }
    }

    /// With a condition on the stack: stops if it holds.
    fn stop_if(&mut self) {
        self.sink().if_(BlockType::Empty);
        if self.rewriting.config.interruption == Interruption::Floors {
            let stop = self.rewriting.ours(Function::Stop);
            self.sink().call(stop).unreachable();
        } else {
            let globals = self.rewriting.globals;
            globals.stop(Stop::Fuel, &mut self.sink());
        }
        self.sink().end();
    }

    /// Asks for more fuel where the other forms stop.
    fn check_slice(&mut self, owed: i64, slice: u32) {
        let counter = self.counter;
        if self.rewriting.config.interruption == Interruption::Stop {
            return self.check_threshold_and_slice(owed, slice);
        }
        self.is_short(owed);
        self.sink()
            .if_(BlockType::Empty)
            .local_get(counter)
            .i64_const(owed)
            .call(slice)
            .local_set(counter)
            .end();
    }

    fn check_threshold_and_slice(&mut self, owed: i64, slice: u32) {
        let counter = self.counter;
        let poll = self.rewriting.ours(Function::Poll);
        let threshold = self.rewriting.globals.threshold();
        self.sink()
            .i64_const(owed)
            .i64_lt_s()
            .local_get(counter)
            .global_get(threshold)
            .i64_lt_s()
            .i32_or()
            .if_(BlockType::Empty)
            .local_get(counter)
            .i64_const(owed)
            .i64_lt_s()
            .if_(BlockType::Empty)
            .local_get(counter)
            .i64_const(owed)
            .call(slice)
            .local_set(counter)
            .end()
            .local_get(counter)
            .call(poll)
            .drop()
            .end();
    }

    /// With the counter on the stack: whether what is left is below the floor.
    fn below_floor(&mut self, owed: i64) {
        if owed != 0 {
            self.sink().i64_const(owed).i64_sub();
        }
        self.checks += 1;
        if self.checks < MAX_FLOORS {
            let floor = self.rewriting.globals.floor(self.checks);
            self.rewriting.floors = self.rewriting.floors.max(self.checks + 1);
            self.sink().global_get(floor);
        } else {
            let floor = self.rewriting.ours(Function::Floor);
            self.sink().call(floor);
        }
        self.sink().i64_lt_s();
    }

    fn check_threshold(&mut self, owed: i64) {
        let counter = self.counter;
        if owed > LOWEST_THRESHOLD {
            self.sink().i64_const(owed).i64_lt_s();
            self.stop_if();
            self.sink().local_get(counter);
        }
        let poll = self.rewriting.ours(Function::Poll);
        let threshold = self.rewriting.globals.threshold();
        match self.threshold {
            Some(local) => self.sink().local_get(local),
            None => self.sink().global_get(threshold),
        };
        self.sink().i64_lt_s().if_(BlockType::Empty);
        self.sink().local_get(counter).i64_const(owed).i64_lt_s();
        self.stop_if();
        self.sink().local_get(counter).call(poll);
        match self.threshold {
            Some(local) => self.sink().local_set(local),
            None => self.sink().drop(),
        };
        self.sink().end();
    }
}

impl Rewriting<'_> {
    /// Says whether a check has failed for fuel or for a floor, then traps.
    pub(super) fn stop_for_check(&self, out: &mut InstructionSink<'_>) {
        out.i32_const(Stop::Interrupted.as_i32())
            .i32_const(Stop::Fuel.as_i32());
        out.global_get(self.globals.floor(0))
            .i64_const(0)
            .i64_ne()
            .select();
        out.global_set(self.globals.status).unreachable();
    }
}

impl Rewriting<'_> {
    /// Stops if the host wants to; for functions of ours that work for long.
    pub(super) fn stop_if_asked(&self, out: &mut InstructionSink<'_>) {
        match self.config.interruption {
            Interruption::None => return,
            Interruption::Floors => out
                .global_get(self.globals.floor(FLOOR_OF_OURS))
                .i64_const(0)
                .i64_ne(),
            Interruption::Stop => self.hooks.poll(out),
        };
        out.if_(BlockType::Empty);
        match self.ours.get(Function::Slice) {
            Some(slice) if self.config.interruption == Interruption::Floors => {
                let fuel = self.globals.fuel;
                out.global_get(fuel)
                    .i64_const(0)
                    .call(slice)
                    .global_set(fuel);
            }
            _ => self.globals.stop(Stop::Interrupted, out),
        }
        out.end();
    }
}

impl Globals {
    /// The global that the host writes to stop the guest at its checks of this number.
    pub(crate) fn floor(self, number: u32) -> u32 {
        self.first_of_form + number
    }

    /// The global below whose value the guest asks the host.
    pub(crate) fn threshold(self) -> u32 {
        self.first_of_form
    }
}
