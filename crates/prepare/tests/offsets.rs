//! Places in prepared modules lead back to the author's.

mod common;

use std::collections::BTreeSet;

use aingle_wasm_prepare::{Growth, Interruption, OffsetMap, PrepareConfig, prepare};
use common::kernels::kernels;
use wasmparser::{Operator, Parser, Payload};

fn forms() -> Vec<PrepareConfig> {
    let mut forms = Vec::new();
    for unroll in [false, true] {
        for (interruption, growth) in [
            (Interruption::None, Growth::Operator),
            (Interruption::Floors, Growth::Operator),
            (Interruption::Stop, Growth::Host),
        ] {
            forms.push(PrepareConfig {
                interruption,
                growth,
                unroll,
                ..PrepareConfig::default()
            });
        }
    }
    forms
}

/// Offset and text of each operator in the module's functions, the first `functions` of them.
fn operators(wasm: &[u8], functions: usize) -> Vec<(u32, String)> {
    let bodies = Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    let operators = bodies.take(functions).flat_map(|body| {
        body.get_operators_reader()
            .unwrap()
            .into_iter_with_offsets()
    });
    operators
        .map(|operator| {
            let (operator, offset) = operator.unwrap();
            (offset as u32, name(&operator))
        })
        .collect()
}

/// Operators of the author's that are never added are compared with their immediates, calls only as calls.
fn name(operator: &Operator<'_>) -> String {
    match operator {
        Operator::Call { .. } | Operator::CallIndirect { .. } => "call".to_owned(),
        _ => format!("{operator:?}"),
    }
}

/// Whether only the author brings such operators into his functions.
fn is_the_authors(name: &str) -> bool {
    ["Load", "Store", "Div", "Rem", "I32Mul", "F64"]
        .iter()
        .any(|part| name.contains(part))
        && !["F64Const", "F64Ge", "If"]
            .iter()
            .any(|start| name.starts_with(start))
}

#[test]
fn operators_lead_to_the_ones_they_were_made_from() {
    for (name, _, wasm) in kernels() {
        let count = Parser::new(0)
            .parse_all(&wasm)
            .filter(|payload| matches!(payload, Ok(Payload::CodeSectionEntry(_))))
            .count();
        let originals = operators(&wasm, count);
        let wanted: BTreeSet<u32> = originals
            .iter()
            .filter(|(_, name)| is_the_authors(name))
            .map(|(offset, _)| *offset)
            .collect();
        for config in forms() {
            let prepared = prepare(&wasm, &config).unwrap().bytes;
            let map = OffsetMap::new(&wasm, &config).unwrap();
            let mut found = BTreeSet::new();
            for (offset, operator) in operators(&prepared, count) {
                let original = map.original(offset).unwrap();
                if is_the_authors(&operator) {
                    assert!(
                        originals.contains(&(original, operator)),
                        "{name}: {offset}, {original}"
                    );
                    found.insert(original);
                }
            }
            assert!(found == wanted, "{name}: all are found");
        }
    }
}

#[test]
fn words_say_what_the_map_says() {
    for (name, _, wasm) in kernels() {
        for config in forms() {
            let map = OffsetMap::new(&wasm, &config).unwrap();
            let words: Vec<u32> = map.words().collect();
            let length = prepare(&wasm, &config).unwrap().bytes.len() as u32;
            for offset in 0..length + 1 {
                assert_eq!(look_up(&words, offset), map.original(offset), "{name}");
            }
        }
    }
}

/// As `words` are documented.
fn look_up(words: &[u32], offset: u32) -> Option<u32> {
    let pairs = words.as_chunks::<2>().0;
    let next = pairs.partition_point(|pair| pair[0] <= offset);
    let pair = pairs[..next].last()?;
    let read = pair[1] & 0x7fff_ffff;
    let counted = if pair[1] == read { 0 } else { offset - pair[0] };
    (read != 0x7fff_ffff).then_some(read + counted)
}

#[test]
fn calls_and_checks_lead_to_what_they_are_for() {
    let text = r#"(module (import "env" "nop" (func $nop)) (table 1 funcref)
      (func $f call $nop loop call $f i32.const 0 call_indirect end unreachable))"#;
    let wasm = wat::parse_str(text).unwrap();
    let originals = operators(&wasm, 1);
    for config in forms() {
        let prepared = prepare(&wasm, &config).unwrap().bytes;
        let map = OffsetMap::new(&wasm, &config).unwrap();
        let all = operators(&prepared, usize::MAX);
        let own = operators(&prepared, 1);
        let reached: BTreeSet<u32> = own
            .iter()
            .filter_map(|(offset, _)| map.original(*offset))
            .collect();
        let ends = originals
            .iter()
            .filter(|(_, name)| name == "call" || name == "Unreachable");
        assert!(
            ends.map(|(offset, _)| offset)
                .all(|offset| reached.contains(offset))
        );
        for (offset, _) in &all[own.len()..] {
            assert_eq!(
                map.original(*offset),
                None,
                "functions of ours are nobody's"
            );
        }
        assert_eq!((map.original(0), map.original(u32::MAX)), (None, None));
    }
}
