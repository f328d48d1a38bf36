//! Structured control flow and branches.

use super::builder::Builder;
use super::frames::Opener;
use super::frequency::{
    BACK, CONDITIONAL_PENALTY, ELSE_PENALTY, EVEN, JUMP, OUT_OF_FUEL, OUT_OF_LOOP, ROUNDS, clamp,
};
use crate::operators::Operator;
use crate::steps::Action;
use crate::tails::Run;

impl Builder<'_> {
    /// A loop of copies does not check by itself: it asks whether there is fuel for all of them.
    pub(super) fn begin_loop(&mut self, operator: &Operator, copies: bool) {
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

    pub(super) fn begin_if(&mut self, operator: &Operator) {
        let (parameters, results) = self.arity(operator);
        self.open(Opener::If, parameters, results);
        self.guard(operator, parameters);
        let condition = self.here.map(|node| (node, self.run));
        if let Some(frame) = self.graph.frames.last_mut() {
            frame.condition = condition;
        }
        self.fall_through(operator.end, EVEN);
    }

    pub(super) fn begin_else(&mut self, operator: &Operator) {
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

    pub(super) fn end(&mut self, operator: &Operator) {
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
    pub(super) fn branch(&mut self, operator: &Operator, label: u32) {
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

    pub(super) fn branch_if(&mut self, operator: &Operator) {
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

    pub(super) fn branch_table(&mut self, operator: &Operator) {
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
}
