//! The steps of one byte call: allocate, export, read, give back. One chain of guest calls, entered once.

use aingle_wasm_types::{PackedResult, Phase, abi, flags};

use super::call::Ended;
use super::convention::{Allocate, Block, Convention, INPUT_FLAGS, Release};
use super::errors;
use crate::backend::{FunctionId, Guest};
use crate::error::HostError;
use crate::value::Slot;

/// One byte call under way.
pub(super) struct BytesCall<'a, R, F> {
    pub(super) convention: &'a Convention,
    pub(super) function: FunctionId,
    pub(super) input: &'a [u8],
    /// Where the input goes; its pointer is known once it is placed.
    pub(super) block: Block,
    /// Most payload bytes of the result.
    pub(super) output_limit: usize,
    /// Takes the output; given up when it has.
    pub(super) read: Option<F>,
    pub(super) result: Option<Result<R, HostError>>,
    pub(super) step: Step,
    /// Blocks to give back one by one, the next one last.
    pub(super) held: [Option<Block>; 2],
}

/// The guest call that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// None yet: the input has a place already.
    Placed,
    /// The allocator.
    Allocate,
    /// The pin that follows a collected language's allocator.
    Pin,
    /// The export.
    Export,
    /// A call that gives memory back.
    Release,
}

impl<R, F: FnOnce(&[u8]) -> R> BytesCall<'_, R, F> {
    /// Runs all steps.
    pub(super) fn run(mut self, guest: &mut dyn Guest) -> Result<R, Ended> {
        let mut slots = [0; 2];
        if let Some(first) = self.first(guest, &mut slots) {
            guest.call_chain(first, &mut slots, &mut |guest, slots| {
                self.next(guest, slots)
            })?;
        }
        let result = self
            .result
            .expect("a chain ends after its result is read or has failed");
        result.map_err(Ended::Returned)
    }

    fn first(&mut self, guest: &mut dyn Guest, slots: &mut [Slot]) -> Option<FunctionId> {
        let allocate = match (self.step, self.convention.allocate) {
            (Step::Allocate, Some(allocate)) => allocate,
            _ => return self.export(guest, slots),
        };
        slots[0] = self.block.len.into();
        slots[1] = abi::COLLECTED_BYTES_CLASS.into();
        Some(match allocate {
            Allocate::Plain(allocate) => allocate,
            Allocate::Collected { new, .. } => new,
        })
    }

    /// What to call after the step that has just returned.
    fn next(&mut self, guest: &mut dyn Guest, slots: &mut [Slot]) -> Option<FunctionId> {
        match (self.step, self.convention.allocate) {
            (Step::Allocate, Some(Allocate::Collected { pin, .. })) => {
                self.step = Step::Pin;
                Some(pin)
            }
            (Step::Allocate | Step::Pin, _) => self.allocated(guest, slots),
            (Step::Export, _) => {
                self.take(guest, PackedResult::from_raw(slots[0] as u64));
                self.release(slots)
            }
            (Step::Placed | Step::Release, _) => self.release_next(slots),
        }
    }

    fn allocated(&mut self, guest: &mut dyn Guest, slots: &mut [Slot]) -> Option<FunctionId> {
        self.block.ptr = slots[0] as u32;
        // 0 is how allocators fail, though it is an address.
        if self.block.ptr == 0 {
            let memory = guest.memory().len();
            self.result = Some(Err(errors::pointer(Phase::Call, self.block, memory)));
            return self.release(slots);
        }
        self.export(guest, slots)
    }

    /// Writes the input and asks for the export.
    fn export(&mut self, guest: &mut dyn Guest, slots: &mut [Slot]) -> Option<FunctionId> {
        let memory = guest.memory();
        let size = memory.len();
        if let Err(why) = self
            .convention
            .write(memory, self.block, self.input, INPUT_FLAGS)
        {
            // What the allocator answered is no block, so there is none to give back one by one.
            self.result = Some(Err(errors::unwritten(Phase::Call, why, self.block, size)));
            return self.release(slots);
        }
        if self.step != Step::Placed {
            self.held[0] = Some(self.block);
        }
        self.step = Step::Export;
        slots[0] = self.block.ptr.into();
        slots[1] = self.block.len.into();
        Some(self.function)
    }

    /// Reads the result.
    fn take(&mut self, guest: &mut dyn Guest, result: PackedResult) {
        let output = Block {
            ptr: result.ptr(),
            len: result.len(),
        };
        let within_input = |input: Block| output.ptr.wrapping_sub(input.ptr) < input.len;
        if output.len > 0 && !self.held[0].is_some_and(within_input) {
            self.held[1] = Some(output);
        }
        let read = self.read.take();
        let take = |payload: &[u8], flags: u8| {
            if result.is_error() || flags & flags::ERROR != 0 {
                return Err(errors::guest(Phase::Call, payload));
            }
            Ok(read.expect("a result is read once")(payload))
        };
        let memory = guest.memory();
        self.result =
            Some(
                self.convention
                    .read(memory, output, self.output_limit, Phase::Call, take),
            );
    }

    /// Begins to give back the memory of the call.
    fn release(&mut self, slots: &mut [Slot]) -> Option<FunctionId> {
        self.step = Step::Release;
        match self.convention.release {
            Release::Arena(reset) => {
                self.held = [None; 2];
                Some(reset)
            }
            Release::Nothing | Release::Pointer(_) | Release::Sized(_) => self.release_next(slots),
        }
    }

    fn release_next(&mut self, slots: &mut [Slot]) -> Option<FunctionId> {
        let (Release::Pointer(free) | Release::Sized(free)) = self.convention.release else {
            return None;
        };
        let block = self.held[1].take().or_else(|| self.held[0].take())?;
        slots[0] = block.ptr.into();
        slots[1] = block.len.into();
        Some(free)
    }
}
