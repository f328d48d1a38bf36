//! Work in bulk: charged by its length before it begins, and done in pieces where it takes long and the host may want
//! to stop it.

use wasm_encoder::{BlockType, InstructionSink, ValType};

use super::Rewriting;
use super::body::Writer;
use super::ours::{Function, body};
use crate::costs::bulk_shift;
use crate::operators::{Code, code};
use crate::steps::Step;
use crate::{FunctionType, Interruption, ValueType};

/// Most bytes that are handled at once where a guest can be interrupted.
const PIECE: i32 = 1 << 20;
/// log2 of the bytes of a page.
const PAGE_LOG2: i64 = 16;

/// A bulk operator on memory. All take a destination, a value or source, and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bulk {
    Fill,
    Copy,
    /// From this data segment.
    Init(u32),
}

impl Bulk {
    pub(crate) fn of(code: Code, first: u32) -> Option<Self> {
        match code {
            code::MEMORY_FILL => Some(Self::Fill),
            code::MEMORY_COPY => Some(Self::Copy),
            code::MEMORY_INIT => Some(Self::Init(first)),
            _ => None,
        }
    }

    fn write(self, out: &mut InstructionSink<'_>) {
        match self {
            Self::Fill => out.memory_fill(0),
            Self::Copy => out.memory_copy(0, 0),
            Self::Init(segment) => out.memory_init(0, segment),
        };
    }

    /// Type of the operator, and of the function of ours for it.
    pub(crate) fn ty() -> FunctionType {
        FunctionType {
            params: vec![ValueType::I32; 3],
            results: Vec::new(),
        }
    }
}

impl Writer<'_, '_> {
    /// Charges for the length on the stack, checks, and does the work. `edge` is the node's that begins here.
    pub(super) fn bulk(&mut self, step: &Step, edge: u32, code: Code, first: u32) {
        let (parked, counter) = (self.parked, self.counter);
        let shift = bulk_shift(code).unwrap_or(0);
        // The operator's own cost is owed as well, or the work would be done for a guest that cannot pay for it.
        let owed = self.owed(edge) + self.weights.weight(code) as i64;
        let bulk = Bulk::of(code, first);
        let put_away = self.operands.filter(|_| bulk.is_some());
        let mut out = self.sink();
        out.local_set(parked);
        if let Some([lower, upper]) = put_away {
            out.local_set(upper).local_set(lower);
        }
        out.local_get(counter).local_get(parked).i64_extend_i32_u();
        if shift > 0 {
            out.i64_const(shift).i64_shr_u();
        }
        out.i64_sub().local_tee(counter);
        self.check(owed);
        match bulk {
            Some(bulk) if self.rewriting.config.interruption != Interruption::None => {
                self.in_pieces(bulk, owed);
            }
            _ => {
                self.sink().local_get(parked);
                self.copy(step.start as usize, step.end);
            }
        }
    }

    /// With the operands on the stack except the length, which is parked.
    fn in_pieces(&mut self, bulk: Bulk, owed: i64) {
        let parked = self.parked;
        let function = self.rewriting.ours(Function::Pieces(bulk));
        if let Some([lower, upper]) = self.operands {
            // Without a block that takes parameters, see `guards`. After the pieces nothing is left to be done.
            let get_operands = |out: &mut InstructionSink<'_>| {
                out.local_get(lower).local_get(upper).local_get(parked);
            };
            let mut out = self.sink();
            out.local_get(parked)
                .i32_const(PIECE)
                .i32_gt_u()
                .if_(BlockType::Empty);
            get_operands(&mut out);
            out.call(function).i32_const(0).local_set(parked).end();
            get_operands(&mut out);
            bulk.write(&mut out);
            return;
        }
        if self.rewriting.config.sliceable {
            return self.in_pieces_that_ask(function, owed);
        }
        let ty = FunctionType {
            params: vec![ValueType::I32; 2],
            results: Vec::new(),
        };
        let ty = self.rewriting.types.function(ty);
        let mut out = self.sink();
        out.local_get(parked)
            .i32_const(PIECE)
            .i32_gt_u()
            .if_(BlockType::FunctionType(ty));
        out.local_get(parked)
            .call(function)
            .else_()
            .local_get(parked);
        bulk.write(&mut out);
        out.end();
    }

    /// The exact rest goes through its global, so that the host can be asked with it between pieces.
    fn in_pieces_that_ask(&mut self, function: u32, owed: i64) {
        let (parked, counter) = (self.parked, self.counter);
        let fuel = self.rewriting.globals.fuel;
        self.sink()
            .local_get(counter)
            .i64_const(owed)
            .i64_sub()
            .global_set(fuel)
            .local_get(parked)
            .call(function)
            .global_get(fuel)
            .i64_const(owed)
            .i64_add()
            .local_set(counter);
    }
}

impl Rewriting<'_> {
    /// The operator on a long range. What does not fit is left to the operator itself, which then traps before it has
    /// written anything.
    pub(super) fn pieces(&self, bulk: Bulk) -> Vec<u8> {
        let (destination, source, length, left, piece, offset) = (0, 1, 2, 3, 4, 5);
        let at = |place: u32, out: &mut InstructionSink<'_>| {
            out.local_get(place).local_get(offset).i32_add();
        };
        body(&[(3, ValType::I32)], |out| {
            unless_it_fits(bulk, out);
            out.local_get(destination)
                .local_get(source)
                .local_get(length);
            bulk.write(out);
            out.return_().end();
            if bulk != Bulk::Fill && bulk != Bulk::Copy {
                // Nothing, from the end of the range: traps if the segment is too short.
                out.local_get(destination)
                    .local_get(source)
                    .local_get(length)
                    .i32_add()
                    .i32_const(0);
                bulk.write(out);
            }
            out.local_get(length)
                .local_set(left)
                .loop_(BlockType::Empty);
            out.i32_const(PIECE)
                .local_get(left)
                .local_get(left)
                .i32_const(PIECE)
                .i32_gt_u()
                .select()
                .local_set(piece);
            out.local_get(left)
                .local_get(piece)
                .i32_sub()
                .local_set(left);
            // From the end, unless that would overwrite what is still to be copied.
            out.local_get(left);
            if bulk == Bulk::Copy {
                out.local_get(length)
                    .local_get(left)
                    .i32_sub()
                    .local_get(piece)
                    .i32_sub();
                out.local_get(source)
                    .local_get(destination)
                    .i32_lt_u()
                    .select();
            }
            out.local_set(offset);
            at(destination, out);
            match bulk {
                Bulk::Fill => {
                    out.local_get(source);
                }
                _ => at(source, out),
            }
            out.local_get(piece);
            bulk.write(out);
            out.local_get(left)
                .i32_eqz()
                .if_(BlockType::Empty)
                .return_()
                .end();
            self.stop_if_asked(out);
            out.br(0).end();
        })
    }
}

/// Opens an `if` for ranges that do not lie in the memory, or end beyond all addresses.
fn unless_it_fits(bulk: Bulk, out: &mut InstructionSink<'_>) {
    let (destination, source, length) = (0, 1, 2);
    let end = |place: u32, out: &mut InstructionSink<'_>| {
        out.local_get(place)
            .i64_extend_i32_u()
            .local_get(length)
            .i64_extend_i32_u()
            .i64_add();
    };
    let over_memory = |out: &mut InstructionSink<'_>| {
        out.memory_size(0)
            .i64_extend_i32_u()
            .i64_const(PAGE_LOG2)
            .i64_shl()
            .i64_gt_u();
    };
    end(destination, out);
    over_memory(out);
    if bulk != Bulk::Fill {
        end(source, out);
        if bulk == Bulk::Copy {
            over_memory(out);
        } else {
            out.i64_const(u32::MAX.into()).i64_gt_u();
        }
        out.i32_or();
    }
    out.if_(BlockType::Empty);
}
