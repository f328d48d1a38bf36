//! Where the counter is charged: a pure function from a control-flow graph to a constant for each edge.
//!
//! Costs sit on some edges; charges may sit on others, as long as along every path from the root back to the root
//! both sum to the same. So a spanning tree can be kept free of charges (Ball and Larus): walking the tree gives each
//! vertex a potential, the units that are *owed* there, which is what has been executed on the way and not been
//! charged; every edge outside the tree charges what makes the potentials at its ends agree. The tree takes the edges
//! that run most often, so what is left to charge runs rarely.

/// The vertex at which every path begins and ends. Nothing is owed there.
pub(crate) const ROOT: u32 = 0;

/// An edge of the graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Units that executing the edge costs.
    pub(crate) cost: u64,
    /// How dear a charge here is: about how often the edge runs. Positive and finite.
    pub(crate) weight: f32,
    /// No charge can be written here. Such edges cost nothing, or are never run.
    pub(crate) fixed: bool,
}

/// Charges and potentials of one graph; kept between functions for its buffers.
#[derive(Default)]
pub(crate) struct Placement {
    charges: Vec<i64>,
    owed: Vec<i64>,
    order: Vec<u64>,
    forest: Forest,
}

impl Placement {
    /// Places the charges of a graph with `vertices` vertices.
    pub(crate) fn place(&mut self, vertices: u32, edges: &[Edge]) {
        self.forest.reset(vertices);
        self.charges.clear();
        self.charges.resize(edges.len(), 0);
        // Fixed ones go first, in any order that is always the same.
        for (position, edge) in edges.iter().enumerate().filter(|(_, edge)| edge.fixed) {
            self.charges[position] = self.forest.join(edge);
        }
        self.sort(edges);
        for &key in &self.order {
            let position = key as u32 as usize;
            self.charges[position] = self.forest.join(&edges[position]);
        }
        let (root, at_root) = self.forest.find(ROOT);
        self.owed.clear();
        for vertex in 0..vertices {
            let (other, owed) = self.forest.find(vertex);
            // A vertex that is not connected with the root is never executed.
            self.owed
                .push(if other == root { owed - at_root } else { owed });
        }
    }

    /// Units to charge where this edge runs; may be negative.
    pub(crate) fn charge(&self, edge: u32) -> i64 {
        self.charges[edge as usize]
    }

    /// Units executed but not yet charged whenever this vertex is passed; negative where they are charged ahead.
    pub(crate) fn owed(&self, vertex: u32) -> i64 {
        self.owed[vertex as usize]
    }

    /// Orders the edges that are not fixed by how much they should be in the tree: the heaviest first.
    fn sort(&mut self, edges: &[Edge]) {
        self.order.clear();
        // Positive floats are ordered as their bits are.
        let keys = edges.iter().enumerate().filter(|(_, edge)| !edge.fixed);
        let keys =
            keys.map(|(position, edge)| u64::from(!edge.weight.to_bits()) << 32 | position as u64);
        self.order.extend(keys);
        self.order.sort_unstable();
    }
}

/// Sets of connected vertices, each vertex with the difference of its potential to its parent's.
#[derive(Default)]
struct Forest {
    parent: Vec<u32>,
    above: Vec<i64>,
    size: Vec<u32>,
}

impl Forest {
    fn reset(&mut self, vertices: u32) {
        self.parent.clear();
        self.parent.extend(0..vertices);
        self.above.clear();
        self.above.resize(vertices as usize, 0);
        self.size.clear();
        self.size.resize(vertices as usize, 1);
    }

    /// The representative of the vertex's set, and the vertex's potential over it. Halves the path it walks.
    fn find(&mut self, vertex: u32) -> (u32, i64) {
        let (mut vertex, mut above) = (vertex as usize, 0);
        loop {
            let parent = self.parent[vertex] as usize;
            if parent == vertex {
                return (vertex as u32, above);
            }
            self.above[vertex] += self.above[parent];
            self.parent[vertex] = self.parent[parent];
            above += self.above[vertex];
            vertex = self.parent[vertex] as usize;
        }
    }

    /// Takes the edge into the tree if its ends are not connected yet; otherwise gives what it has to charge.
    fn join(&mut self, edge: &Edge) -> i64 {
        let (from, above_from) = self.find(edge.from);
        let (to, above_to) = self.find(edge.to);
        let difference = above_from + edge.cost as i64 - above_to;
        if from == to {
            return difference;
        }
        let (child, parent, above) = if self.size[from as usize] < self.size[to as usize] {
            (from, to, -difference)
        } else {
            (to, from, difference)
        };
        self.parent[child as usize] = parent;
        self.above[child as usize] = above;
        self.size[parent as usize] += self.size[child as usize];
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edge(from: u32, to: u32, cost: u64, weight: f32) -> Edge {
        Edge {
            from,
            to,
            cost,
            weight,
            fixed: false,
        }
    }

    fn placed(vertices: u32, edges: &[Edge]) -> Placement {
        let mut placement = Placement::default();
        placement.place(vertices, edges);
        placement
    }

    #[test]
    fn a_loop_is_charged_once_a_round() {
        // root → 1 =(3)=> 2 → 3 =(7)=> 4 → 3 (again), 4 → root
        let edges = [
            edge(ROOT, 1, 0, 1.0),
            edge(1, 2, 3, 1.0),
            edge(2, 3, 0, 1.0),
            edge(3, 4, 7, 10.0),
            edge(4, 3, 0, 9.0),
            edge(4, ROOT, 0, 0.1),
        ];
        let placement = placed(5, &edges);
        let charges: Vec<_> = (0..6).map(|edge| placement.charge(edge)).collect();
        assert_eq!(charges, [0, 0, 0, 0, 7, 10]);
        assert_eq!(placement.owed(3), 3);
    }

    #[test]
    fn a_diamond_is_charged_on_its_rarer_side() {
        let edges = [
            edge(ROOT, 1, 0, 1.0),
            edge(1, 2, 5, 0.9),
            edge(1, 2, 8, 0.1),
            edge(2, ROOT, 0, 0.01),
        ];
        let placement = placed(3, &edges);
        assert_eq!(
            [0, 1, 2, 3].map(|edge| placement.charge(edge)),
            [0, 0, 3, 5]
        );
    }

    /// Graphs as functions have them: every vertex can be reached from the root and leads back to it. Some edges
    /// without cost are fixed.
    fn graphs() -> impl Strategy<Value = (u32, Vec<Edge>)> {
        (2..24u32).prop_flat_map(|vertices| {
            let any_edge = (0..vertices, 0..vertices, 0..50u64, 1..1_000u32, 0..4u8);
            (Just(vertices), proptest::collection::vec(any_edge, 0..60)).prop_map(
                |(vertices, more)| {
                    let backbone = (0..vertices).map(|vertex| {
                        edge(vertex, (vertex + 1) % vertices, u64::from(vertex) * 3, 1.0)
                    });
                    let more = more.into_iter().map(|(from, to, cost, weight, fixed)| {
                        let fixed = fixed == 0;
                        let cost = if fixed { 0 } else { cost };
                        Edge {
                            from,
                            to,
                            cost,
                            weight: weight as f32 / 10.0,
                            fixed,
                        }
                    });
                    (vertices, backbone.chain(more).collect())
                },
            )
        })
    }

    proptest! {
        #[test]
        fn charges_along_every_path_sum_to_its_costs(
            (vertices, edges) in graphs(),
            choices in proptest::collection::vec(any::<prop::sample::Index>(), 1..200),
        ) {
            let placement = placed(vertices, &edges);
            prop_assert_eq!(placement.owed(ROOT), 0);
            let (mut here, mut costs, mut charges) = (ROOT, 0, 0);
            for choice in choices {
                let ways: Vec<usize> = (0..edges.len()).filter(|&position| edges[position].from == here).collect();
                let taken = ways[choice.index(ways.len())];
                costs += edges[taken].cost as i64;
                charges += placement.charge(taken as u32);
                here = edges[taken].to;
                prop_assert_eq!(costs - charges, placement.owed(here));
            }
        }

        #[test]
        fn edges_that_cannot_carry_a_charge_get_none((vertices, edges) in graphs()) {
            let placement = placed(vertices, &edges);
            for (position, edge) in edges.iter().enumerate() {
                prop_assert!(!edge.fixed || placement.charge(position as u32) == 0);
            }
        }

        #[test]
        fn no_more_edges_are_charged_than_lie_outside_a_spanning_tree((vertices, edges) in graphs()) {
            let placement = placed(vertices, &edges);
            let charged = (0..edges.len() as u32).filter(|&edge| placement.charge(edge) != 0).count();
            prop_assert!(charged <= edges.len() - (vertices as usize - 1));
        }
    }
}
