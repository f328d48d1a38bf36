//! Writes one function body in the threaded form: the original's bytes, with something else at each step of its
//! graph. If anything jumps to the function's label, there is one block more around the original, so that the counter can
//! be added to its results.

use std::ops::Range;

use wasm_encoder::{BlockType, Encode, InstructionSink, ValType};

use super::locals::{Locals, Scratch};
use super::ours::Function;
use super::{Globals, Rewriting};
use crate::call_graph::Depth;
use crate::costs::Weights;
use crate::graph::Graph;
use crate::nan::Site;
use crate::offsets::Stretch;
use crate::operators::Code;
use crate::placement::Placement;
use crate::steps::{Action, Step};
use crate::survey::Body;
use crate::{FunctionType, Interruption, PrepareConfig, ValueType};

/// The function to write.
pub(crate) struct Source<'a> {
    /// What the positions of the body are in.
    pub(crate) wasm: &'a [u8],
    pub(crate) body: &'a Body,
    pub(crate) ty: &'a FunctionType,
    pub(crate) depth: Depth,
    pub(crate) weights: &'a Weights,
    pub(crate) graph: &'a Graph,
    pub(crate) placement: &'a Placement,
    /// Where NaNs are made canonical.
    pub(crate) nans: &'a [Site],
}

/// Writes the body, locals included. Gives where its parts come from, if that is to be noted.
pub(crate) fn write(
    rewriting: &mut Rewriting<'_>,
    source: &Source<'_>,
    out: &mut Vec<u8>,
    notes: bool,
) -> Vec<Stretch> {
    let counter = source.ty.params.len() as u32;
    let hidden = source.depth.hidden();
    let mut locals = Locals::after(counter + hidden + source.body.locals);
    let PrepareConfig {
        interruption,
        sliceable,
        ..
    } = *rewriting.config;
    // More fuel means a new threshold, which a copy in a caller would not know of.
    let polls = interruption == Interruption::Stop && !sliceable && source.graph.loops;
    Writer {
        wasm: source.wasm,
        graph: source.graph,
        placement: source.placement,
        weights: source.weights,
        counter,
        hidden,
        passed_off: passed_off(source.body, source.depth),
        parked: if source.graph.parks {
            locals.add(ValType::I32)
        } else {
            0
        },
        operands: (interruption == Interruption::Stop && source.graph.bulk)
            .then(|| [locals.add(ValType::I32), locals.add(ValType::I32)]),
        threshold: polls.then(|| locals.add(ValType::I64)),
        scratch: Scratch::new(source.nans, &mut locals),
        checks: 0,
        source,
        rewriting,
        out,
        last_set: 0..0,
        stretches: notes.then(Vec::new),
    }
    .run(&locals)
}

/// Calls that a function may have to take its units of call depth off where they are passed on: an instruction less in
/// an interpreter, but with more calls the module grows.
const MAX_PASSED_OFF: usize = 2;

/// Units of call depth that a function takes off where they are passed on, and not at its entry.
pub(crate) fn passed_off(body: &Body, depth: Depth) -> u32 {
    if body.calls.len() + body.indirect_calls.len() <= MAX_PASSED_OFF {
        depth.frame
    } else {
        0
    }
}

/// The state of one copy.
pub(crate) struct Writer<'w, 'a> {
    pub(super) rewriting: &'w mut Rewriting<'a>,
    wasm: &'w [u8],
    source: &'w Source<'w>,
    graph: &'w Graph,
    placement: &'w Placement,
    pub(super) weights: &'w Weights,
    /// Local that holds the counter.
    pub(super) counter: u32,
    /// Parameters of ours.
    hidden: u32,
    /// Units of call depth to take off where they are passed on.
    passed_off: u32,
    /// Local for an `i32` that must be out of the way, where the graph parks one.
    pub(super) parked: u32,
    /// Locals for what lies below the length of work in bulk, where all of it is put away.
    pub(super) operands: Option<[u32; 2]>,
    /// Local that holds the threshold, where a loop compares with it.
    pub(super) threshold: Option<u32>,
    scratch: Scratch,
    /// Checks written so far.
    pub(super) checks: u32,
    out: &'w mut Vec<u8>,
    /// Where in `out` the counter was last set.
    last_set: Range<usize>,
    /// Where what is written comes from, if that is noted.
    stretches: Option<Vec<Stretch>>,
}

impl Writer<'_, '_> {
    fn run(mut self, locals: &Locals) -> Vec<Stretch> {
        let body = self.source.body;
        self.note(body.code as u32, false);
        locals.declare(&self.wasm[body.range.start..body.code], self.out);
        self.open();
        let (graph, mut nans) = (self.graph, self.source.nans.iter().peekable());
        let mut copied = body.code;
        for step in &graph.steps {
            while let Some(site) = nans.next_if(|site| site.position <= step.start) {
                self.copy(copied, site.position);
                copied = site.position as usize;
                self.note(site.position, false);
                self.scratch
                    .canonicalize(site.kind, &mut InstructionSink::new(self.out));
            }
            self.copy(copied, step.start);
            copied = step.end as usize;
            // What follows the last `end` is for it.
            self.note(step.start.min(body.range.end as u32 - 1), false);
            self.step(step);
        }
        self.stretches.unwrap_or_default()
    }

    /// Notes that what is written next comes from this position.
    fn note(&mut self, read: u32, copied: bool) {
        if let Some(stretches) = &mut self.stretches {
            stretches.push(Stretch {
                written: self.out.len() as u32,
                read,
                copied,
            });
        }
    }

    pub(super) fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(self.out)
    }

    pub(super) fn copy(&mut self, from: usize, to: u32) {
        self.note(from as u32, true);
        self.out.extend_from_slice(&self.wasm[from..to as usize]);
    }

    fn open(&mut self) {
        self.enter_frame();
        if let Some(local) = self.threshold {
            let threshold = self.rewriting.globals.threshold();
            self.sink().global_get(threshold).local_set(local);
        }
        if self.graph.label_used {
            let ty = self.rewriting.types.block(&self.source.ty.results);
            self.sink().block(ty);
        }
    }

    /// Stops if fewer units of call depth are left than a frame of this function takes, if it can recurse. They are taken
    /// off at once, or where they are passed on.
    fn enter_frame(&mut self) {
        let Depth {
            frame,
            carried: Some(ty),
            ..
        } = self.source.depth
        else {
            return;
        };
        if frame == 0 {
            return;
        }
        let (globals, left) = (self.rewriting.globals, self.counter + 1);
        let at_once = frame - self.passed_off;
        let out = &mut self.sink();
        out.local_get(left);
        if at_once > 0 {
            take(ty, at_once, out);
            out.local_tee(left);
        }
        globals.stop_if_too_deep(ty, frame - at_once, out);
    }

    fn step(&mut self, step: &Step) {
        match step.action {
            Action::Skip => {}
            Action::Charge { edge } => self.charge(edge),
            Action::Head { edge, check: false } => self.charge(edge),
            Action::Head { edge, check: true } => self.charge_and_check(edge),
            Action::Short { edge, most } => {
                self.read();
                self.is_short(self.owed(edge) + i64::from(most));
            }
            Action::BranchIf { edge, label } => self.branch_if(edge, label),
            Action::Else { edge } => {
                if self.placement.charge(edge) != 0 {
                    self.sink().else_();
                    self.charge(edge);
                }
            }
            Action::Return { nesting } => {
                self.sink().br(nesting);
            }
            Action::Unreachable { edge } => {
                self.pass(edge);
                let fuel = self.rewriting.globals.fuel;
                self.sink().global_set(fuel).unreachable();
            }
            Action::Call { edge, function } => {
                self.pass(edge);
                if let Some(ty) = self.rewriting.depth(function).carried {
                    self.pass_depth(ty);
                }
                self.call(function);
            }
            Action::CallImport { edge, function } => self.call_import(edge, function),
            Action::CallIndirect {
                edge,
                ty,
                table,
                index,
            } => self.call_indirect(edge, ty, table, index),
            Action::Grow { edge, code, table } => {
                self.pass(edge);
                let function = self.rewriting.ours(Function::growing(code, table));
                self.call(function);
            }
            Action::Bulk { edge, code, first } => self.bulk(step, edge, code, first),
            Action::Local { code, index } => self.local(code, index + self.hidden),
            Action::Reference { function } => {
                let function = self.rewriting.value(function);
                self.sink().ref_func(function);
            }
            Action::SetElement { table } => {
                // wasmer 6.1 takes the table of a `table.set` for another one: it counts without the imported tables
                // where it compiles and with them where it runs. `table.fill` does the same, and it gets that right.
                self.sink().i32_const(1).table_fill(table);
            }
            Action::Guard => {
                // wasmi 2.0.0 keeps values of locals on its operand stack as references to the locals, and copies those
                // when it enters a block, because the block may write the locals. Of a block with parameters it passes
                // over too many of them, and at a loop it copies from a register that holds a parameter by then. A block
                // without parameters does it right, for all that lies on the stack.
                self.sink().block(BlockType::Empty).end();
            }
            Action::GuardCondition => {
                // wasmi 2.0.0 makes one operator of `i32.eqz` and `select`, but takes the condition from a register also
                // where it lies in a local or on the stack. What is put into a local it leaves as it is.
                let parked = self.parked;
                self.sink().local_tee(parked);
            }
            Action::Converting(on) => {
                if let Some(converting) = self.rewriting.globals.converting {
                    self.sink().i32_const(on.into()).global_set(converting);
                }
            }
            Action::Close => {
                if self.graph.label_used {
                    self.sink().end();
                }
            }
            Action::Exit { edge } => self.exit(edge),
        }
    }

    #[inline]
    fn local(&mut self, code: Code, index: u32) {
        // The codes of these operators are their bytes, and most indices are numbers of one byte.
        match u8::try_from(index) {
            Ok(index @ 0..0x80) => self.out.extend_from_slice(&[code as u8, index]),
            _ => {
                self.out.push(code as u8);
                index.encode(self.out);
            }
        }
    }

    /// Puts the counter on the stack less what the edge charges.
    fn pass(&mut self, edge: u32) {
        self.read();
        self.less(edge);
    }

    /// Puts the counter on the stack.
    fn read(&mut self) {
        let counter = self.counter;
        if self.unset() {
            self.sink().local_tee(counter);
        } else {
            self.sink().local_get(counter);
        }
    }

    /// With the counter on the stack: takes off what the edge charges.
    fn less(&mut self, edge: u32) {
        let charge = self.placement.charge(edge);
        if charge != 0 {
            self.sink().i64_const(charge).i64_sub();
        }
    }

    /// Puts what is on the stack into the counter.
    fn set(&mut self) {
        let (counter, begin) = (self.counter, self.out.len());
        self.sink().local_set(counter);
        self.last_set = begin..self.out.len();
    }

    /// Leaves the counter on the stack if that is where it was just set from.
    fn unset(&mut self) -> bool {
        let just_set = self.last_set.end == self.out.len() && !self.last_set.is_empty();
        if just_set {
            self.out.truncate(self.last_set.start);
            self.last_set = 0..0;
        }
        just_set
    }

    fn charge(&mut self, edge: u32) {
        if self.placement.charge(edge) != 0 {
            if !self.unset() {
                let counter = self.counter;
                self.sink().local_get(counter);
            }
            self.less(edge);
            self.set();
        }
    }

    fn charge_and_check(&mut self, edge: u32) {
        self.pass(edge);
        if self.placement.charge(edge) != 0 {
            let counter = self.counter;
            self.sink().local_tee(counter);
        }
        let owed = self.owed(edge);
        self.check(owed);
    }

    /// What is owed in a node behind the charge at its head.
    pub(super) fn owed(&self, edge: u32) -> i64 {
        let head = self.graph.edges[edge as usize].from;
        self.placement.owed(head) - self.placement.charge(edge)
    }

    fn branch_if(&mut self, edge: u32, label: u32) {
        if self.placement.charge(edge) == 0 {
            self.sink().br_if(label);
            return;
        }
        self.sink().if_(BlockType::Empty);
        self.charge(edge);
        self.sink().br(label + 1).end();
    }

    /// With the arguments and the counter on the stack.
    fn call(&mut self, function: u32) {
        self.sink().call(function);
        self.set();
    }

    /// The host sees the exact count, and never a guest that has spent more than it has.
    fn call_import(&mut self, edge: u32, function: u32) {
        let Globals { fuel, depth, .. } = self.rewriting.globals;
        let (counter, callee) = (self.counter, self.rewriting.callee(function));
        self.charge(edge);
        self.rewriting
            .stop_if_spent(counter, &mut InstructionSink::new(self.out));
        self.sink().local_get(counter).global_set(fuel);
        self.pass_depth(ValueType::I32);
        self.sink().global_set(depth);
        self.sink().call(callee).global_get(fuel);
        self.set();
    }

    fn call_indirect(&mut self, edge: u32, ty: u32, table: u32, index: Option<u32>) {
        let element = match index {
            Some(own) if own < self.counter => own,
            Some(own) => own + self.hidden,
            None => {
                let parked = self.parked;
                self.sink().local_set(parked);
                parked
            }
        };
        let declared = &self.rewriting.outline.types[ty as usize];
        let threaded = self
            .rewriting
            .types
            .threaded(ty, declared, Some(ValueType::I32));
        self.pass(edge);
        self.pass_depth(ValueType::I32);
        self.sink()
            .local_get(element)
            .call_indirect(table, threaded);
        self.set();
    }

    /// Puts the units of call depth left for a callee on the stack, as this type. Every function that calls one that is
    /// handed them has them.
    fn pass_depth(&mut self, ty: ValueType) {
        let (left, own, off) = (self.counter + 1, self.source.depth.carried, self.passed_off);
        let out = &mut self.sink();
        out.local_get(left);
        if off > 0 {
            take(own.unwrap_or(ty), off, out);
        }
        match (own, ty) {
            (Some(ValueType::I64), ValueType::I32) => {
                out.i32_wrap_i64();
            }
            (Some(ValueType::I32), ValueType::I64) => {
                out.i64_extend_i32_s();
            }
            _ => {}
        }
    }

    fn exit(&mut self, edge: u32) {
        self.pass(edge);
        self.sink().end();
    }
}

/// Takes units off the call depth on the stack.
fn take(ty: ValueType, units: u32, out: &mut InstructionSink<'_>) {
    match ty {
        ValueType::I32 => out.i32_const(units.cast_signed()).i32_sub(),
        _ => out.i64_const(units.into()).i64_sub(),
    };
}
