//! What wasmi 2.0.0 gets wrong on its own: values below blocks with parameters, and `select` by a comparison with zero.

use crate::common::instance;
use aingle_wasm_host::prelude::*;

/// Functions from an `i64` to what must be that `i64` again.
const BODIES: [(&str, &str); 6] = [
    (
        "a local that the block writes, below a constant",
        "local.get 0 i32.const 7 block (param i32) drop i64.const 9 local.set 0 end",
    ),
    (
        "the same with a loop",
        "local.get 0 i32.const 7 loop (param i32) drop i64.const 9 local.set 0 end",
    ),
    (
        "the same with both arms of an if",
        "local.get 0 i32.const 7 local.get 0 i64.eqz if (param i32) drop i64.const 9 local.set 0
         else drop i64.const 8 local.set 0 end",
    ),
    (
        "a local that is still in a register, below a loop that takes its parameter in the same one",
        "local.get 0 i64.const 1 i64.add local.tee 1 i32.const 256 loop (param i32) drop end
         i64.const 1 i64.sub",
    ),
    (
        "the same with a parameter that is computed",
        "local.get 0 i64.const 1 i64.add local.tee 1 local.get 0 i32.wrap_i64 loop (param i32) drop end
         i64.const 1 i64.sub",
    ),
    (
        "several parameters that come back as results",
        "local.get 0 local.tee 1 i32.const 3 local.get 0 i64.const 5
         loop (param i32 i64 i64) (result i64) i64.const 2 local.set 0 i64.const 3 local.set 1
           drop drop drop i64.const 0 end
         i64.add",
    ),
];

#[test]
fn values_below_blocks_with_parameters_are_kept() {
    for (name, body) in BODIES {
        let wat = format!(
            r#"(module (func (export "run") (param i64) (result i64) (local i64) {body}))"#
        );
        let mut guest = instance(&wat);
        for value in [0_i64, 1, 41, i64::MIN] {
            let results = guest.invoke("run", &[value.into()], CallOptions::default());
            assert_eq!(results.unwrap(), [value.into()], "{name}");
        }
    }
}

/// Ways to say that the first parameter is zero, or is not.
const CONDITIONS: [(&str, bool); 9] = [
    ("local.get 0 i32.eqz", true),
    ("local.get 0 i32.const 0 i32.eq", true),
    ("i32.const 0 local.get 0 i32.eq", true),
    ("local.get 0 i32.const 0 i32.ne", false),
    ("local.get 0 i32.eqz i32.eqz", false),
    ("local.get 0 i32.eqz nop", true),
    ("local.get 0 i32.eqz i32.const 0 i32.add", true),
    ("local.get 0 i32.const 1 i32.lt_u", true),
    ("local.get 0 i32.const 0 i32.gt_u", false),
];

/// Values to choose from by type, computed, constant or in a local: the first and the second are -1 and 7 as numbers.
const CHOICES: [(&str, &str, &str, &str); 4] = [
    ("i32", "local.get 1 i32.const 1 i32.sub", "i32.const 7", ""),
    (
        "i64",
        "i64.const -1",
        "local.get 1 i64.extend_i32_s i64.const 7 i64.add",
        "i32.wrap_i64",
    ),
    (
        "f64",
        "local.get 1 f64.convert_i32_s f64.const 1 f64.sub",
        "f64.const 7",
        "i32.trunc_f64_s",
    ),
    ("i32", "i32.const -1", "i32.const 7", ""),
];

#[test]
fn select_chooses_by_comparisons_with_zero() {
    for (condition, zero) in CONDITIONS {
        for (ty, first, second, to_i32) in CHOICES {
            for select in ["select".to_owned(), format!("select (result {ty})")] {
                let wat = format!(
                    r#"(module (func (export "run") (param i32 i32) (result i32)
                        {first} {second} {condition} {select} {to_i32}))"#
                );
                let mut guest = instance(&wat);
                for value in [0, 1, -5] {
                    let args = [Value::I32(value), Value::I32(0)];
                    let results = guest.invoke("run", &args, CallOptions::default());
                    let expected = if (value == 0) == zero { -1 } else { 7 };
                    assert_eq!(
                        results.unwrap(),
                        [expected.into()],
                        "{condition} {value}: {wat}"
                    );
                }
            }
        }
    }
}
