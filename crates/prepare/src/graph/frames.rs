//! Open blocks, and the nodes that branches to their labels lead to.

use super::builder::Builder;
use super::nodes::Node;
use crate::operators::{BlockType, Operator};
use crate::steps::Action;
use crate::tails::Run;

/// What a frame was opened by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opener {
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
pub(super) struct Frame {
    pub(super) opener: Opener,
    /// Whether a branch to its label takes operands.
    pub(super) operands: bool,
    /// Whether it takes parameters.
    pub(super) parameters: bool,
    pub(super) frequency: f32,
    pub(super) loops: u32,
    /// The node a branch to its label leads to: for a loop its header, for others made by the first branch.
    pub(super) target: Option<Node>,
    /// What has run unchecked at that node, as far as known.
    pub(super) run: Run,
    /// Of an `if`: the node with the condition, and what has run unchecked there.
    pub(super) condition: Option<(Node, Run)>,
    /// Number of the last `br_table` that led here.
    pub(super) table: u32,
}

impl Builder<'_> {
    /// Opens a frame at the current place.
    pub(super) fn open(&mut self, opener: Opener, parameters: bool, operands: bool) {
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
    pub(super) fn guard(&mut self, operator: &Operator, parameters: bool) {
        if self.context.guards && parameters {
            self.step(operator.start, operator.start, Action::Guard);
        }
    }

    /// Whether the block takes parameters, and whether it gives results.
    pub(super) fn arity(&self, operator: &Operator) -> (bool, bool) {
        match self.decoder.block_type(operator) {
            BlockType::Empty => (false, false),
            BlockType::Value(_) => (false, true),
            BlockType::Function(index) => {
                let ty = &self.context.types[index as usize];
                (!ty.params.is_empty(), !ty.results.is_empty())
            }
        }
    }

    pub(super) fn frame(&mut self, label: u32) -> &mut Frame {
        let position = self.graph.frames.len() - 1 - label as usize;
        &mut self.graph.frames[position]
    }

    pub(super) fn is_loop(&mut self, label: u32) -> bool {
        self.frame(label).opener == Opener::Loop
    }

    /// The node that a branch to the label leads to.
    pub(super) fn target(&mut self, label: u32) -> Node {
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
    pub(super) fn reach(&mut self, label: u32) {
        let run = self.run;
        let frame = self.frame(label);
        frame.run = frame.run.or(run);
    }
}
