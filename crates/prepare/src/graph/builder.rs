//! The walk over the operators of a body.

use super::frames::Opener;
use super::manner::{MANNERS, Manner, cannot_be_eqz};
use super::nodes::Node;
use super::{Context, Graph, UNCHECKED};
use crate::costs::{bulk_shift, entry_cost};
use crate::handover::FOLDED;
use crate::operators::{Code, Decoder, Operator, code, is_trapping_conversion};
use crate::placement::ROOT;
use crate::reach::Reach;
use crate::rewrite::bulk::Bulk;
use crate::steps::Action;
use crate::survey::Body;
use crate::tails::Run;
use crate::unroll::Addition;

/// The state of one walk.
pub(super) struct Builder<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) graph: &'a mut Graph,
    pub(super) decoder: Decoder<'a>,
    pub(super) parameters: u32,
    /// The node being filled; `None` where code cannot be reached.
    pub(super) here: Option<Node>,
    pub(super) frequency: f32,
    /// What has run unchecked before here.
    pub(super) run: Run,
    /// Loops open.
    pub(super) loops: u32,
    /// Branch tables seen.
    pub(super) tables: u32,
    /// The operator before this one that does anything.
    previous: Code,
    /// Where the operator before this one begins and which local it reads, if it is a `local.get`.
    pub(super) read: Option<(usize, u32)>,
    /// Of the operators that unrolling has added, those to come.
    pub(super) added: &'a [(u32, Addition)],
    /// Whether there is fuel for all that is here: in the copies of a loop. Nothing is unchecked then.
    pub(super) assured: bool,
}

impl<'a> Builder<'a> {
    /// Before `body`, the body of a function that takes so many parameters.
    pub(super) fn new(
        context: &'a Context<'a>,
        graph: &'a mut Graph,
        body: &Body,
        parameters: u32,
    ) -> Self {
        Self {
            context,
            graph,
            decoder: Decoder::new(&context.wasm[..body.range.end], body.code),
            parameters,
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
    }

    /// Walks over the body of a function that gives results or none.
    pub(super) fn run(mut self, body: &Body, results: bool) {
        self.open(Opener::Function, false, results);
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
}

/// Where a `local.get` begins, and the local that it reads.
#[inline]
fn read_by(operator: &Operator) -> Option<(usize, u32)> {
    (operator.code == code::LOCAL_GET).then_some((operator.start, operator.first))
}
