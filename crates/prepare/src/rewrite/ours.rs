//! Functions of ours, which go after the module's own: wrappers between the counter as a global and the counter as a
//! parameter, and growing with caps and cost. Only those that are used are there.

use std::collections::HashMap;

use aingle_wasm_types::meter::Stop;
use wasm_encoder::{BlockType, InstructionSink, ValType};

use super::Rewriting;
use super::bulk::Bulk;
use super::check::LOWEST_THRESHOLD;
use super::sections::sized;
use super::types::threaded;
use crate::call_graph::Depth;
use crate::costs::PAGE_COST;
use crate::operators::{Code, code};
use crate::reserved::POLL_INTERVAL;
use crate::{FunctionType, Interruption, ValueType};

/// A function of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    /// The type of this defined function: what the host calls. Takes the counter from the global and puts it back.
    Outward(u32),
    /// The threaded type of this imported function: what references to it mean. Puts the counter and the depth into
    /// the globals for the host and takes the counter back.
    Inward(u32),
    /// The threaded type of this exported function, which no reference of the module's own stands for: what references to
    /// it mean. Takes the chain of its calls as a whole, as a call from outside does.
    Reference(u32),
    /// `(pages, counter) -> (i32, counter)`: `memory.grow` with caps and cost.
    GrowMemory,
    /// `(reference, elements, counter) -> (i32, counter)`: `table.grow` of this table with caps and cost.
    GrowTable(u32),
    /// `(i32, i32, i32) -> ()`: a bulk operator on a long range.
    Pieces(Bulk),
    /// An exported function with integers for floats and vectors.
    Exact(u32),
    /// Reads an exported global as integers.
    ExactGet(u32),
    /// Writes an exported global from integers.
    ExactSet(u32),
    /// An imported function as the module knows it, where the host's takes integers for vectors.
    ImportAdapter(u32),
    /// `() -> i64`: reads floor 0.
    Floor,
    /// `(counter) -> threshold`: asks the host whether to go on, and sets the next threshold.
    Poll,
    /// `() -> ()`: says whether a check has failed for fuel or for a floor, and traps.
    Stop,
    /// `(counter, owed) -> (counter)`: asks the host for more fuel.
    Slice,
}

impl Function {
    /// What stands in for an operator that grows the memory or this table.
    pub(crate) fn growing(code: Code, table: u32) -> Self {
        if code == code::MEMORY_GROW {
            Self::GrowMemory
        } else {
            Self::GrowTable(table)
        }
    }
}

/// Those in use, by function index.
pub(crate) struct Ours {
    first: u32,
    used: Vec<(Function, u32)>,
    index: HashMap<Function, u32>,
}

impl Ours {
    pub(crate) fn new(first: u32) -> Self {
        Self {
            first,
            used: Vec::new(),
            index: HashMap::new(),
        }
    }

    /// Those that references may stand for: index, and the function that each wraps.
    pub(crate) fn references(&self) -> impl Iterator<Item = (u32, u32)> {
        self.used
            .iter()
            .filter_map(|&(function, _)| match function {
                Function::Inward(wrapped) | Function::Reference(wrapped) => {
                    Some((self.index[&function], wrapped))
                }
                _ => None,
            })
    }

    /// Type index of each, in order.
    pub(crate) fn types(&self) -> impl ExactSizeIterator<Item = u32> {
        self.used.iter().map(|(_, ty)| *ty)
    }

    /// Index of a function that is in use.
    pub(crate) fn get(&self, function: Function) -> Option<u32> {
        self.index.get(&function).copied()
    }
}

impl Rewriting<'_> {
    /// Index of the function, which is added if it is new.
    pub(crate) fn ours(&mut self, function: Function) -> u32 {
        if let Some(index) = self.ours.get(function) {
            return index;
        }
        let outline = self.outline;
        let ty = match function {
            Function::Outward(wrapped) => outline.functions[wrapped as usize],
            Function::Inward(wrapped) | Function::Reference(wrapped) => self.types.threaded(
                outline.functions[wrapped as usize],
                outline.function_type(wrapped),
                Some(ValueType::I32),
            ),
            Function::GrowMemory => self.growing_type(vec![ValueType::I32]),
            Function::GrowTable(table) => {
                self.growing_type(vec![outline.tables[table as usize].element, ValueType::I32])
            }
            Function::Pieces(_) => self.types.function(Bulk::ty()),
            Function::Exact(wrapped) => {
                let ty = outline.function_type(wrapped);
                let crossing = self.crossing();
                self.types
                    .function(crossing.adapted(ty).unwrap_or_else(|| ty.clone()))
            }
            Function::ExactGet(global) => {
                let value = vec![outline.globals[global as usize].value];
                let ty = FunctionType {
                    params: Vec::new(),
                    results: value,
                };
                let crossing = self.crossing();
                self.types.function(crossing.adapted(&ty).unwrap_or(ty))
            }
            Function::ExactSet(global) => {
                let value = vec![outline.globals[global as usize].value];
                let ty = FunctionType {
                    params: value,
                    results: Vec::new(),
                };
                let crossing = self.crossing();
                self.types.function(crossing.adapted(&ty).unwrap_or(ty))
            }
            Function::ImportAdapter(wrapped) => outline.functions[wrapped as usize],
            Function::Floor => self.types.function(FunctionType {
                params: Vec::new(),
                results: vec![ValueType::I64],
            }),
            Function::Poll => self.types.function(FunctionType {
                params: vec![ValueType::I64],
                results: vec![ValueType::I64],
            }),
            Function::Stop => self.types.function(FunctionType {
                params: Vec::new(),
                results: Vec::new(),
            }),
            Function::Slice => self.types.function(FunctionType {
                params: vec![ValueType::I64; 2],
                results: vec![ValueType::I64],
            }),
        };
        let index = self.ours.first + self.ours.used.len() as u32;
        self.ours.used.push((function, ty));
        self.ours.index.insert(function, index);
        index
    }

    fn growing_type(&mut self, params: Vec<ValueType>) -> u32 {
        self.types.function(threaded(
            &FunctionType {
                params,
                results: vec![ValueType::I32],
            },
            None,
        ))
    }

    /// Writes the body of a function of ours.
    fn write(&self, function: Function) -> Vec<u8> {
        match function {
            Function::Outward(wrapped) => self.outward(wrapped),
            Function::Inward(wrapped) => self.inward(wrapped),
            Function::Reference(wrapped) => self.reference(wrapped),
            Function::GrowMemory => self.grow_memory(),
            Function::GrowTable(table) => self.grow_table(table),
            Function::Pieces(bulk) => self.pieces(bulk),
            Function::Floor => body(&[], |out| {
                out.global_get(self.globals.floor(0));
            }),
            Function::Exact(wrapped) => self.exact_function(wrapped),
            Function::ExactGet(global) => self.exact_get(global),
            Function::ExactSet(global) => self.exact_set(global),
            Function::ImportAdapter(wrapped) => self.import_adapter(wrapped),
            Function::Poll => self.poll(),
            Function::Stop => body(&[], |out| self.stop_for_check(out)),
            Function::Slice => self.slice(),
        }
    }

    fn outward(&self, wrapped: u32) -> Vec<u8> {
        let globals = self.globals;
        let ty = self.outline.function_type(wrapped);
        let Depth { chain, carried, .. } = self.depth(wrapped);
        let before = ty.params.len() as u32;
        let locals = carried.map(|_| (1, ValType::I32));
        body(locals.as_slice(), |out| {
            out.global_get(globals.depth);
            if carried.is_some() {
                out.local_tee(before);
            }
            globals.stop_if_too_deep(ValueType::I32, chain, out);
            get_all(ty, out);
            out.global_get(globals.fuel);
            if let Some(carried) = carried {
                out.local_get(before)
                    .i32_const(chain.cast_signed())
                    .i32_sub();
                if carried == ValueType::I64 {
                    out.i64_extend_i32_s();
                }
            }
            out.call(wrapped).global_set(globals.fuel);
            if carried.is_some() {
                // Calls of the host have left there what they had.
                out.local_get(before).global_set(globals.depth);
            }
        })
    }

    fn inward(&self, wrapped: u32) -> Vec<u8> {
        let ty = self.outline.function_type(wrapped);
        let counter = ty.params.len() as u32;
        let depth = counter + 1;
        body(&[], |out| {
            self.stop_if_spent(counter, out);
            out.local_get(counter)
                .global_set(self.globals.fuel)
                .local_get(depth)
                .global_set(self.globals.depth);
            get_all(ty, out);
            out.call(self.callee(wrapped)).global_get(self.globals.fuel);
        })
    }

    fn reference(&self, wrapped: u32) -> Vec<u8> {
        let ty = self.outline.function_type(wrapped);
        let Depth { chain, carried, .. } = self.depth(wrapped);
        let counter = ty.params.len() as u32;
        let depth = counter + 1;
        body(&[], |out| {
            out.local_get(depth)
                .i32_const(chain.cast_signed())
                .i32_sub()
                .local_tee(depth);
            self.globals.stop_if_too_deep(ValueType::I32, 0, out);
            get_all(ty, out);
            out.local_get(counter);
            pass_depth(carried, depth, out);
            out.call(wrapped);
        })
    }

    fn grow_memory(&self) -> Vec<u8> {
        let (pages, counter, size, result) = (0, 1, 2, 3);
        let max = self.outline.memories[0].max;
        body(&[(1, ValType::I64), (1, ValType::I32)], |out| {
            out.memory_size(0)
                .i64_extend_i32_u()
                .local_get(pages)
                .i64_extend_i32_u()
                .i64_add()
                .local_tee(size);
            out.global_get(self.globals.memory_cap)
                .i64_extend_i32_u()
                .i64_gt_u();
            if let Some(max) = max {
                out.local_get(size)
                    .i64_const(max.into())
                    .i64_gt_u()
                    .i32_or();
            }
            refuse(counter, out);
            out.local_get(pages);
            self.hooks.grow_memory(out);
            out.local_tee(result);
            self.refused(self.outline.imported.memories > 0, counter, out);
            out.local_get(counter)
                .local_get(pages)
                .i64_extend_i32_u()
                .i64_const(PAGE_COST)
                .i64_mul()
                .i64_sub();
            out.local_set(counter);
            self.stop_if_spent(counter, out);
            out.local_get(result).local_get(counter);
        })
    }

    fn grow_table(&self, table: u32) -> Vec<u8> {
        let (reference, elements, counter, result) = (0, 1, 2, 3);
        let max = self.outline.tables[table as usize].max;
        body(&[(1, ValType::I32)], |out| {
            out.local_get(elements).i64_extend_i32_u();
            for other in 0..self.outline.tables.len() as u32 {
                out.table_size(other).i64_extend_i32_u().i64_add();
            }
            out.global_get(self.globals.table_cap)
                .i64_extend_i32_u()
                .i64_gt_u();
            if let Some(max) = max {
                out.table_size(table)
                    .i64_extend_i32_u()
                    .local_get(elements)
                    .i64_extend_i32_u()
                    .i64_add();
                out.i64_const(max.into()).i64_gt_u().i32_or();
            }
            refuse(counter, out);
            out.local_get(reference).local_get(elements);
            self.hooks
                .grow_table(table, self.outline.tables[table as usize].element, out);
            out.local_tee(result);
            self.refused(table < self.outline.imported.tables, counter, out);
            out.local_get(counter)
                .local_get(elements)
                .i64_extend_i32_u()
                .i64_sub()
                .local_set(counter);
            self.stop_if_spent(counter, out);
            out.local_get(result).local_get(counter);
        })
    }

    fn poll(&self) -> Vec<u8> {
        let (counter, next) = (0, 1);
        body(&[(1, ValType::I64)], |out| {
            self.stop_if_asked(out);
            out.local_get(counter)
                .i64_const(POLL_INTERVAL as i64)
                .i64_sub()
                .local_tee(next);
            out.i64_const(LOWEST_THRESHOLD)
                .local_get(next)
                .i64_const(LOWEST_THRESHOLD)
                .i64_gt_s()
                .select();
            out.local_tee(next)
                .global_set(self.globals.threshold())
                .local_get(next);
        })
    }

    fn slice(&self) -> Vec<u8> {
        let (counter, owed, left) = (0, 1, 2);
        body(&[(1, ValType::I64)], |out| {
            out.local_get(counter).local_get(owed).i64_sub();
            self.hooks.slice(out);
            out.local_tee(left)
                .i64_const(0)
                .i64_lt_s()
                .if_(BlockType::Empty);
            self.globals.stop(Stop::Fuel, out);
            out.end();
            if self.config.interruption == Interruption::Stop {
                // The old threshold belongs to what was left before.
                out.i64_const(i64::MAX).global_set(self.globals.threshold());
            }
            out.local_get(left)
                .global_set(self.globals.fuel)
                .local_get(left)
                .local_get(owed)
                .i64_add();
        })
    }

    /// With the engine's answer on the stack: a refusal below the cap stops the guest, unless what it grows is
    /// imported and may have a maximum of its own.
    fn refused(&self, imported: bool, counter: u32, out: &mut InstructionSink<'_>) {
        out.i32_const(-1).i32_eq();
        if imported {
            return refuse(counter, out);
        }
        out.if_(BlockType::Empty);
        self.globals.stop(Stop::OutOfMemory, out);
        out.end();
    }

    /// Stops, or asks for more, if the exact counter is negative.
    pub(super) fn stop_if_spent(&self, counter: u32, out: &mut InstructionSink<'_>) {
        out.local_get(counter)
            .i64_const(0)
            .i64_lt_s()
            .if_(BlockType::Empty);
        match self.ours.get(Function::Slice) {
            Some(slice) => {
                out.local_get(counter)
                    .i64_const(0)
                    .call(slice)
                    .local_set(counter);
            }
            None => self.globals.stop(Stop::Fuel, out),
        }
        out.end();
    }
}

/// With the condition on the stack: gives −1 and the counter as it is.
fn refuse(counter: u32, out: &mut InstructionSink<'_>) {
    out.if_(BlockType::Empty)
        .i32_const(-1)
        .local_get(counter)
        .return_()
        .end();
}

/// Passes the depth in an `i32` local on, as the callee takes it.
fn pass_depth(carried: Option<ValueType>, local: u32, out: &mut InstructionSink<'_>) {
    match carried {
        None => {}
        Some(ValueType::I32) => {
            out.local_get(local);
        }
        Some(_) => {
            out.local_get(local).i64_extend_i32_s();
        }
    }
}

/// Puts all parameters on the stack.
fn get_all(ty: &FunctionType, out: &mut InstructionSink<'_>) {
    for parameter in 0..ty.params.len() as u32 {
        out.local_get(parameter);
    }
}

/// A body with these locals.
pub(super) fn body(
    locals: &[(u32, ValType)],
    write: impl FnOnce(&mut InstructionSink<'_>),
) -> Vec<u8> {
    let mut function = wasm_encoder::Function::new(locals.iter().copied());
    let out = &mut function.instructions();
    write(out);
    out.end();
    function.into_raw_body()
}

/// Writes the bodies of the functions in use, each with its size.
pub(crate) fn write_all(rewriting: &Rewriting<'_>, code: &mut Vec<u8>) {
    for &(function, _) in &rewriting.ours.used {
        sized(&rewriting.write(function), code);
    }
}
