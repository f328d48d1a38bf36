//! Builds the prepared module in the threaded form: every defined function takes the fuel left as its last parameter
//! and gives it back as its last result, so that the counter lives in a register across calls.
//!
//! What is ours goes to the ends of the sections, so that no index of the module's own changes.

pub(crate) mod adapters;
mod body;
pub(crate) mod bulk;
mod check;
mod elements;
mod hooks;
mod local_names;
mod locals;
mod ours;
mod sections;
pub(crate) mod types;

use std::collections::HashSet;
use std::ops::Range;

use aingle_wasm_types::meter::{self, Stop};
use wasm_encoder::InstructionSink;

use crate::call_graph::{Calls, Depth, calls};
use crate::costs::Weights;
use crate::graph::{Context, Graph};
use crate::handover::Handover;
use crate::nan::Nans;
use crate::offsets::BodyOffsets;
use crate::outline::{Kind, Outline};
use crate::placement::Placement;
use crate::tails::Tails;
use crate::unroll::Unrolled;
use crate::{Adapters, FunctionType, Growth, Interruption, PrepareConfig, ValueType, reserved};
use adapters::Crossing;
use hooks::Hooks;
use ours::{Function, Ours};
use types::Types;

/// Rewrites a validated module, and notes in `offsets` where the parts of its functions come from.
///
/// # Errors
/// - What the parser says of a section that it has read before; it has nothing to say then.
pub(crate) fn rewrite(
    outline: &Outline<'_>,
    config: &PrepareConfig,
    weights: &Weights,
    offsets: Option<&mut Vec<BodyOffsets>>,
) -> wasmparser::Result<Rewritten> {
    let mut types = Types::new(&outline.types);
    let floors = if config.interruption == Interruption::Floors {
        check::MIN_FLOORS
    } else {
        0
    };
    let calls = calls(outline, config.is_interpreted());
    let mut rewriting = Rewriting {
        outline,
        config,
        hooks: Hooks::new(outline, config, &mut types),
        floors,
        calls: &calls,
        globals: Globals::after(outline, config),
        types,
        function_types: Vec::new(),
        ours: Ours::new(outline.functions.len() as u32),
    };
    rewriting.declare();
    let code = rewriting.code(weights, offsets);
    Ok(Rewritten {
        bytes: sections::assemble(&rewriting, &code)?,
        references: rewriting.references(),
    })
}

/// What a rewriting gives.
pub(crate) struct Rewritten {
    pub(crate) bytes: Vec<u8>,
    /// [`ModuleInfo::references`](crate::ModuleInfo::references).
    pub(crate) references: Vec<(u32, FunctionType)>,
}

/// Bodies, each with its size before it.
struct Bodies {
    /// The module's, callees before those that call them.
    code: Vec<u8>,
    /// Where in it each function's is, in the order of the functions.
    places: Vec<Range<usize>>,
    ours: Vec<u8>,
}

/// Everything the steps of one rewriting share.
struct Rewriting<'a> {
    outline: &'a Outline<'a>,
    config: &'a PrepareConfig,
    calls: &'a Calls,
    globals: Globals,
    hooks: Hooks,
    /// Floors in use.
    floors: u32,
    types: Types,
    /// Type index of each of the module's defined functions.
    function_types: Vec<u32>,
    ours: Ours,
}

impl Rewriting<'_> {
    /// Adds what the module's declarations ask for: threaded types, wrappers of exported functions, and wrappers of
    /// imported functions that are values.
    fn declare(&mut self) {
        let outline = self.outline;
        if self.config.sliceable {
            self.ours(Function::Slice);
        }
        for function in outline.imported.functions..outline.functions.len() as u32 {
            let depth = self.depth(function).carried;
            let declared = outline.functions[function as usize];
            self.function_types.push(self.types.threaded(
                declared,
                outline.function_type(function),
                depth,
            ));
        }
        let exported = outline
            .exports
            .iter()
            .filter(|export| export.kind == Kind::Function);
        for function in exported.map(|export| export.index).chain(outline.start) {
            if !self.is_imported(function) {
                self.ours(Function::Outward(function));
            }
        }
        if self.config.adapters != Adapters::None {
            self.declare_adapters();
        }
        for &function in outline
            .survey
            .references
            .iter()
            .chain(&outline.survey.code_references)
        {
            if self.is_imported(function) {
                self.ours(Function::Inward(function));
            }
        }
        if outline.functions_cross() {
            self.declare_references();
        }
    }

    /// Adds what references to exported functions mean, where the module itself has none.
    fn declare_references(&mut self) {
        let outline = self.outline;
        let referenced: HashSet<u32> = outline
            .survey
            .references
            .iter()
            .chain(&outline.survey.code_references)
            .copied()
            .collect();
        for export in &outline.exports {
            if export.kind != Kind::Function {
                continue;
            }
            if self.is_imported(export.index) {
                self.ours(Function::Inward(export.index));
            } else if !referenced.contains(&export.index) {
                self.ours(Function::Reference(export.index));
            }
        }
    }

    /// Adds the functions through which floats and vectors cross as integers.
    fn declare_adapters(&mut self) {
        let outline = self.outline;
        for function in 0..outline.imported.functions {
            if let Some(ty) = Crossing::Vectors.adapted(outline.function_type(function)) {
                self.types.function(ty);
                self.ours(Function::ImportAdapter(function));
            }
        }
        for export in &outline.exports {
            match export.kind {
                Kind::Function
                    if self
                        .crossing()
                        .adapted(outline.function_type(export.index))
                        .is_some() =>
                {
                    self.ours(Function::Exact(export.index));
                }
                Kind::Global => self.declare_global_adapters(export.index),
                _ => {}
            }
        }
    }

    fn declare_global_adapters(&mut self, global: u32) {
        let ty = self.outline.globals[global as usize];
        if self.crossing().integers(ty.value).is_some() {
            self.ours(Function::ExactGet(global));
            if ty.mutable {
                self.ours(Function::ExactSet(global));
            }
        }
    }

    /// Type index that the imported function has for the host.
    fn import_type(&self, function: u32) -> u32 {
        let declared = self.outline.functions[function as usize];
        if self.callee(function) == function {
            return declared;
        }
        let adapted = Crossing::Vectors.adapted(self.outline.function_type(function));
        adapted
            .and_then(|ty| self.types.get(&ty))
            .unwrap_or(declared)
    }

    /// The function to call in place of this imported one.
    fn callee(&self, function: u32) -> u32 {
        self.ours
            .get(Function::ImportAdapter(function))
            .unwrap_or(function)
    }

    /// The function to export in place of this one.
    fn export(&self, function: u32) -> u32 {
        self.ours
            .get(Function::Outward(function))
            .unwrap_or_else(|| self.callee(function))
    }

    /// The function to refer to in place of this one.
    fn value(&self, function: u32) -> u32 {
        let ours = self.ours.get(Function::Inward(function));
        ours.or_else(|| self.ours.get(Function::Reference(function)))
            .unwrap_or(function)
    }

    /// The functions that a reference in the host's hands may stand for, if the host needs to be told.
    fn references(&self) -> Vec<(u32, FunctionType)> {
        let outline = self.outline;
        if self.config.adapters == Adapters::None || !outline.functions_cross() {
            return Vec::new();
        }
        let mut own: Vec<u32> = outline
            .survey
            .references
            .iter()
            .chain(&outline.survey.code_references)
            .copied()
            .filter(|function| !self.is_imported(*function))
            .collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter()
            .map(|function| (function, function))
            .chain(self.ours.references())
            .map(|(index, wrapped)| (index, outline.function_type(wrapped).clone()))
            .collect()
    }

    /// The call depth of a defined function.
    fn depth(&self, function: u32) -> Depth {
        self.calls.depths[(function - self.outline.imported.functions) as usize]
    }

    fn is_imported(&self, function: u32) -> bool {
        function < self.outline.imported.functions
    }

    /// All bodies: the module's, then ours.
    fn code(&mut self, weights: &Weights, offsets: Option<&mut Vec<BodyOffsets>>) -> Bodies {
        let outline = self.outline;
        let calls = self.calls;
        let mut tails = Tails::new(outline, calls);
        let (mut unrolled, mut nans) = (Unrolled::default(), Nans::default());
        let (mut graph, mut placement) = (Graph::default(), Placement::default());
        let (mut code, mut out) = (Vec::with_capacity(outline.wasm.len()), Vec::new());
        let mut places = vec![0..0; calls.order.len()];
        let mut notes = vec![BodyOffsets::default(); calls.order.len()];
        for position in calls.order.iter().map(|&position| position as usize) {
            let body = &outline.survey.bodies[position];
            let function = outline.imported.functions + position as u32;
            let ty = outline.function_type(function);
            let context = Context {
                wasm: outline.wasm,
                types: &outline.types,
                functions: &outline.functions,
                weights,
                tails: &tails,
                function: position,
                imported_functions: outline.imported.functions,
                imported_tables: outline.imported.tables,
                added: &[],
                marks_conversions: self.config.mark_conversions,
                guards: self.config.growth == Growth::Host,
                handover: if self.config.is_interpreted() {
                    Handover::interpreted(ty, body::passed_off(body, calls.depths[position]) > 0)
                } else {
                    Handover::COMPILED
                },
            };
            let loops = &outline.survey.small_loops[body.small_loops.clone()];
            let copy;
            let (context, body) = if self.config.unrolls() && !loops.is_empty() {
                copy = unrolled.unroll(outline.wasm, body, loops, weights);
                let context = Context {
                    wasm: &unrolled.bytes,
                    added: &unrolled.added,
                    ..context
                };
                (context, &copy)
            } else {
                (context, body)
            };
            graph.build(&context, body, ty);
            if self.config.canonicalize_nans {
                nans.find(&context, body, ty);
            }
            placement.place(graph.vertices, &graph.edges);
            out.clear();
            let source = body::Source {
                wasm: context.wasm,
                body,
                ty,
                depth: calls.depths[position],
                weights,
                graph: &graph,
                placement: &placement,
                nans: &nans.sites,
            };
            let written = body::write(self, &source, &mut out, offsets.is_some());
            if offsets.is_some() {
                let unrolled = unrolled.take_stretches();
                notes[position] = BodyOffsets { written, unrolled };
            }
            tails.note(position, outline.functions[function as usize], graph.tail);
            let begin = code.len();
            sections::sized(&out, &mut code);
            places[position] = begin..code.len();
        }
        if let Some(offsets) = offsets {
            offsets.extend(notes);
        }
        let mut ours = Vec::new();
        ours::write_all(self, &mut ours);
        Bodies { code, places, ours }
    }
}

impl Rewriting<'_> {
    /// The reserved globals in the order of their indices.
    fn reserved_globals(&self) -> Vec<Reserved> {
        let Globals {
            fuel,
            status,
            depth,
            memory_cap,
            table_cap,
            converting,
            ..
        } = self.globals;
        let (i32, i64) = (ValueType::I32, ValueType::I64);
        let global = |name: &str, index, ty, initial| Reserved {
            name: name.to_owned(),
            index,
            ty,
            initial,
        };
        let mut reserved = vec![
            global(meter::FUEL, fuel, i64, 0),
            global(meter::STATUS, status, i32, 0),
            global(meter::DEPTH, depth, i32, 0),
            global(meter::MEMORY_CAP, memory_cap, i32, self.config.memory_pages),
            global(meter::TABLE_CAP, table_cap, i32, self.config.table_elements),
        ];
        reserved.extend(converting.map(|index| global(reserved::CONVERTING, index, i32, 0)));
        let floor = |number| {
            global(
                &format!("{}{number}", reserved::FLOOR),
                self.globals.floor(number),
                i64,
                0,
            )
        };
        reserved.extend((0..self.floors).map(floor));
        if self.config.interruption == Interruption::Stop {
            reserved.push(global(
                reserved::THRESHOLD,
                self.globals.threshold(),
                i64,
                0,
            ));
        }
        reserved
    }
}

/// A reserved global.
struct Reserved {
    name: String,
    index: u32,
    ty: ValueType,
    initial: u32,
}

/// Indices of the reserved globals.
#[derive(Clone, Copy)]
struct Globals {
    fuel: u32,
    status: u32,
    depth: u32,
    memory_cap: u32,
    table_cap: u32,
    converting: Option<u32>,
    /// The first of those that belong to a form of interruption.
    first_of_form: u32,
}

impl Globals {
    fn after(outline: &Outline<'_>, config: &PrepareConfig) -> Self {
        let first = outline.globals.len() as u32;
        let converting = config.mark_conversions.then_some(first + 5);
        Self {
            fuel: first,
            status: first + 1,
            depth: first + 2,
            memory_cap: first + 3,
            table_cap: first + 4,
            converting,
            first_of_form: first + 5 + u32::from(converting.is_some()),
        }
    }

    /// Writes why, then traps.
    fn stop(self, why: Stop, out: &mut InstructionSink<'_>) {
        out.i32_const(why.as_i32())
            .global_set(self.status)
            .unreachable();
    }

    /// With the units of call depth left on the stack, as this type: stops if they are fewer than these.
    fn stop_if_too_deep(self, ty: ValueType, needed: u32, out: &mut InstructionSink<'_>) {
        match ty {
            ValueType::I32 => out.i32_const(needed.cast_signed()).i32_lt_s(),
            _ => out.i64_const(needed.into()).i64_lt_s(),
        };
        out.if_(wasm_encoder::BlockType::Empty);
        self.stop(Stop::Depth, out);
        out.end();
    }
}
