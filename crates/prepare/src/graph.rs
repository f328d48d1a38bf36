//! Decodes one function body into its control-flow graph and the list of places where the copy will differ from the
//! original.
//!
//! Nodes are straight-line blocks; each is an edge from its head to its tail that costs what the block costs. A block
//! also ends at a call, where the counter leaves the function. While walking, the builder decides where the counter
//! is checked: at loop headers, at the entry of functions that call others, and wherever more than [`UNCHECKED`]
//! units could run without a check.

use crate::FunctionType;
use crate::costs::{Weights, bulk_shift, entry_cost};
use crate::handover::{FOLDED, Handover};
use crate::operators::{BlockType, CODES, Code, Decoder, Operator, code, is_trapping_conversion};
use crate::placement::{Edge, ROOT};
use crate::reach::Reach;
use crate::rewrite::bulk::Bulk;
use crate::steps::{Action, Step};
use crate::survey::Body;
use crate::tails::{Run, Tail, Tails};
use crate::unroll::Addition;

/// Most units on any way from one check to the next, calls included, where no call returns on a cycle of calls. Where
/// some do, those that return one after the other add [`MAX_ADDED`](crate::tails::MAX_ADDED) for each unit of their call
/// depth, and there is one such way before the first of them and one behind the last. All of it stays below 65,536.
pub(crate) const UNCHECKED: u64 = 8_192;

/// Frequencies stay within these, however deep loops and branches nest.
const FREQUENCIES: (f32, f32) = (1e-30, 1e30);
/// Rounds that a loop is taken to run.
const ROUNDS: f32 = 10.0;
/// How often a conditional branch is taken to jump: back to a loop, out of a loop, elsewhere.
const BACK: f32 = 0.9;
const OUT_OF_LOOP: f32 = 0.1;
const EVEN: f32 = 0.5;
/// How often the copies of a loop are left for the loop itself.
const OUT_OF_FUEL: f32 = 1e-3;
/// A charge on a conditional branch needs a branch of its own and breaks loop inversion in code generators.
const CONDITIONAL_PENALTY: f32 = 3.0;
/// A charge where an `else` is missing needs one.
const ELSE_PENALTY: f32 = 1.1;
/// Forward branches are taken to be the rarer way.
const JUMP: f32 = 0.3;
/// What of a module the builder has to know.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) wasm: &'a [u8],
    pub(crate) types: &'a [FunctionType],
    /// Type index of each function, imported ones first.
    pub(crate) functions: &'a [u32],
    pub(crate) weights: &'a Weights,
    pub(crate) tails: &'a Tails<'a>,
    /// Of the defined functions, the one to read.
    pub(crate) function: usize,
    pub(crate) imported_functions: u32,
    pub(crate) imported_tables: u32,
    /// Operators that unrolling has added, in order.
    pub(crate) added: &'a [(u32, Addition)],
    /// Whether conversions that can trap are marked.
    pub(crate) marks_conversions: bool,
    /// Whether what wasmi 2.0.0 gets wrong is guarded.
    pub(crate) guards: bool,
    /// How dear charges are where the counter is handed over.
    pub(crate) handover: Handover,
}

/// The graph and the steps of one function; kept between functions for its buffers.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) edges: Vec<Edge>,
    pub(crate) steps: Vec<Step>,
    pub(crate) vertices: u32,
    /// Whether anything jumps to the function's label.
    pub(crate) label_used: bool,
    /// Whether there is a loop.
    pub(crate) loops: bool,
    /// Whether an `i32` has to be parked.
    pub(crate) parks: bool,
    /// Whether memory is worked on in bulk.
    pub(crate) bulk: bool,
    /// Most units since the last check where the function returns.
    pub(crate) tail: u64,
    frames: Vec<Frame>,
}

/// A node by the edge from its head to its tail.
#[derive(Clone, Copy, Debug)]
struct Node {
    edge: u32,
}

/// What a frame was opened by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    Function,
    Block,
    /// The block in front of a loop that has copies, which are in it.
    Exact,
    /// The block around a copy of a loop's body: its end is the next round.
    Copy,
    Loop,
    If,
    Else,
}

/// An open block.
#[derive(Debug)]
struct Frame {
    opener: Opener,
    /// Whether a branch to its label takes operands.
    operands: bool,
    /// Whether it takes parameters.
    parameters: bool,
    frequency: f32,
    loops: u32,
    /// The node a branch to its label leads to: for a loop its header, for others made by the first branch.
    target: Option<Node>,
    /// What has run unchecked at that node, as far as known.
    run: Run,
    /// Of an `if`: the node with the condition, and what has run unchecked there.
    condition: Option<(Node, Run)>,
    /// Number of the last `br_table` that led here.
    table: u32,
}

impl Graph {
    /// Reads `body`, the body of a function of type `ty`.
    pub(crate) fn build(&mut self, context: &Context<'_>, body: &Body, ty: &FunctionType) {
        self.edges.clear();
        self.steps.clear();
        self.frames.clear();
        self.vertices = 1;
        (self.label_used, self.loops) = (false, false);
        (self.parks, self.bulk) = (false, false);
        let decoder = Decoder::new(&context.wasm[..body.range.end], body.code);
        Builder {
            context,
            graph: self,
            decoder,
            parameters: ty.params.len() as u32,
            here: None,
            frequency: 1.0,
            run: Run::default(),
            loops: 0,
            tables: 0,
            previous: code::NOP,
            read: None,
            added: context.added,
            assured: false,
        }
        .run(body, ty);
    }
}

/// The state of one walk.
struct Builder<'a> {
    context: &'a Context<'a>,
    graph: &'a mut Graph,
    decoder: Decoder<'a>,
    parameters: u32,
    /// The node being filled; `None` where code cannot be reached.
    here: Option<Node>,
    frequency: f32,
    /// What has run unchecked before here.
    run: Run,
    /// Loops open.
    loops: u32,
    /// Branch tables seen.
    tables: u32,
    /// The operator before this one that does anything.
    previous: Code,
    /// Where the operator before this one begins and which local it reads, if it is a `local.get`.
    read: Option<(usize, u32)>,
    /// Of the operators that unrolling has added, those to come.
    added: &'a [(u32, Addition)],
    /// Whether there is fuel for all that is here: in the copies of a loop. Nothing is unchecked then.
    assured: bool,
}

impl Builder<'_> {
    fn run(mut self, body: &Body, ty: &FunctionType) {
        self.open(Opener::Function, false, !ty.results.is_empty());
        let entry = self.node();
        self.edge(ROOT, self.head(entry), 1.0, true);
        self.enter(entry, body.code, !body.unchecked());
        self.spend(entry_cost(body.locals));
        let mut reach = Reach::default();
        let (mut end, mut pending) = (body.code, 0);
        while let Some(operator) = self.decoder.operator() {
            let Some(dead) = reach.pass(operator.code) else {
                continue;
            };
            if dead {
                self.step(end, operator.start, Action::Skip);
            }
            end = operator.end;
            let weight = self.context.weights.weight(operator.code);
            if self.run.units + pending + weight <= UNCHECKED && self.is_plain(&operator) {
                pending += weight;
                self.previous = operator.code;
                self.read = read_by(&operator);
            } else {
                self.spend(std::mem::take(&mut pending));
                self.operator(&operator);
            }
        }
    }

    /// Whether an operator does nothing here but cost, as most do. The copy of one that accesses a declared local is noted.
    #[inline]
    fn is_plain(&mut self, operator: &Operator) -> bool {
        match MANNERS[usize::from(operator.code)] {
            Manner::Plain => true,
            Manner::Constant => self.context.added.is_empty(),
            Manner::Local => {
                self.local(operator);
                true
            }
            Manner::Other => false,
        }
    }

    /// Notes an access to a declared local.
    #[inline]
    fn local(&mut self, operator: &Operator) {
        let Operator {
            code, first: index, ..
        } = *operator;
        if index >= self.parameters {
            let action = Action::Local { code, index };
            self.step(operator.start, operator.end, action);
        }
    }

    fn operator(&mut self, operator: &Operator) {
        let addition = self.addition(operator);
        let weight = match addition {
            Some(_) => 0,
            None => self.context.weights.weight(operator.code),
        };
        if self.must_check(operator, weight) {
            self.split(operator.start, true);
        }
        self.before(operator);
        let previous = self.previous;
        if operator.code != code::NOP {
            self.previous = operator.code;
        }
        self.spend(weight);
        match operator.code {
            code::BLOCK => {
                let (parameters, results) = self.arity(operator);
                let opener = match addition {
                    Some(Addition::Exact) => Opener::Exact,
                    Some(_) => Opener::Copy,
                    None => Opener::Block,
                };
                self.open(opener, parameters, results);
                self.guard(operator, parameters);
            }
            code::LOOP => self.begin_loop(operator, addition.is_some()),
            code::I32_CONST if addition.is_some() => self.short(operator),
            code::IF => self.begin_if(operator),
            code::ELSE => self.begin_else(operator),
            code::END => self.end(operator),
            code::BR => self.branch(operator, operator.first),
            code::RETURN => {
                let nesting = self.graph.frames.len() as u32 - 1;
                self.branch(operator, nesting);
                self.step(operator.start, operator.end, Action::Return { nesting });
            }
            code::BR_IF => self.branch_if(operator),
            code::BR_TABLE => self.branch_table(operator),
            code::UNREACHABLE => {
                let edge = self.leave(FOLDED);
                self.step(operator.start, operator.end, Action::Unreachable { edge });
                self.here = None;
            }
            code::CALL | code::CALL_INDIRECT | code::MEMORY_GROW | code::TABLE_GROW => {
                self.call(operator)
            }
            code::LOCAL_GET | code::LOCAL_SET | code::LOCAL_TEE => self.local(operator),
            code::REF_FUNC if operator.first < self.context.imported_functions => {
                self.step(
                    operator.start,
                    operator.end,
                    Action::Reference {
                        function: operator.first,
                    },
                );
            }
            code::SELECT | code::TYPED_SELECT
                if self.context.guards && !cannot_be_eqz(previous) =>
            {
                self.graph.parks = true;
                self.step(operator.start, operator.start, Action::GuardCondition);
            }
            code::TABLE_SET if self.is_own_beside_imported(operator.first) => {
                let table = operator.first;
                self.step(operator.start, operator.end, Action::SetElement { table });
            }
            code if self.context.marks_conversions && is_trapping_conversion(code) => {
                self.step(operator.start, operator.start, Action::Converting(true));
                self.step(operator.end, operator.end, Action::Converting(false));
            }
            _ => {}
        }
        self.read = read_by(operator);
    }

    /// Whether too much could run unchecked with this operator of this weight.
    fn must_check(&self, operator: &Operator, weight: u64) -> bool {
        let Run { units, added } = self.run;
        if self.here.is_none() || units == 0 && added.is_none() {
            return false;
        }
        let through = self.callee_tail(operator).and_then(|tail| tail.through);
        let ahead = weight + through.unwrap_or(0);
        ahead > 0 && units > 0 && units + ahead > UNCHECKED
            || added.is_some_and(|added| {
                added + weight > self.context.tails.may_add(self.context.function)
                    && self.may_return(operator)
            })
    }

    /// Whether the function may return by this operator.
    fn may_return(&self, operator: &Operator) -> bool {
        let label = self.graph.frames.len() as u32 - 1;
        match operator.code {
            code::RETURN => true,
            code::END => label == 0,
            code::BR | code::BR_IF => operator.first == label,
            code::BR_TABLE => self.decoder.targets(operator).any(|target| target == label),
            _ => false,
        }
    }

    /// What a call of a defined function may leave behind.
    fn callee_tail(&self, operator: &Operator) -> Option<Tail> {
        let Context {
            tails,
            function,
            imported_functions,
            ..
        } = *self.context;
        match operator.code {
            code::CALL => {
                let callee = operator.first.checked_sub(imported_functions)?;
                Some(tails.of_call(function, callee as usize))
            }
            code::CALL_INDIRECT => Some(tails.of_indirect_call(function, operator.first)),
            _ => None,
        }
    }

    fn is_own_beside_imported(&self, table: u32) -> bool {
        let imported = self.context.imported_tables;
        imported > 0 && table >= imported
    }

    /// What unrolling has added this operator for, if it has.
    fn addition(&mut self, operator: &Operator) -> Option<Addition> {
        while let [(next, addition), rest @ ..] = self.added {
            if *next as usize >= operator.start {
                return (*next as usize == operator.start).then_some(*addition);
            }
            self.added = rest;
        }
        None
    }

    /// The constant is replaced by a condition. An edge that is never run makes so much owed there that the counter
    /// can be compared as it is.
    fn short(&mut self, operator: &Operator) {
        if let Some(here @ Node { edge }) = self.here {
            let most = operator.first;
            self.step(operator.start, operator.end, Action::Short { edge, most });
            let tie = self.edge(self.tail(here), ROOT, 1.0, true);
            self.graph.edges[tie as usize].cost = most.into();
        }
    }

    /// Work in bulk begins a node, so that what is owed there is known to the check before the work.
    fn before(&mut self, operator: &Operator) {
        if bulk_shift(operator.code).is_none() {
            return;
        }
        self.split(operator.start, false);
        if let Some(Node { edge }) = self.here {
            let action = Action::Bulk {
                edge,
                code: operator.code,
                first: operator.first,
            };
            self.step(operator.start, operator.end, action);
        }
        self.graph.parks = true;
        self.graph.bulk |= Bulk::of(operator.code, operator.first).is_some();
        self.run = Run::default();
    }

    /// A loop of copies does not check by itself: it asks whether there is fuel for all of them.
    fn begin_loop(&mut self, operator: &Operator, copies: bool) {
        let (parameters, _) = self.arity(operator);
        let frequency = self.frequency;
        let header = self.node();
        self.jump(header, operator.start, frequency);
        self.loops += 1;
        self.graph.loops = true;
        self.open(Opener::Loop, parameters, parameters);
        self.guard(operator, parameters);
        if let Some(frame) = self.graph.frames.last_mut() {
            frame.target = Some(header);
        }
        self.frequency = clamp(frequency * ROUNDS);
        self.enter(header, operator.end, !copies);
        self.run = Run::default();
        self.assured = copies;
    }

    fn begin_if(&mut self, operator: &Operator) {
        let (parameters, results) = self.arity(operator);
        self.open(Opener::If, parameters, results);
        self.guard(operator, parameters);
        let condition = self.here.map(|node| (node, self.run));
        if let Some(frame) = self.graph.frames.last_mut() {
            frame.condition = condition;
        }
        self.fall_through(operator.end, EVEN);
    }

    fn begin_else(&mut self, operator: &Operator) {
        self.join_from_here(operator);
        let Some(frame) = self.graph.frames.last_mut() else {
            return;
        };
        frame.opener = Opener::Else;
        self.frequency = frame.frequency;
        if let Some((condition, run)) = frame.condition {
            self.here = Some(condition);
            self.run = run;
            self.fall_through(operator.end, EVEN);
        }
    }

    fn end(&mut self, operator: &Operator) {
        let Some(opener) = self.graph.frames.last().map(|frame| frame.opener) else {
            return;
        };
        match opener {
            Opener::Loop => {
                self.loops -= 1;
                self.assured = false;
            }
            Opener::If => {
                self.join_from_here(operator);
                self.missing_else(operator);
            }
            _ if self
                .graph
                .frames
                .last()
                .is_some_and(|frame| frame.target.is_some()) =>
            {
                self.join_from_here(operator)
            }
            _ => {}
        }
        let Some(frame) = self.graph.frames.pop() else {
            return;
        };
        self.frequency = match opener {
            Opener::Exact => clamp(frame.frequency * OUT_OF_FUEL),
            _ => frame.frequency,
        };
        if opener == Opener::Function {
            self.step(operator.start, operator.end, Action::Close);
        }
        match frame.target {
            Some(join) if opener != Opener::Loop => {
                self.run = frame.run;
                self.enter(join, operator.end, false);
                if frame.operands {
                    self.make_dearer(join, self.context.handover.results);
                }
            }
            _ if self.here.is_none() => {
                // Reached by nothing, but written as if it were.
                let node = self.node();
                self.enter(node, operator.end, false);
            }
            _ => {}
        }
        if opener == Opener::Function {
            self.graph.tail = self.run.units;
            let edge = self.leave(self.frequency * self.context.handover.exit);
            self.step(operator.end, operator.end, Action::Exit { edge });
        }
    }

    /// The edge of an `if` without `else` from its condition to its end.
    fn missing_else(&mut self, operator: &Operator) {
        let join = self.target(0);
        let Some(frame) = self.graph.frames.last_mut() else {
            return;
        };
        let (parameters, frequency) = (frame.parameters, frame.frequency);
        if let Some((condition, run)) = frame.condition {
            frame.run = frame.run.or(run);
            let edge = self.edge(
                self.tail(condition),
                self.head(join),
                frequency * EVEN * ELSE_PENALTY,
                parameters,
            );
            self.step(operator.start, operator.start, Action::Else { edge });
        }
    }

    /// Falls from here into the end of the innermost block.
    fn join_from_here(&mut self, operator: &Operator) {
        if self.here.is_some() {
            let join = self.target(0);
            self.reach(0);
            let dearer = if self.frame(0).operands {
                self.context.handover.results
            } else {
                1.0
            };
            self.jump(join, operator.start, self.frequency * dearer);
        }
        self.here = None;
    }

    /// An unconditional branch.
    fn branch(&mut self, operator: &Operator, label: u32) {
        let back = self.is_loop(label);
        let target = self.target(label);
        self.reach(label);
        self.jump(
            target,
            operator.start,
            if back {
                self.frequency
            } else {
                self.frequency * JUMP
            },
        );
        self.here = None;
    }

    fn branch_if(&mut self, operator: &Operator) {
        let label = operator.first;
        let Some(here) = self.here else { return };
        let target = self.target(label);
        self.reach(label);
        let loops = self.loops;
        let frame = self.frame(label);
        let taken = match frame.opener {
            Opener::Loop | Opener::Copy => BACK,
            Opener::Exact => OUT_OF_FUEL,
            _ if frame.loops < loops => OUT_OF_LOOP,
            _ => EVEN,
        };
        let fixed = frame.operands;
        let weight = self.frequency * taken * CONDITIONAL_PENALTY;
        let edge = self.edge(self.tail(here), self.head(target), weight, fixed);
        self.step(
            operator.start,
            operator.end,
            Action::BranchIf { edge, label },
        );
        self.fall_through(operator.end, 1.0 - taken);
    }

    fn branch_table(&mut self, operator: &Operator) {
        self.tables += 1;
        let Some(here) = self.here else { return };
        for label in self.decoder.targets(operator) {
            let table = self.tables;
            let frame = self.frame(label);
            if std::mem::replace(&mut frame.table, table) != table {
                let target = self.target(label);
                self.reach(label);
                self.edge(self.tail(here), self.head(target), self.frequency, true);
            }
        }
        self.here = None;
    }

    /// The counter leaves the function, and comes back.
    fn call(&mut self, operator: &Operator) {
        let edge = self.leave(self.frequency * self.context.handover.call);
        let Operator {
            code,
            first,
            second,
            start,
            end,
        } = *operator;
        let (mut begin, mut index) = (start, None);
        if code == code::CALL_INDIRECT
            && let Some((at, local)) = self.take_read()
        {
            (begin, index) = (at, Some(local));
        }
        let action = match code {
            code::CALL if first < self.context.imported_functions => Action::CallImport {
                edge,
                function: first,
            },
            code::CALL => Action::Call {
                edge,
                function: first,
            },
            code::CALL_INDIRECT => Action::CallIndirect {
                edge,
                ty: first,
                table: second,
                index,
            },
            _ => Action::Grow {
                edge,
                code,
                table: first,
            },
        };
        self.graph.parks |= matches!(action, Action::CallIndirect { index: None, .. });
        self.step(begin, end, action);
        self.run = self
            .callee_tail(operator)
            .map_or(Run::default(), |tail| self.run.and_call(tail));
        let next = self.node();
        self.edge(ROOT, self.head(next), 1.0, true);
        self.enter(next, end, false);
        self.make_dearer(next, self.context.handover.after_call);
    }

    /// Makes a charge at the head of a node that has just been entered so many times as dear.
    fn make_dearer(&mut self, node: Node, times: f32) {
        self.graph.edges[node.edge as usize].weight = clamp(self.frequency * times);
    }

    /// Takes back the `local.get` before this operator, if nothing has been put between them: it will be read later.
    fn take_read(&mut self) -> Option<(usize, u32)> {
        let (start, local) = self.read?;
        let steps = &mut self.graph.steps;
        let own = local >= self.parameters;
        if own
            && steps.last().is_some_and(|step| {
                step.start as usize == start && matches!(step.action, Action::Local { .. })
            })
        {
            steps.pop();
        }
        let free = steps.last().is_none_or(|step| step.end as usize <= start);
        free.then_some((start, local))
    }

    /// Opens a frame at the current place.
    fn open(&mut self, opener: Opener, parameters: bool, operands: bool) {
        self.graph.frames.push(Frame {
            opener,
            operands,
            parameters,
            frequency: self.frequency,
            loops: self.loops,
            target: None,
            run: Run::default(),
            condition: None,
            table: 0,
        });
    }

    /// Guards the block that the operator opens, if it has parameters.
    fn guard(&mut self, operator: &Operator, parameters: bool) {
        if self.context.guards && parameters {
            self.step(operator.start, operator.start, Action::Guard);
        }
    }

    /// Whether the block takes parameters, and whether it gives results.
    fn arity(&self, operator: &Operator) -> (bool, bool) {
        match self.decoder.block_type(operator) {
            BlockType::Empty => (false, false),
            BlockType::Value(_) => (false, true),
            BlockType::Function(index) => {
                let ty = &self.context.types[index as usize];
                (!ty.params.is_empty(), !ty.results.is_empty())
            }
        }
    }

    fn frame(&mut self, label: u32) -> &mut Frame {
        let position = self.graph.frames.len() - 1 - label as usize;
        &mut self.graph.frames[position]
    }

    fn is_loop(&mut self, label: u32) -> bool {
        self.frame(label).opener == Opener::Loop
    }

    /// The node that a branch to the label leads to.
    fn target(&mut self, label: u32) -> Node {
        if let Some(target) = self.frame(label).target {
            return target;
        }
        let node = self.node();
        let frame = self.frame(label);
        frame.target = Some(node);
        let function = frame.opener == Opener::Function;
        self.graph.label_used |= function;
        node
    }

    /// Notes how far from a check the label can be reached.
    fn reach(&mut self, label: u32) {
        let run = self.run;
        let frame = self.frame(label);
        frame.run = frame.run.or(run);
    }

    /// A new node, not yet entered.
    fn node(&mut self) -> Node {
        let head = self.graph.vertices;
        self.graph.vertices += 2;
        Node {
            edge: self.edge(head, head + 1, 0.0, false),
        }
    }

    fn head(&self, node: Node) -> u32 {
        self.graph.edges[node.edge as usize].from
    }

    fn tail(&self, node: Node) -> u32 {
        self.graph.edges[node.edge as usize].to
    }

    /// Adds an edge that costs nothing.
    fn edge(&mut self, from: u32, to: u32, weight: f32, fixed: bool) -> u32 {
        self.graph.edges.push(Edge {
            from,
            to,
            cost: 0,
            weight: clamp(weight),
            fixed,
        });
        self.graph.edges.len() as u32 - 1
    }

    /// Begins to fill `node` at `position`.
    fn enter(&mut self, node: Node, position: usize, check: bool) {
        self.graph.edges[node.edge as usize].weight = clamp(self.frequency);
        self.step(
            position,
            position,
            Action::Head {
                edge: node.edge,
                check,
            },
        );
        if check {
            self.run = Run::default();
        }
        self.here = Some(node);
    }

    /// Adds units to the node being filled.
    fn spend(&mut self, units: u64) {
        if let Some(node) = self.here {
            self.graph.edges[node.edge as usize].cost += units;
        }
        if !self.assured {
            self.run = self.run.and(units);
        }
    }

    /// Ends the node being filled with an edge to `target` whose charge goes before `position`.
    fn jump(&mut self, target: Node, position: usize, weight: f32) {
        if let Some(here) = self.here {
            let edge = self.edge(self.tail(here), self.head(target), weight, false);
            self.step(position, position, Action::Charge { edge });
        }
    }

    /// Ends the node being filled with an edge out of the function that its last operator can fold a charge into.
    fn leave(&mut self, weight: f32) -> u32 {
        let from = self.here.map_or(ROOT, |node| self.tail(node));
        self.edge(from, ROOT, weight, false)
    }

    /// Goes on in a new node, which takes this part of the frequency.
    fn fall_through(&mut self, position: usize, part: f32) {
        let node = self.node();
        self.frequency = clamp(self.frequency * part);
        self.jump(node, position, self.frequency);
        self.enter(node, position, false);
    }

    /// Goes on in a new node at the same frequency.
    fn split(&mut self, position: usize, check: bool) {
        let node = self.node();
        self.jump(node, position, self.frequency);
        self.enter(node, position, check);
    }

    fn step(&mut self, start: usize, end: usize, action: Action) {
        self.graph.steps.push(Step {
            start: start as u32,
            end: end as u32,
            action,
        });
    }
}

/// Where a `local.get` begins, and the local that it reads.
#[inline]
fn read_by(operator: &Operator) -> Option<(usize, u32)> {
    (operator.code == code::LOCAL_GET).then_some((operator.start, operator.first))
}

/// What the builder does with an operator.
#[derive(Clone, Copy)]
enum Manner {
    /// Counts what it costs.
    Plain,
    /// The same, unless unrolling has added it.
    Constant,
    /// The same, and notes the local it accesses.
    Local,
    /// More than that.
    Other,
}

const MANNERS: [Manner; CODES] = {
    let mut table = [Manner::Plain; CODES];
    let mut code = 0;
    while code < CODES {
        table[code] = manner(code as Code);
        code += 1;
    }
    table
};

const fn manner(code: Code) -> Manner {
    match code {
        code::UNREACHABLE..=code::CALL_INDIRECT
        | code::SELECT
        | code::TYPED_SELECT
        | code::TABLE_SET
        | code::MEMORY_GROW
        | code::REF_FUNC
        | code::MEMORY_INIT..=code::TABLE_FILL => Manner::Other,
        code if is_trapping_conversion(code) => Manner::Other,
        code::I32_CONST => Manner::Constant,
        code::LOCAL_GET | code::LOCAL_SET | code::LOCAL_TEE => Manner::Local,
        _ => Manner::Plain,
    }
}

/// Whether what an operator gives is surely no comparison of an `i32` with zero, also when an engine has simplified it.
fn cannot_be_eqz(code: Code) -> bool {
    // `i32.lt_s` to `f64.ge`: comparisons other than those for equality of an `i32`.
    let ordered = 0x48..=0x66;
    let loads = 0x28..=0x35;
    [
        code::LOCAL_GET,
        code::GLOBAL_GET,
        code::I32_CONST,
        code::CALL,
    ]
    .contains(&code)
        || ordered.contains(&code)
        || loads.contains(&code)
}

fn clamp(frequency: f32) -> f32 {
    frequency.clamp(FREQUENCIES.0, FREQUENCIES.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Costs;
    use crate::placement::Placement;
    use crate::validate::accepted;

    /// The graph of the last function of a module in text form.
    fn graph(text: &str) -> Graph {
        let wasm = wat::parse_str(text).unwrap();
        let weights = Weights::new(&Costs::default());
        let outline = accepted(&wasm);
        let calls = crate::call_graph::calls(&outline, false);
        let context = Context {
            wasm: &wasm,
            types: &outline.types,
            functions: &outline.functions,
            weights: &weights,
            tails: &Tails::new(&outline, &calls),
            function: outline.survey.bodies.len() - 1,
            imported_functions: outline.imported.functions,
            imported_tables: outline.imported.tables,
            added: &[],
            marks_conversions: false,
            guards: false,
            handover: Handover::COMPILED,
        };
        let function = outline.functions.len() as u32 - 1;
        let mut graph = Graph::default();
        graph.build(
            &context,
            outline.survey.bodies.last().unwrap(),
            outline.function_type(function),
        );
        graph
    }

    fn checks(graph: &Graph) -> usize {
        graph
            .steps
            .iter()
            .filter(|step| matches!(step.action, Action::Head { check: true, .. }))
            .count()
    }

    #[test]
    fn a_leaf_is_one_node_without_a_check() {
        let graph =
            graph("(module (func (param i32) (result i32) local.get 0 i32.const 1 i32.add))");
        assert_eq!((graph.vertices, checks(&graph)), (3, 0));
        assert_eq!(graph.edges.iter().map(|edge| edge.cost).sum::<u64>(), 3);
    }

    #[test]
    fn loops_and_entries_of_callers_are_checked() {
        let checks_of =
            |body: &str| checks(&graph(&format!("(module (func $leaf) (func {body}))")));
        assert_eq!(checks_of("loop end"), 1);
        assert_eq!(checks_of("call $leaf"), 1);
        assert_eq!(checks_of("loop loop end end loop call $leaf end"), 4);
        assert_eq!(checks_of("block i32.const 0 br_if 0 end"), 0);
        let long = "i32.const 0 drop ".repeat(20_000);
        assert_eq!(checks_of(&long), 1 + 40_000 / UNCHECKED as usize);
    }

    #[test]
    fn code_that_cannot_be_reached_is_skipped_and_costs_nothing() {
        let graph = graph(
            "(module (func (result i32) i32.const 1 return block i32.const 2 drop end i32.const 3))",
        );
        let skipped: u32 = graph
            .steps
            .iter()
            .filter(|step| matches!(step.action, Action::Skip))
            .map(|step| step.end - step.start)
            .sum();
        assert_eq!(skipped, 8);
        assert_eq!(graph.edges.iter().map(|edge| edge.cost).sum::<u64>(), 2);
    }

    #[test]
    fn a_branch_with_operands_carries_no_charge() {
        let graph = graph(
            "(module (func (param i32) (result i32)
               block (result i32) i32.const 1 local.get 0 br_if 0 i32.const 2 i32.add end))",
        );
        let mut placement = Placement::default();
        placement.place(graph.vertices, &graph.edges);
        for (position, edge) in graph.edges.iter().enumerate() {
            assert!(!edge.fixed || (edge.cost == 0 && placement.charge(position as u32) == 0));
        }
        assert!(graph.steps.iter().any(|step| match step.action {
            Action::BranchIf { edge, .. } => graph.edges[edge as usize].fixed,
            _ => false,
        }));
    }

    #[test]
    fn steps_do_not_overlap() {
        let graph = graph(
            "(module (func $f (param i32) (local i32)
               loop local.get 1 local.get 0 if local.get 1 call $f else br 1 end local.set 1 unreachable end))",
        );
        let mut end = 0;
        for step in &graph.steps {
            assert!(step.start >= end && step.end >= step.start, "{step:?}");
            end = step.end;
        }
    }
}
