//! How much a guest may have run without a check when a call returns.
//!
//! A function without a check at its entry runs through without one, at worst. Any other has its checks, and behind the
//! last of them a tail. Functions are looked at after what they call, so that a caller knows the tails of its callees,
//! however long the chain of them is. On a cycle nobody is first: there each function answers for what it adds to the
//! tails of those that return to it, see [`MAX_ADDED`].

use crate::call_graph::Calls;
use crate::outline::Outline;

/// Most units that a function on a cycle runs between the return of a call on that cycle and its own return without a
/// check, for each unit of call depth that its frame takes. At the largest call depth of 20,000 that is 40,000 together.
pub(crate) const MAX_ADDED: u64 = 2;

/// Of each function and each type that is called through a table.
pub(crate) struct Tails<'c> {
    calls: &'c Calls,
    nodes: Vec<Tail>,
}

/// What a call may leave behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Most units since the callee's last check.
    pub(crate) behind: u64,
    /// Most units on a way through the callee without a check, if there is one.
    pub(crate) through: Option<u64>,
    /// Whether the callee leads back to the caller.
    pub(crate) cyclic: bool,
}

impl Tail {
    fn or(self, other: Self) -> Self {
        Self {
            behind: self.behind.max(other.behind),
            through: self.through.max(other.through),
            cyclic: self.cyclic,
        }
    }
}

/// What has run without a check.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// Most units on any path.
    pub(crate) units: u64,
    /// Most units since a call on a cycle returned, on paths on which one has.
    pub(crate) added: Option<u64>,
}

impl Run {
    /// One of two paths.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            units: self.units.max(other.units),
            added: self.added.max(other.added),
        }
    }

    pub(crate) fn and(self, units: u64) -> Self {
        Self {
            units: self.units + units,
            added: self.added.map(|added| added + units),
        }
    }

    /// After a call that may leave this behind.
    pub(crate) fn and_call(self, tail: Tail) -> Self {
        let checked = Self {
            units: tail.behind,
            added: tail.cyclic.then_some(0),
        };
        tail.through
            .map_or(checked, |units| self.and(units).or(checked))
    }
}

impl<'c> Tails<'c> {
    /// Knows of the functions that have no check at their entry.
    pub(crate) fn new(outline: &Outline<'_>, calls: &'c Calls) -> Self {
        let mut tails = Self {
            calls,
            nodes: vec![Tail::default(); calls.nodes()],
        };
        for (function, body) in outline.survey.bodies.iter().enumerate() {
            if body.unchecked() {
                let through = Some(body.cost);
                let ty = outline.functions[outline.imported.functions as usize + function];
                tails.add(
                    function,
                    ty,
                    Tail {
                        through,
                        ..Tail::default()
                    },
                );
            }
        }
        tails
    }

    /// Notes the units since the last check at the end of a function of this type.
    pub(crate) fn note(&mut self, function: usize, ty: u32, behind: u64) {
        // The others are known to run through.
        if self.nodes[function].through.is_none() {
            self.add(
                function,
                ty,
                Tail {
                    behind,
                    ..Tail::default()
                },
            );
        }
    }

    fn add(&mut self, function: usize, ty: u32, tail: Tail) {
        self.nodes[function] = self.nodes[function].or(tail);
        if self.calls.is_referable(function) {
            let node = self.calls.type_node(ty);
            self.nodes[node] = self.nodes[node].or(tail);
        }
    }

    /// What a call of one defined function by another may leave behind.
    pub(crate) fn of_call(&self, caller: usize, callee: usize) -> Tail {
        Tail {
            cyclic: self.calls.on_a_cycle(caller, callee),
            ..self.nodes[callee]
        }
    }

    /// What a call of any function of a type may leave behind.
    pub(crate) fn of_indirect_call(&self, caller: usize, ty: u32) -> Tail {
        self.of_call(caller, self.calls.type_node(ty))
    }

    /// Most units that a function may add to the tails of those that lead back to it.
    pub(crate) fn may_add(&self, function: usize) -> u64 {
        MAX_ADDED * u64::from(self.calls.depths[function].frame.max(1))
    }
}
