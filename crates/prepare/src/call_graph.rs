//! Which functions can recurse, and how deep calls can nest without recursion.
//!
//! Nodes are the defined functions and, for indirect calls, one node for each function type. An indirect call leads to
//! its type's node, and from there to every function of that type that a table may hold. A function can recurse if it
//! lies on a cycle; only those pay for call depth at run time. All others can be on the stack once between a call from
//! outside and its return, so the heaviest chain of them is known here and is taken as a whole when the call begins.
//!
//! The units left are handed down as a parameter, to those functions that need them: that can recurse, that a table may
//! hold, that call the host, and that call any of these.

use std::collections::HashMap;

use crate::outline::{Kind, Outline};
use crate::{FunctionType, ValueType};

/// Slots of a frame that weigh as much as the frame itself.
const SLOTS_A_UNIT: u64 = 16;
/// Chains are not counted beyond this, which is more than any limit.
const MAX_CHAIN: u32 = i32::MAX as u32;

/// What a function takes of the call depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Units that each of its frames takes; 0 if it cannot recurse.
    pub(crate) frame: u32,
    /// Units of the heaviest chain of calls from it on, itself included, without the functions that can recurse.
    pub(crate) chain: u32,
    /// The type in which it is handed the units left, if it is: `i32` if a reference may stand for it or an interpreter runs it, `i64` otherwise.
    /// Code generators store an `i32` argument that does not fit into the registers as four bytes and load it as eight,
    /// which processors wait for.
    pub(crate) carried: Option<ValueType>,
}

impl Depth {
    /// Parameters that a function has more than its author gave it: the counter, and the units left if it is handed them.
    pub(crate) fn hidden(self) -> u32 {
        1 + u32::from(self.carried.is_some())
    }
}

/// Who calls whom.
pub(crate) struct Calls {
    /// The call depth of each defined function.
    pub(crate) depths: Vec<Depth>,
    /// The defined functions, what a function calls before it, except where both lie on a cycle.
    pub(crate) order: Vec<u32>,
    /// Of each node the number of its component; nodes of one lie on a cycle.
    components: Vec<u32>,
    /// For each type, the first type that equals it.
    canonical: Vec<u32>,
    /// Whether a table may hold a defined function.
    referable: Vec<bool>,
}

impl Calls {
    /// The node of a type.
    pub(crate) fn type_node(&self, ty: u32) -> usize {
        self.depths.len() + self.canonical[ty as usize] as usize
    }

    /// Whether one node leads to the other and back.
    pub(crate) fn on_a_cycle(&self, one: usize, other: usize) -> bool {
        self.components[one] == self.components[other]
    }

    pub(crate) fn is_referable(&self, function: usize) -> bool {
        self.referable[function]
    }

    /// Functions and types.
    pub(crate) fn nodes(&self) -> usize {
        self.components.len()
    }
}

/// Looks at all calls of a module.
///
/// An interpreter has no use for the units left as an `i64`.
pub(crate) fn calls(outline: &Outline<'_>, interpreted: bool) -> Calls {
    let canonical = canonical_types(outline);
    let graph = Graph::new(outline, &canonical);
    let mut search = Search::new(&graph);
    for node in 0..graph.nodes() {
        if search.order[node] == 0 {
            search.from(node);
        }
    }
    let frame = |function: usize| {
        if search.cyclic[function] {
            graph.weights[function]
        } else {
            0
        }
    };
    let functions = outline.survey.bodies.len();
    let depths = (0..functions)
        .map(|function| Depth {
            frame: frame(function),
            chain: search.chains[function],
            carried: search.carried[function].then_some(
                if interpreted || graph.referable[function] {
                    ValueType::I32
                } else {
                    ValueType::I64
                },
            ),
        })
        .collect();
    search.closed.retain(|&node| (node as usize) < functions);
    Calls {
        depths,
        order: search.closed,
        components: search.components,
        canonical,
        referable: graph.referable,
    }
}

/// 1 + ⌊slots / 16⌋ for parameters and locals; a vector takes two slots.
fn weight(ty: &FunctionType, local_slots: u64) -> u32 {
    let parameters: u64 = ty
        .params
        .iter()
        .map(|&param| if param == ValueType::V128 { 2 } else { 1 })
        .sum();
    u32::try_from(1 + (parameters + local_slots) / SLOTS_A_UNIT).unwrap_or(MAX_CHAIN)
}

/// Edges in one array, with each node's range in it.
struct Graph {
    first: Vec<usize>,
    edges: Vec<u32>,
    /// Units of one frame; nothing for the nodes of types.
    weights: Vec<u32>,
    /// Whether a reference may stand for a function.
    referable: Vec<bool>,
    /// Whether a function calls the host or may be referred to; all nodes of types.
    carried: Vec<bool>,
}

impl Graph {
    fn new(outline: &Outline<'_>, canonical: &[u32]) -> Self {
        let imported = outline.imported.functions;
        let functions = outline.survey.bodies.len();
        let referable = indirectly_callable(outline);
        let mut graph = Self {
            first: vec![0],
            edges: Vec::new(),
            weights: Vec::new(),
            carried: referable.clone(),
            referable,
        };
        for body in &outline.survey.bodies {
            let direct = outline.survey.calls[body.calls.clone()]
                .iter()
                .filter(|&&callee| callee >= imported);
            graph.edges.extend(direct.map(|&callee| callee - imported));
            let indirect = &outline.survey.indirect_calls[body.indirect_calls.clone()];
            graph.edges.extend(
                indirect
                    .iter()
                    .map(|&ty| functions as u32 + canonical[ty as usize]),
            );
            graph.first.push(graph.edges.len());
        }
        graph.add_type_nodes(outline, canonical);
        graph.weights.extend(
            outline
                .survey
                .bodies
                .iter()
                .enumerate()
                .map(|(position, body)| {
                    weight(
                        outline.function_type(imported + position as u32),
                        body.slots,
                    )
                }),
        );
        graph.weights.resize(graph.nodes(), 0);
        for (carried, body) in graph.carried.iter_mut().zip(&outline.survey.bodies) {
            *carried |= outline.survey.calls[body.calls.clone()]
                .iter()
                .any(|&callee| callee < imported);
        }
        graph.carried.resize(graph.nodes(), true);
        graph
    }

    /// Adds, for each type, edges to the functions of that type that may be called through a table.
    fn add_type_nodes(&mut self, outline: &Outline<'_>, canonical: &[u32]) {
        let mut members = vec![Vec::new(); outline.types.len()];
        for (position, &referable) in self.referable.iter().enumerate() {
            if referable {
                let function = outline.imported.functions as usize + position;
                members[canonical[outline.functions[function] as usize] as usize]
                    .push(position as u32);
            }
        }
        for list in members {
            self.edges.extend(list);
            self.first.push(self.edges.len());
        }
    }

    fn successors(&self, node: usize) -> &[u32] {
        &self.edges[self.first[node]..self.first[node + 1]]
    }

    fn nodes(&self) -> usize {
        self.first.len() - 1
    }
}

/// The state of one search for strongly connected components: Tarjan's algorithm with an explicit stack.
struct Search<'g> {
    graph: &'g Graph,
    /// When a node was first seen, from 1; 0 = not yet.
    order: Vec<u32>,
    /// The earliest node still open that a node leads to.
    low: Vec<u32>,
    open: Vec<bool>,
    stack: Vec<u32>,
    cyclic: Vec<bool>,
    chains: Vec<u32>,
    carried: Vec<bool>,
    seen: u32,
    /// Nodes of components that are complete, in order, and the number of the component of each node.
    closed: Vec<u32>,
    components: Vec<u32>,
    complete: u32,
}

impl<'g> Search<'g> {
    fn new(graph: &'g Graph) -> Self {
        let nodes = graph.nodes();
        Self {
            graph,
            order: vec![0; nodes],
            low: vec![0; nodes],
            open: vec![false; nodes],
            stack: Vec::new(),
            cyclic: vec![false; nodes],
            chains: vec![0; nodes],
            carried: graph.carried.clone(),
            seen: 0,
            closed: Vec::with_capacity(nodes),
            components: vec![0; nodes],
            complete: 0,
        }
    }

    fn from(&mut self, root: usize) {
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(&successor) = self.graph.successors(node).get(*next) else {
                path.pop();
                self.leave(node);
                if let Some(&(parent, _)) = path.last() {
                    self.low[parent] = self.low[parent].min(self.low[node]);
                }
                continue;
            };
            *next += 1;
            let successor = successor as usize;
            self.cyclic[node] |= successor == node;
            if self.order[successor] == 0 {
                self.enter(successor);
                path.push((successor, 0));
            } else if self.open[successor] {
                self.low[node] = self.low[node].min(self.order[successor]);
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.seen += 1;
        (self.order[node], self.low[node]) = (self.seen, self.seen);
        self.open[node] = true;
        self.stack.push(node as u32);
    }

    /// Closes the component that `node` is the root of, if it is one. What the component leads to is closed already.
    fn leave(&mut self, node: usize) {
        if self.low[node] != self.order[node] {
            return;
        }
        let first = self
            .stack
            .iter()
            .rposition(|&member| member as usize == node)
            .unwrap_or(0);
        let several = self.stack.len() - first > 1;
        let chain = self.chain_below(first);
        let carried = several || self.is_carried(first);
        self.complete += 1;
        for member in self.stack.drain(first..) {
            self.closed.push(member);
            let member = member as usize;
            self.components[member] = self.complete;
            self.open[member] = false;
            self.cyclic[member] |= several;
            self.carried[member] = carried;
            let own = if self.cyclic[member] {
                0
            } else {
                self.graph.weights[member]
            };
            self.chains[member] = chain.saturating_add(own).min(MAX_CHAIN);
        }
    }

    /// Whether a member of the stack from `first` on needs the units left, or calls one that does.
    fn is_carried(&self, first: usize) -> bool {
        self.stack[first..].iter().any(|&member| {
            let member = member as usize;
            let successors = self.graph.successors(member);
            self.carried[member]
                || self.cyclic[member]
                || successors.iter().any(|&next| self.carried[next as usize])
        })
    }

    /// The heaviest chain that the members of the stack from `first` on lead to.
    fn chain_below(&self, first: usize) -> u32 {
        let members = self.stack[first..].iter();
        let successors = members.flat_map(|&member| self.graph.successors(member as usize));
        successors
            .filter(|&&next| !self.open[next as usize])
            .map(|&next| self.chains[next as usize])
            .max()
            .unwrap_or(0)
    }
}

/// For each type, the first type that equals it.
fn canonical_types(outline: &Outline<'_>) -> Vec<u32> {
    let mut first = HashMap::new();
    outline
        .types
        .iter()
        .enumerate()
        .map(|(index, ty)| *first.entry(ty).or_insert(index as u32))
        .collect()
}

/// For each defined function, whether a table may hold it.
fn indirectly_callable(outline: &Outline<'_>) -> Vec<bool> {
    let imported = outline.imported.functions;
    let mut callable = vec![false; outline.survey.bodies.len()];
    let mut mark = |function: u32| {
        if function >= imported {
            callable[(function - imported) as usize] = true;
        }
    };
    let survey = &outline.survey;
    survey
        .references
        .iter()
        .chain(&survey.code_references)
        .copied()
        .for_each(&mut mark);
    if host_gives_references(outline) {
        let exported = outline
            .exports
            .iter()
            .filter(|export| export.kind == Kind::Function);
        exported.for_each(|export| mark(export.index));
    }
    callable
}

/// Whether the host can put a reference to an exported function where the guest calls it from.
fn host_gives_references(outline: &Outline<'_>) -> bool {
    let takes = |ty: &ValueType| *ty == ValueType::FuncRef;
    outline.imports.iter().any(|import| match import.kind {
        Kind::Function => outline
            .function_type(import.index)
            .results
            .iter()
            .any(takes),
        Kind::Table => true,
        Kind::Global => takes(&outline.globals[import.index as usize].value),
        Kind::Memory => false,
    }) || outline.exports.iter().any(|export| match export.kind {
        Kind::Function => outline.function_type(export.index).params.iter().any(takes),
        Kind::Table => true,
        Kind::Global => takes(&outline.globals[export.index as usize].value),
        Kind::Memory => false,
    })
}
