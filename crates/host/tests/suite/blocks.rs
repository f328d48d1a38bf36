//! Values below blocks with parameters, which wasmi 2.0.0 loses on its own.

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
