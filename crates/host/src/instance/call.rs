//! Calls of exports: bytes to bytes, and core values.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use aingle_wasm_types::{ErrorCode, Phase};

use super::bytes::{BytesCall, Step};
use super::convention::Block;
use super::options::{AfterTrap, CallOptions};
use super::receipt::Receipt;
use super::session::{Session, always_poisons};
use super::state::InstanceState;
use super::{ExportHandle, WasmInstance, errors, outcome, reference};
use crate::backend::{Guest, Interruption};
use crate::config::check_fuel;
use crate::error::{ErrorKind, HostError};
use crate::stop::StopReason;
use crate::value::Value;

/// A finished byte call.
#[derive(Clone, Debug)]
pub struct CallOutput {
    /// What the guest returned.
    pub bytes: Vec<u8>,
    /// What the call used.
    pub receipt: Receipt,
}

/// A call that ended without a result.
pub(super) enum Ended {
    /// The guest came back, and what it returned is an error or cannot be used.
    Returned(HostError),
    /// The guest did not come back.
    Interrupted(Interruption),
}

impl From<Interruption> for Ended {
    fn from(interruption: Interruption) -> Self {
        Self::Interrupted(interruption)
    }
}

/// A call that is allowed to begin.
pub(super) struct Admitted<'a> {
    pub(super) fuel: u64,
    bytes_in: u64,
    options: CallOptions<'a>,
}

impl WasmInstance {
    /// Calls an export with bytes and returns what it returned, with a receipt.
    ///
    /// # Errors
    /// - `ERR_EXPORT_NOT_FOUND` if there is no export of this name with the type `(ptr: i32, len: i32) -> i64`, or the
    ///   guest has no allocator for the input.
    /// - `ERR_GUEST` if the guest returned an error or panicked.
    /// - `ERR_GUEST_POINTER`, `ERR_ENVELOPE_…`, `ERR_OUTPUT_LIMIT` if its result cannot be used.
    /// - `ERR_TRAP`, `ERR_STACK_OVERFLOW`, `ERR_HOST_FUNCTION`: the instance is poisoned, unless it was made with
    ///   [`AfterTrap::Keep`].
    /// - `ERR_FUEL_EXHAUSTED`, `ERR_TIMEOUT`, `ERR_OUT_OF_MEMORY`: the instance is poisoned.
    /// - `ERR_INSTANCE_POISONED`, `ERR_INSTANCE_CLOSED`, `ERR_ENGINE_CLOSED`, `ERR_OUT_OF_RANGE`: nothing ran.
    pub fn call(
        &mut self,
        name: &str,
        input: &[u8],
        options: CallOptions<'_>,
    ) -> Result<CallOutput, HostError> {
        let handle = self.module.export_handle(name)?;
        let bytes = self.call_with(
            handle,
            input,
            CallOptions {
                timed: true,
                ..options
            },
            <[u8]>::to_vec,
        )?;
        Ok(CallOutput {
            bytes,
            receipt: self.receipt,
        })
    }

    /// Calls an export with bytes: the shortest way for callers that need neither options nor times.
    ///
    /// # Errors
    /// - As [`WasmInstance::call`].
    pub fn call_raw(&mut self, name: &str, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let handle = self.module.export_handle(name)?;
        self.call_with(handle, input, CallOptions::default(), <[u8]>::to_vec)
    }

    /// Calls an export with bytes and lets `read` take the output straight from the guest's memory.
    ///
    /// `read` runs after the export and before the memory of the call is given back; its result is dropped if the
    /// call fails after it.
    ///
    /// # Errors
    /// - As [`WasmInstance::call`].
    /// - `ERR_INTERNAL` if `read` panics; the instance is poisoned.
    pub fn call_with<R>(
        &mut self,
        handle: ExportHandle,
        input: &[u8],
        options: CallOptions<'_>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, HostError> {
        let function = self.bytes_function(handle)?;
        let convention = *self
            .session
            .convention()
            .expect("resolved when the instance was made");
        let len = convention
            .block_len(input.len())
            .ok_or_else(|| errors::too_long(input.len()))?;
        let buffer = self.call_buffer.and_then(|buffer| buffer.room_for(len));
        let step = if buffer.is_some() || len == 0 {
            Step::Placed
        } else {
            Step::Allocate
        };
        if step == Step::Allocate && convention.allocate.is_none() {
            return Err(self.module.no_export("malloc", "(i32) -> (i32)"));
        }
        let admitted = Admitted {
            bytes_in: input.len() as u64,
            ..self.admit(options)?
        };
        self.run(admitted, |guest, session| {
            let mut bytes_out = 0;
            let read = |output: &[u8]| {
                bytes_out = output.len() as u64;
                read(output)
            };
            let call = BytesCall {
                convention: &convention,
                function,
                input,
                block: Block {
                    ptr: buffer.unwrap_or(0),
                    len,
                },
                output_limit: session.limits.output_bytes,
                read: Some(read),
                result: None,
                step,
                held: [None; 2],
            };
            (call.run(guest), bytes_out)
        })
    }

    /// Calls an export with core values.
    ///
    /// # Errors
    /// - `ERR_EXPORT_NOT_FOUND` if there is no function of this name.
    /// - `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` if the arguments do not have its type.
    /// - `ERR_INVALID_ARG_VALUE` for a function that the instance does not have.
    /// - Else as [`WasmInstance::call`].
    pub fn invoke(
        &mut self,
        name: &str,
        args: &[Value],
        options: CallOptions<'_>,
    ) -> Result<Vec<Value>, HostError> {
        let handle = self.module.export_handle(name)?;
        let mut results = Vec::new();
        self.invoke_with(
            handle,
            args,
            CallOptions {
                timed: true,
                ..options
            },
            &mut results,
        )?;
        Ok(results)
    }

    /// As [`WasmInstance::invoke`] by handle, leaving the results in a vector of the caller's.
    ///
    /// # Errors
    /// - As [`WasmInstance::invoke`].
    pub fn invoke_with(
        &mut self,
        handle: ExportHandle,
        args: &[Value],
        options: CallOptions<'_>,
        results: &mut Vec<Value>,
    ) -> Result<(), HostError> {
        let function = self.function(handle)?;
        let module = self.module.clone();
        let (_, _, ty) = module.export(handle)?;
        check_arguments(args, &ty.params)?;
        let admitted = self.admit(options)?;
        let mut slots = std::mem::take(&mut self.slots);
        slots.clear();
        let guest = self.guest()?;
        for value in args {
            slots.push(reference::lower(*value, guest, "args")?);
        }
        slots.resize(args.len().max(ty.results.len()), 0);
        let outcome = self.run(admitted, |guest, _| {
            let outcome = guest.call(function, &mut slots).map_err(Ended::from);
            let values = ty
                .results
                .iter()
                .zip(&slots)
                .map(|(ty, slot)| Value::lift(*slot, *ty, guest));
            (outcome.map(|()| values.collect::<Vec<_>>()), 0)
        });
        self.slots = slots;
        *results = outcome?;
        Ok(())
    }

    /// Checks that a call may begin.
    pub(super) fn admit<'a>(&self, options: CallOptions<'a>) -> Result<Admitted<'a>, HostError> {
        self.check_usable()?;
        let fuel = options.fuel.unwrap_or(self.default_fuel);
        if options.fuel.is_some() {
            check_fuel("fuel", fuel)?;
        }
        if options.slices.is_some() && !self.module.is_sliceable() {
            return Err(HostError::argument(
                "slices",
                "given",
                "modules compiled with sliceable",
            ));
        }
        Ok(Admitted {
            fuel,
            bytes_in: 0,
            options,
        })
    }

    /// Runs an admitted call from arming the guest to the receipt. `body` answers its result and the bytes returned.
    pub(super) fn run<R>(
        &mut self,
        call: Admitted<'_>,
        body: impl FnOnce(&mut dyn Guest, &Session) -> (Result<R, Ended>, u64),
    ) -> Result<R, HostError> {
        let CallOptions {
            timed,
            time,
            ticket,
            slices,
            ..
        } = call.options;
        let started = timed.then(Instant::now);
        self.calls += 1;
        let session = &*self.session;
        let guest = self
            .backend
            .as_mut()
            .expect("a usable instance has its backend")
            .guest();
        session.begin(call.fuel, timed);
        let fuel = match slices {
            None => call.fuel,
            Some(slices) => session.begin_slices(slices.clone()),
        };
        guest.arm(fuel.cast_signed(), session.limits.call_depth);
        session.watch(self.calls, &self.engine, time, ticket);
        let (result, bytes_out) =
            match catch_unwind(AssertUnwindSafe(|| body(&mut *guest, session))) {
                Ok(finished) => finished,
                Err(panic) => (
                    Err(Ended::Interrupted(Interruption::Fault(
                        crate::error::panic_text(&*panic),
                    ))),
                    0,
                ),
            };
        let stopped = session.stop.end();
        let left = session.left(guest.fuel());
        let fuel_limit = session.fuel_limit();
        let result = judge(result, guest, session, stopped, left);
        if slices.is_some() {
            session.end_slices();
        }
        let host = session.host_share();
        self.receipt = Receipt {
            fuel_used: fuel_used(fuel_limit, left),
            fuel_limit,
            fuel_exact: !matches!(
                result,
                Err(Judged {
                    interrupted: true,
                    ..
                })
            ),
            wall_ns: started.map_or(0, |started| {
                u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
            }),
            host_ns: host.ns,
            host_calls: host.calls,
            memory_pages: super::memory::pages(guest),
            bytes_in: call.bytes_in,
            bytes_out,
        };
        self.finish(result)
    }

    /// Leaves the instance in the state that the outcome asks for.
    fn finish<R>(&mut self, result: Result<R, Judged>) -> Result<R, HostError> {
        let Judged { error, interrupted } = match result {
            Ok(value) => {
                self.session.state.set(InstanceState::Idle);
                self.record(false);
                return Ok(value);
            }
            Err(judged) => judged,
        };
        if error.code() == ErrorCode::FuelExhausted {
            self.receipt.fuel_used = self.receipt.fuel_limit;
        }
        let poisons =
            interrupted && (self.after_trap == AfterTrap::Poison || always_poisons(&error));
        if poisons {
            self.poisoned_by = Some(error.kind().ending());
        }
        self.session.state.set(if poisons {
            InstanceState::Poisoned
        } else {
            InstanceState::Idle
        });
        self.record(is_stop(error.code()));
        Err(error)
    }

    fn record(&self, stopped: bool) {
        self.monitor.record(self.receipt.fuel_used, stopped);
        self.engine
            .counters()
            .count_call(self.receipt.fuel_used, stopped);
    }
}

/// The error of a call and whether the guest came back.
struct Judged {
    error: HostError,
    interrupted: bool,
}

/// Turns what a call ended with into what its caller is told.
fn judge<R>(
    result: Result<R, Ended>,
    guest: &mut dyn Guest,
    session: &Session,
    stopped: Option<StopReason>,
    left: i64,
) -> Result<R, Judged> {
    match result {
        Err(Ended::Interrupted(how)) => Err(Judged {
            error: outcome::explain(guest, session, how, stopped, Phase::Call),
            interrupted: true,
        }),
        // The last charge of a guest may be found only here: it passed its limit and returned.
        _ if left < 0 => Err(Judged {
            error: outcome::fuel_exhausted(Phase::Call, session.fuel_limit()),
            interrupted: true,
        }),
        Err(Ended::Returned(error)) => Err(Judged {
            error,
            interrupted: false,
        }),
        Ok(value) => Ok(value),
    }
}

fn fuel_used(limit: u64, left: i64) -> u64 {
    limit.saturating_sub(left.max(0).cast_unsigned())
}

/// Whether a call with this code counts as stopped rather than failed.
fn is_stop(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FuelExhausted | ErrorCode::Timeout | ErrorCode::Aborted | ErrorCode::OutOfMemory
    )
}

pub(super) fn check_arguments(
    args: &[Value],
    params: &[aingle_wasm_prepare::ValueType],
) -> Result<(), HostError> {
    let argument = |code: ErrorCode, value: String, allowed: String| {
        HostError::new(
            Phase::Call,
            ErrorKind::Argument {
                code,
                option: "args",
                value,
                allowed,
            },
        )
    };
    if args.len() != params.len() {
        let (found, allowed) = (
            format!("{} values", args.len()),
            format!("{} values", params.len()),
        );
        return Err(argument(ErrorCode::InvalidArgValue, found, allowed));
    }
    match args
        .iter()
        .zip(params)
        .position(|(value, ty)| value.ty() != *ty)
    {
        Some(at) => {
            let found = format!("{} at {at}", args[at].ty().as_str());
            Err(argument(
                ErrorCode::InvalidArgType,
                found,
                params[at].as_str().to_owned(),
            ))
        }
        None => Ok(()),
    }
}
