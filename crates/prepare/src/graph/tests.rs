use super::*;
use crate::Costs;
use crate::placement::Placement;
use crate::steps::Action;
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
    let graph = graph("(module (func (param i32) (result i32) local.get 0 i32.const 1 i32.add))");
    assert_eq!((graph.vertices, checks(&graph)), (3, 0));
    assert_eq!(graph.edges.iter().map(|edge| edge.cost).sum::<u64>(), 3);
}

#[test]
fn loops_and_entries_of_callers_are_checked() {
    let checks_of = |body: &str| checks(&graph(&format!("(module (func $leaf) (func {body}))")));
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
