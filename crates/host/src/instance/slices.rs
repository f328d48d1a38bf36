//! Calls that run in slices of fuel: the guest pauses when a slice is over, and goes on where it was.

use std::sync::Arc;

use aingle_wasm_types::Phase;

use super::outcome;
use super::session::Session;
use crate::backend::{Guest, Stopped};
use crate::error::HostError;
use crate::imports::{Caller, HostFunctionError, failed};
use crate::stop::StopReason;

/// Decides what becomes of a guest that has paused.
pub type SliceCallback =
    Arc<dyn Fn(&mut Caller<'_>, Slice) -> Result<SliceDecision, HostFunctionError> + Send + Sync>;

/// How a call runs in slices. Its module must have been compiled with [`crate::CompileOptions::sliceable`].
#[derive(Clone)]
pub struct SliceOptions {
    /// Fuel of one slice, at least 1.
    pub fuel: u64,
    /// Called when a slice is over, and when all fuel is.
    pub decide: SliceCallback,
}

/// Where a paused guest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Fuel used until now.
    pub used: u64,
    /// Fuel left of the call's.
    pub left: u64,
    /// Slices until now, this one included.
    pub count: u64,
}

/// What becomes of a paused guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceDecision {
    /// It goes on, with this much fuel added to the call's limit.
    Continue(u64),
    /// It is stopped with `ERR_ABORTED`.
    Stop,
}

/// The running call's slices.
pub(super) struct Slices {
    pub(super) options: SliceOptions,
    pub(super) count: u64,
}

/// Name of the callback where a host function would have its own.
const NAME: &str = "onSlice";

impl Session {
    /// What a sliceable guest calls when it has spent what it was given, or when it is to stop: takes its rest and
    /// answers the new one.
    pub(crate) fn next_slice(
        self: &Arc<Self>,
        guest: &mut dyn Guest,
        rest: i64,
    ) -> Result<i64, Stopped> {
        if let Some(reason) = self.stop.reason() {
            return Err(self.stop_call(reason.into_error(Phase::Call)));
        }
        let Some((options, count)) = self.count_slice() else {
            return Ok(rest);
        };
        let decided = self.decide(guest, &options, count, rest);
        if let Some(reason) = self.stop.reason_now() {
            return Err(self.stop_call(reason.into_error(Phase::Call)));
        }
        match decided.map_err(|error| self.stop_call(error))? {
            SliceDecision::Stop => Err(self.stop_call(StopReason::Aborted.into_error(Phase::Call))),
            SliceDecision::Continue(more) => Ok(self.grant(options.fuel, more, rest)),
        }
    }

    fn count_slice(&self) -> Option<(SliceOptions, u64)> {
        let mut slices = self.lock_slices();
        let slices = slices.as_mut()?;
        slices.count += 1;
        Some((slices.options.clone(), slices.count))
    }

    fn decide(
        self: &Arc<Self>,
        guest: &mut dyn Guest,
        options: &SliceOptions,
        count: u64,
        rest: i64,
    ) -> Result<SliceDecision, HostError> {
        // The callback sees the guest's fuel as it is.
        guest.set_fuel(rest);
        let left = self.left(rest).max(0).cast_unsigned();
        let slice = Slice {
            used: self.fuel_limit() - left,
            left,
            count,
        };
        let call = |guest: &mut dyn Guest| {
            (options.decide)(&mut Caller::new(guest, self), slice)
                .map_err(|error| failed(NAME, error))
        };
        outcome::caught(|| self.in_host(guest, call))
    }

    /// Gives the next slice out of what is left; the answer is negative if that is not enough to go on.
    fn grant(&self, slice: u64, more: u64, rest: i64) -> i64 {
        let reserve = self.raise_limit(more);
        let short = rest.min(0).unsigned_abs();
        let granted = slice.saturating_add(short).min(reserve);
        self.set_reserve(reserve - granted);
        rest + granted.cast_signed()
    }
}
