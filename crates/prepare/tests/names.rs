//! The name section of prepared modules.

mod common;

use std::collections::BTreeMap;

use aingle_wasm_prepare::{PrepareConfig, prepare};
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// A parameter, a local, the same in a function that recurses, and in one that is called through a table.
const MODULE: &str = r#"(module $named (import "env" "nop" (func $nop (param $far i32)))
    (table $table funcref (elem $indirect))
    (func $plain (param $a i32) (local $b i64) (local $c f32) block $label end)
    (func $recursive (param $d i32) (param $e i64) (local $f i32) local.get $d local.get $e call $recursive)
    (func $indirect (local $g i32)))"#;

/// Names of functions, and of locals by function.
#[derive(Debug, Default, PartialEq)]
struct Found {
    functions: BTreeMap<u32, String>,
    locals: BTreeMap<u32, BTreeMap<u32, String>>,
    labels: usize,
}

fn names(wasm: &[u8]) -> Found {
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let Payload::CustomSection(section) = payload.unwrap() else {
            continue;
        };
        let KnownCustom::Name(subsections) = section.as_known() else {
            continue;
        };
        for subsection in subsections {
            match subsection.unwrap() {
                Name::Function(map) => {
                    let names = map.into_iter().map(|naming| naming.unwrap());
                    found
                        .functions
                        .extend(names.map(|naming| (naming.index, naming.name.to_owned())));
                }
                Name::Local(maps) => {
                    for function in maps {
                        let function = function.unwrap();
                        let names = function.names.map(|naming| naming.unwrap());
                        let names = names.map(|naming| (naming.index, naming.name.to_owned()));
                        found.locals.insert(function.index, names.collect());
                    }
                }
                Name::Label(_) => found.labels += 1,
                _ => {}
            }
        }
    }
    found
}

/// Types of the locals of a defined function, parameters not counted, by index.
fn local_type(wasm: &[u8], defined: usize, parameters: u32, index: u32) -> String {
    let bodies = Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    let body = bodies.into_iter().nth(defined).unwrap();
    let groups = body
        .get_locals_reader()
        .unwrap()
        .into_iter()
        .map(|group| group.unwrap());
    let mut types = groups.flat_map(|(count, ty)| (0..count).map(move |_| ty));
    types
        .nth((index - parameters) as usize)
        .unwrap()
        .to_string()
}

#[test]
fn names_of_locals_move_with_them() {
    let wasm = wat::parse_str(MODULE).unwrap();
    let before = names(&wasm);
    assert_eq!(before.labels, 1);
    let prepared = prepare(&wasm, &PrepareConfig::default()).unwrap().bytes;
    let after = names(&prepared);
    assert_eq!(after.functions, before.functions);
    assert_eq!(after.labels, 0);
    let locals = |function: u32| -> Vec<(u32, &str)> {
        let names = after.locals.get(&function).into_iter().flatten();
        names.map(|(index, name)| (*index, name.as_str())).collect()
    };
    // The counter is the last parameter, or the last but one before the units of depth.
    assert_eq!(locals(0), [(0, "far")]);
    assert_eq!(locals(1), [(0, "a"), (2, "b"), (3, "c")]);
    assert_eq!(local_type(&prepared, 0, 2, 3), "f32");
    assert_eq!(locals(2), [(0, "d"), (1, "e"), (4, "f")]);
    assert_eq!(local_type(&prepared, 1, 4, 4), "i32");
    assert_eq!(locals(3), [(2, "g")]);
}

/// Contents of the name section, and whether they can be read to their end.
fn section(wasm: &[u8]) -> (Vec<u8>, bool) {
    let sections = Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.unwrap() {
            Payload::CustomSection(section) => Some(section),
            _ => None,
        });
    let section = sections.into_iter().next().unwrap();
    let KnownCustom::Name(mut subsections) = section.as_known() else {
        panic!("another section")
    };
    let readable = subsections.all(|subsection| match subsection {
        Ok(Name::Local(maps)) => maps.into_iter().all(|function| {
            function.is_ok_and(|function| function.names.into_iter().all(|naming| naming.is_ok()))
        }),
        Ok(_) => true,
        Err(_) => false,
    });
    (section.data().to_vec(), readable)
}

#[test]
fn damaged_name_sections_are_kept() {
    let wasm = wat::parse_str(MODULE).unwrap();
    let begin = wasm
        .windows(5)
        .position(|bytes| bytes == b"\x04name")
        .unwrap()
        + 5;
    let mut kept = 0;
    for place in begin..wasm.len() {
        for byte in [0, 0x7f, 0xff] {
            let mut damaged = wasm.clone();
            damaged[place] = byte;
            let prepared = prepare(&damaged, &PrepareConfig::default()).unwrap().bytes;
            let (before, after) = (section(&damaged), section(&prepared));
            let same = before.0 == after.0;
            assert!(same || after.1 || !before.1, "{byte} at {place}");
            kept += usize::from(same);
        }
    }
    assert!(kept > 20, "{kept}");
}
