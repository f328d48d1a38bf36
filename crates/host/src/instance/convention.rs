//! The call convention of one instance: how blocks of guest memory are had, framed and given back.

use aingle_wasm_codec::{CodecError, DecodeOptions, checksum, decode, encode_into};
use aingle_wasm_prepare::ValueType;
use aingle_wasm_types::abi::{self, PlainAllocator};
use aingle_wasm_types::header::HEADER_LEN;
use aingle_wasm_types::{ErrorCode, PackedResult, Phase, flags};

use super::errors;
use super::memory::range;
use super::outcome;
use crate::backend::{BackendInstance, FunctionId, Guest};
use crate::error::HostError;
use crate::instance::AbiChoice;
use crate::module::Module;
use crate::value::Slot;

/// How byte calls of one instance work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convention {
    pub(super) framing: Framing,
    pub(super) allocate: Option<Allocate>,
    pub(super) release: Release,
    pub(super) scope: Option<Scope>,
}

/// How memory of a part of a call is given back: `() -> mark`, then `(mark)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub(super) mark: FunctionId,
    pub(super) release: FunctionId,
}

/// What surrounds a payload in guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Envelope,
    Bytes,
}

/// How a block is had.
#[derive(Clone, Copy, Debug)]
pub(super) enum Allocate {
    /// `(len) -> ptr`
    Plain(FunctionId),
    /// `new(len, class) -> ptr`, then `pin(ptr) -> ptr`
    Collected { new: FunctionId, pin: FunctionId },
}

/// How blocks are given back after a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Release {
    /// The guest does it, or nobody.
    Nothing,
    /// All at once: `()`
    Arena(FunctionId),
    /// One by one: `(ptr)`
    Pointer(FunctionId),
    /// One by one: `(ptr, len)`
    Sized(FunctionId),
}

/// Why a payload was not written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unwritten {
    /// The block is not inside the memory.
    Pointer,
    /// The payload makes no envelope.
    Envelope(CodecError),
}

/// A place that the guest keeps for inputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallBuffer {
    pub(super) ptr: u32,
    pub(super) capacity: u32,
}

impl CallBuffer {
    /// Where a block of this length goes, if it fits.
    pub(super) fn room_for(self, len: u32) -> Option<u32> {
        (len <= self.capacity).then_some(self.ptr)
    }
}

/// A range of guest memory as the guest gave it: not checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ptr: u32,
    pub(crate) len: u32,
}

const I32: ValueType = ValueType::I32;

impl Convention {
    /// Finds the convention from the module's exports, without running the guest.
    pub(super) fn resolve(
        module: &Module,
        instance: &mut dyn BackendInstance,
        choice: AbiChoice,
    ) -> Self {
        let mut exports = Exports { module, instance };
        let arena = exports.first(&abi::ALLOCATE, &[I32], &[I32]);
        let framing = match choice {
            AbiChoice::Auto if arena.is_some() => Framing::Envelope,
            AbiChoice::Auto | AbiChoice::Bytes => Framing::Bytes,
            AbiChoice::Envelope => Framing::Envelope,
        };
        let (allocate, release) = match framing {
            Framing::Envelope if arena.is_some() => {
                (arena.map(Allocate::Plain), exports.arena_release())
            }
            _ => exports.plain_allocator(),
        };
        let scope = match framing {
            Framing::Envelope => exports.scope(),
            Framing::Bytes => None,
        };
        Self {
            framing,
            allocate,
            release,
            scope,
        }
    }

    /// The convention of a call inside of another one, whose blocks must stay.
    pub(super) fn within_scope(self) -> Self {
        let release = match self.release {
            Release::Arena(_) => Release::Nothing,
            release => release,
        };
        Self { release, ..self }
    }

    /// Bytes of guest memory that a payload takes; `None` if no 32-bit length can say it.
    pub(super) fn block_len(&self, payload: usize) -> Option<u32> {
        let header = match self.framing {
            Framing::Envelope => HEADER_LEN,
            Framing::Bytes => 0,
        };
        u32::try_from(payload.checked_add(header)?).ok()
    }

    /// Writes a payload into a block of exactly its framed length.
    pub(super) fn write(
        &self,
        memory: &mut [u8],
        block: Block,
        payload: &[u8],
        flags: u8,
    ) -> Result<(), Unwritten> {
        let range = range(block.ptr, block.len, memory.len()).ok_or(Unwritten::Pointer)?;
        match self.framing {
            Framing::Envelope => {
                encode_into(payload, flags, &mut memory[range]).map_err(Unwritten::Envelope)?;
            }
            Framing::Bytes => memory[range].copy_from_slice(payload),
        }
        Ok(())
    }

    /// Reads what stands in a block and hands the payload to `take`, with the envelope's flags.
    pub(super) fn read<R>(
        &self,
        memory: &[u8],
        block: Block,
        limit: usize,
        phase: Phase,
        take: impl FnOnce(&[u8], u8) -> Result<R, HostError>,
    ) -> Result<R, HostError> {
        if block.len == 0 {
            return take(&[], 0);
        }
        let bytes = range(block.ptr, block.len, memory.len()).map(|range| &memory[range]);
        let bytes = bytes.ok_or_else(|| errors::pointer(phase, block, memory.len()))?;
        if self.framing == Framing::Bytes {
            check_output(phase, bytes.len(), limit)?;
            return take(bytes, 0);
        }
        let options = DecodeOptions {
            max_bytes: limit,
            ..DecodeOptions::default()
        };
        let decoded = decode(bytes, &options).map_err(|error| errors::envelope(phase, error))?;
        take(&decoded.payload, decoded.flags)
    }
}

fn check_output(phase: Phase, len: usize, limit: usize) -> Result<(), HostError> {
    if len <= limit {
        return Ok(());
    }
    Err(outcome::over_limit(
        phase,
        ErrorCode::OutputLimit,
        limit as u64,
        len as u64,
    ))
}

impl Allocate {
    /// The calls that allocate, given a way to call the guest. Answers a pointer that is not checked.
    pub(super) fn run<E>(
        self,
        len: u32,
        mut call: impl FnMut(FunctionId, &mut [Slot]) -> Result<(), E>,
    ) -> Result<u32, E> {
        let mut slots: [Slot; 2] = [len.into(), abi::COLLECTED_BYTES_CLASS.into()];
        match self {
            Self::Plain(allocate) => call(allocate, &mut slots)?,
            Self::Collected { new, pin } => {
                call(new, &mut slots)?;
                slots[0] = Slot::from(slots[0] as u32);
                call(pin, &mut slots)?;
            }
        }
        Ok(slots[0] as u32)
    }
}

/// Lookup of exports by name and exact type.
struct Exports<'a> {
    module: &'a Module,
    instance: &'a mut dyn BackendInstance,
}

impl Exports<'_> {
    fn function(
        &mut self,
        name: &str,
        params: &[ValueType],
        results: &[ValueType],
    ) -> Option<FunctionId> {
        self.module
            .exports_function(name, params, results)
            .then(|| self.instance.function(name))?
    }

    fn first(
        &mut self,
        names: &[&str],
        params: &[ValueType],
        results: &[ValueType],
    ) -> Option<FunctionId> {
        names
            .iter()
            .find_map(|name| self.function(name, params, results))
    }

    /// Guests of the kit reset their arena; older ones free block by block.
    fn arena_release(&mut self) -> Release {
        let reset = self
            .function(abi::RESET_ARENA, &[], &[])
            .map(Release::Arena);
        let sized = |exports: &mut Self| {
            exports
                .first(&abi::DEALLOCATE, &[I32, I32], &[])
                .map(Release::Sized)
        };
        reset.or_else(|| sized(self)).unwrap_or(Release::Nothing)
    }

    fn scope(&mut self) -> Option<Scope> {
        Some(Scope {
            mark: self.function(abi::MARK, &[], &[I32])?,
            release: self.function(abi::RELEASE, &[I32], &[])?,
        })
    }

    fn plain_allocator(&mut self) -> (Option<Allocate>, Release) {
        let found = abi::PLAIN_ALLOCATORS
            .iter()
            .find_map(|allocator| self.allocator(allocator));
        found.map_or((None, Release::Nothing), |(allocate, release)| {
            (Some(allocate), release)
        })
    }

    fn allocator(&mut self, allocator: &PlainAllocator) -> Option<(Allocate, Release)> {
        Some(match *allocator {
            PlainAllocator::Malloc { allocate, free } => (
                Allocate::Plain(self.function(allocate, &[I32], &[I32])?),
                Release::Pointer(self.function(free, &[I32], &[])?),
            ),
            PlainAllocator::Sized { allocate, free } => (
                Allocate::Plain(self.function(allocate, &[I32], &[I32])?),
                Release::Sized(self.function(free, &[I32, I32], &[])?),
            ),
            PlainAllocator::Collected { new, pin, unpin } => (
                Allocate::Collected {
                    new: self.function(new, &[I32, I32], &[I32])?,
                    pin: self.function(pin, &[I32], &[I32])?,
                },
                Release::Pointer(self.function(unpin, &[I32], &[])?),
            ),
        })
    }
}

/// Checksum of a range of the guest's memory, for guests that leave hashing to the host.
pub(crate) fn checksum_of(guest: &mut dyn Guest, block: Block) -> Result<u32, HostError> {
    let memory = guest.memory();
    let size = memory.len();
    match range(block.ptr, block.len, size) {
        Some(range) => Ok(checksum(&memory[range])),
        None => Err(errors::pointer(Phase::Host, block, size)),
    }
}

/// The packed result of a successful call.
pub(super) fn packed(block: Block) -> Slot {
    PackedResult::ok(block.ptr, block.len).into_raw().into()
}

/// Flags of an input: the host waits for a reply.
pub(super) const INPUT_FLAGS: u8 = flags::EXPECTS_RESPONSE;
