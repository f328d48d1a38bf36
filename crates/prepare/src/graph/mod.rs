//! Decodes one function body into its control-flow graph and the list of places where the copy will differ from the
//! original.
//!
//! Nodes are straight-line blocks; each is an edge from its head to its tail that costs what the block costs. A block
//! also ends at a call, where the counter leaves the function. While walking, the builder decides where the counter
//! is checked: at loop headers, at the entry of functions that call others, and wherever more than [`UNCHECKED`]
//! units could run without a check.

mod branches;
mod builder;
mod calls;
mod frames;
mod frequency;
mod manner;
mod nodes;

use builder::Builder;
use frames::Frame;

use crate::FunctionType;
use crate::costs::Weights;
use crate::handover::Handover;
use crate::placement::Edge;
use crate::steps::Step;
use crate::survey::Body;
use crate::tails::Tails;
use crate::unroll::Addition;

/// Most units on any way from one check to the next, calls included, where no call returns on a cycle of calls. Where
/// some do, those that return one after the other add [`MAX_ADDED`](crate::tails::MAX_ADDED) for each unit of their call
/// depth, and there is one such way before the first of them and one behind the last. All of it stays below 65,536.
pub(crate) const UNCHECKED: u64 = 8_192;

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

impl Graph {
    /// Reads `body`, the body of a function of type `ty`.
    pub(crate) fn build(&mut self, context: &Context<'_>, body: &Body, ty: &FunctionType) {
        self.edges.clear();
        self.steps.clear();
        self.frames.clear();
        self.vertices = 1;
        (self.label_used, self.loops) = (false, false);
        (self.parks, self.bulk) = (false, false);
        Builder::new(context, self, body, ty.params.len() as u32).run(body, !ty.results.is_empty());
    }
}

#[cfg(test)]
mod tests;
