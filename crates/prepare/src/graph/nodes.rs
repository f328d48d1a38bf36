//! Nodes and edges: the node being filled, and how it ends.

use super::builder::Builder;
use super::frequency::clamp;
use crate::placement::{Edge, ROOT};
use crate::steps::{Action, Step};
use crate::tails::Run;

/// A node by the edge from its head to its tail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) edge: u32,
}

impl Builder<'_> {
    /// A new node, not yet entered.
    pub(super) fn node(&mut self) -> Node {
        let head = self.graph.vertices;
        self.graph.vertices += 2;
        Node {
            edge: self.edge(head, head + 1, 0.0, false),
        }
    }

    pub(super) fn head(&self, node: Node) -> u32 {
        self.graph.edges[node.edge as usize].from
    }

    pub(super) fn tail(&self, node: Node) -> u32 {
        self.graph.edges[node.edge as usize].to
    }

    /// Adds an edge that costs nothing.
    pub(super) fn edge(&mut self, from: u32, to: u32, weight: f32, fixed: bool) -> u32 {
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
    pub(super) fn enter(&mut self, node: Node, position: usize, check: bool) {
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
    pub(super) fn spend(&mut self, units: u64) {
        if let Some(node) = self.here {
            self.graph.edges[node.edge as usize].cost += units;
        }
        if !self.assured {
            self.run = self.run.and(units);
        }
    }

    /// Makes a charge at the head of a node that has just been entered so many times as dear.
    pub(super) fn make_dearer(&mut self, node: Node, times: f32) {
        self.graph.edges[node.edge as usize].weight = clamp(self.frequency * times);
    }

    /// Ends the node being filled with an edge to `target` whose charge goes before `position`.
    pub(super) fn jump(&mut self, target: Node, position: usize, weight: f32) {
        if let Some(here) = self.here {
            let edge = self.edge(self.tail(here), self.head(target), weight, false);
            self.step(position, position, Action::Charge { edge });
        }
    }

    /// Ends the node being filled with an edge out of the function that its last operator can fold a charge into.
    pub(super) fn leave(&mut self, weight: f32) -> u32 {
        let from = self.here.map_or(ROOT, |node| self.tail(node));
        self.edge(from, ROOT, weight, false)
    }

    /// Goes on in a new node, which takes this part of the frequency.
    pub(super) fn fall_through(&mut self, position: usize, part: f32) {
        let node = self.node();
        self.frequency = clamp(self.frequency * part);
        self.jump(node, position, self.frequency);
        self.enter(node, position, false);
    }

    /// Goes on in a new node at the same frequency.
    pub(super) fn split(&mut self, position: usize, check: bool) {
        let node = self.node();
        self.jump(node, position, self.frequency);
        self.enter(node, position, check);
    }

    pub(super) fn step(&mut self, start: usize, end: usize, action: Action) {
        self.graph.steps.push(Step {
            start: start as u32,
            end: end as u32,
            action,
        });
    }
}
