//! Functions of ours that bodies call for rare work: growing, and charging by length. They go last, and only those
//! that are used are there.

use aingle_wasm_types::meter::Stop;
use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::Rewriting;
use super::sections::sized;
use crate::ValueType;
use crate::costs::{BULK_BYTES_LOG2, PAGE_COST};
use crate::operators::{Code, code};

/// A function of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    /// `(bytes) -> bytes`: charges ⌊bytes / 16⌋.
    ChargeBytes,
    /// `(elements) -> elements`: charges one unit each.
    ChargeElements,
    /// `(pages) -> i32`: `memory.grow` with caps and cost.
    GrowMemory,
    /// `(reference, elements) -> i32`: `table.grow` of this table with caps and cost.
    GrowTable(u32),
}

impl Helper {
    /// The helper that charges for the length on the stack before the operator, if its work depends on one.
    pub(crate) fn charging(code: Code) -> Option<Self> {
        match code {
            code::MEMORY_INIT | code::MEMORY_COPY | code::MEMORY_FILL => Some(Self::ChargeBytes),
            code::TABLE_INIT | code::TABLE_COPY | code::TABLE_FILL => Some(Self::ChargeElements),
            _ => None,
        }
    }

    /// The helper that stands in for the operator, if it grows something.
    pub(crate) fn growing(code: Code, index: u32) -> Option<Self> {
        match code {
            code::MEMORY_GROW => Some(Self::GrowMemory),
            code::TABLE_GROW => Some(Self::GrowTable(index)),
            _ => None,
        }
    }
}

/// The helpers in use, by function index.
pub(crate) struct Helpers {
    first: u32,
    used: Vec<(Helper, u32)>,
}

impl Helpers {
    pub(crate) fn new(first: u32) -> Self {
        Self {
            first,
            used: Vec::new(),
        }
    }

    /// Type index of each, in order.
    pub(crate) fn types(&self) -> impl ExactSizeIterator<Item = u32> {
        self.used.iter().map(|(_, ty)| *ty)
    }
}

impl Rewriting<'_> {
    /// Function index of the helper, which is added if it is new.
    pub(crate) fn helper(&mut self, helper: Helper) -> u32 {
        if let Some(position) = self
            .helpers
            .used
            .iter()
            .position(|(used, _)| *used == helper)
        {
            return self.helpers.first + position as u32;
        }
        let ty = match helper {
            Helper::GrowTable(table) => {
                let element = self.outline.tables[table as usize].element;
                self.types
                    .function(&[element, ValueType::I32], &[ValueType::I32])
            }
            _ => self.types.function(&[ValueType::I32], &[ValueType::I32]),
        };
        self.helpers.used.push((helper, ty));
        self.helpers.first + self.helpers.used.len() as u32 - 1
    }

    fn grow_memory(&self, out: &mut InstructionSink<'_>) {
        let pages = |out: &mut InstructionSink<'_>| {
            out.local_get(0).i64_extend_i32_u();
        };
        let max = self.outline.memories[0].max;
        out.memory_size(0).i64_extend_i32_u();
        pages(out);
        out.i64_add().local_tee(1);
        self.past_caps(self.globals.memory_cap, max, out, |out| {
            out.local_get(1);
        });
        self.refuse_or(out, |out| {
            out.local_get(0).memory_grow(0);
        });
        self.globals.charge(out, |out| {
            pages(out);
            out.i64_const(PAGE_COST).i64_mul();
        });
        out.local_get(2);
    }

    fn grow_table(&self, table: u32, out: &mut InstructionSink<'_>) {
        let elements = |out: &mut InstructionSink<'_>| {
            out.local_get(1).i64_extend_i32_u();
        };
        elements(out);
        for other in 0..self.outline.tables.len() as u32 {
            out.table_size(other).i64_extend_i32_u().i64_add();
        }
        let max = self.outline.tables[table as usize].max;
        self.past_caps(self.globals.table_cap, max, out, |out| {
            out.table_size(table).i64_extend_i32_u();
            elements(out);
            out.i64_add();
        });
        self.refuse_or(out, |out| {
            out.local_get(0).local_get(1).table_grow(table);
        });
        self.globals.charge(out, elements);
        out.local_get(2);
    }

    /// From the i64 total on the stack: whether it is over the cap, or `size` is over the declared maximum.
    fn past_caps(
        &self,
        cap: u32,
        max: Option<u32>,
        out: &mut InstructionSink<'_>,
        size: impl FnOnce(&mut InstructionSink<'_>),
    ) {
        out.global_get(cap).i64_extend_i32_u().i64_gt_u();
        if let Some(max) = max {
            size(out);
            out.i64_const(max.into()).i64_gt_u().i32_or();
        }
    }

    /// With the refusal on the stack: returns −1, or grows and stops if the engine could not.
    fn refuse_or(
        &self,
        out: &mut InstructionSink<'_>,
        grow: impl FnOnce(&mut InstructionSink<'_>),
    ) {
        out.if_(BlockType::Empty).i32_const(-1).return_().end();
        grow(out);
        out.local_tee(2)
            .i32_const(-1)
            .i32_eq()
            .if_(BlockType::Empty);
        self.globals.stop(Stop::OutOfMemory, out);
        out.end();
    }
}

/// Writes the bodies of the helpers in use, each with its size.
pub(crate) fn write_all(rewriting: &Rewriting<'_>, code: &mut Vec<u8>) {
    for &(helper, _) in &rewriting.helpers.used {
        let locals: &[(u32, ValType)] = match helper {
            Helper::ChargeBytes | Helper::ChargeElements => &[],
            // The new size and the result.
            Helper::GrowMemory => &[(1, ValType::I64), (1, ValType::I32)],
            // The result.
            Helper::GrowTable(_) => &[(1, ValType::I32)],
        };
        let mut function = Function::new(locals.iter().copied());
        let out = &mut function.instructions();
        match helper {
            Helper::ChargeBytes => charge_by_length(rewriting, out, BULK_BYTES_LOG2),
            Helper::ChargeElements => charge_by_length(rewriting, out, 0),
            Helper::GrowMemory => rewriting.grow_memory(out),
            Helper::GrowTable(table) => rewriting.grow_table(table, out),
        }
        out.end();
        sized(&function.into_raw_body(), code);
    }
}

/// Charges ⌊length / 2^shift⌋ and gives the length back. In i64, so that no length wraps.
fn charge_by_length(rewriting: &Rewriting<'_>, out: &mut InstructionSink<'_>, shift: i64) {
    rewriting.globals.charge(out, |out| {
        out.local_get(0)
            .i64_extend_i32_u()
            .i64_const(shift)
            .i64_shr_u();
    });
    out.local_get(0);
}
