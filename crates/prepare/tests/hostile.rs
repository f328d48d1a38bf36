//! Bytes nobody meant well with: never a panic, and what passes still validates. That time is linear is tested where it can
//! be counted, in `__test__/v8/linear.test.ts`.

use std::time::{Duration, Instant};

use aingle_wasm_prepare::{Adapters, Growth, Interruption, PrepareConfig, prepare};
use aingle_wasm_types::ErrorCode;
use proptest::prelude::*;
use wasmparser::{Validator, WasmFeatures};

/// A module that has a bit of everything.
const EVERYTHING: &str = r#"(module
  (type $pair (func (param i32) (result i32 i64)))
  (import "env" "f" (func $import (param i32) (result i32)))
  (memory (export "memory") 1 4) (table $t 3 10 funcref) (table $x 1 externref)
  (global $g (mut i32) (i32.const 3)) (global $r funcref (ref.func $pair))
  (data $d "some bytes") (data (i32.const 8) "more") (elem $e func $pair $import) (elem (i32.const 0) $main)
  (start $start)
  (func $start i32.const 1 global.set $g)
  (func $pair (type $pair) local.get 0 i32.const 1 i32.add local.get 0 i64.extend_i32_u)
  (func $main (export "main") (param i32 f64 v128) (result i32) (local i32 i64)
    block $out (result i32)
      loop $again
        local.get 0 i32.const 1 i32.sub local.tee 0
        if local.get 3 i32.const 5 i32.add local.set 3 br $again else i32.const 2 local.set 3 end
        local.get 3 local.get 0 br_if $out drop
        block block block local.get 0 br_table 0 1 2 end nop end end
      end
      local.get 0 i32.const 0 call_indirect (type $pair) drop call $import
      i32.const 0 i32.const 1 i32.const 2 memory.fill
      i32.const 0 i32.const 0 i32.const 2 memory.init $d
      i32.const 1 memory.grow drop
      ref.null func i32.const 1 table.grow $t drop
      local.get 2 local.get 2 f32x4.add v128.any_true drop
      local.get 1 local.get 1 f64.mul i32.trunc_f64_s
      i64.const 3 block (param i32 i64) (result i64) local.set 4 drop local.get 4 end drop
    end)
  (@custom "producers" "abc"))"#;

fn seeds() -> Vec<Vec<u8>> {
    [
        EVERYTHING,
        "(module)",
        "(module (func) (start 0))",
        r#"(module (memory 1) (func (export "f") (result i32) memory.size))"#,
    ]
    .iter()
    .map(|text| wat::parse_str(text).unwrap())
    .collect()
}

/// The forms that hosts ask for.
fn forms() -> [PrepareConfig; 3] {
    let plain = PrepareConfig::default();
    let floors = PrepareConfig {
        interruption: Interruption::Floors,
        adapters: Adapters::Bits,
        ..plain.clone()
    };
    let stop = PrepareConfig {
        interruption: Interruption::Stop,
        growth: Growth::Host,
        mark_conversions: true,
        canonicalize_nans: false,
        ..plain.clone()
    };
    [plain, floors, stop]
}

/// Prepares in each form, and has the output validated by a validator with WebAssembly 2.0 and nothing more.
fn check(wasm: &[u8]) {
    let accepted = forms().map(|config| match prepare(wasm, &config) {
        Ok(prepared) => {
            Validator::new_with_features(WasmFeatures::WASM2)
                .validate_all(&prepared.bytes)
                .unwrap_or_else(|error| panic!("the output does not validate: {error}\n{wasm:x?}"));
            true
        }
        Err(_) => false,
    });
    assert_eq!(
        accepted, [accepted[0]; 3],
        "every form accepts the same modules"
    );
}

#[test]
fn the_seeds_are_accepted() {
    for wasm in seeds() {
        prepare(&wasm, &PrepareConfig::default()).unwrap();
        check(&wasm);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), header in any::<bool>()) {
        let mut wasm = if header { b"\0asm\x01\0\0\0".to_vec() } else { Vec::new() };
        wasm.extend(bytes);
        check(&wasm);
    }

    #[test]
    fn mutations_never_panic_and_what_passes_validates(
        seed in 0..4usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut wasm = seeds().swap_remove(seed);
        for (place, byte) in changes {
            let place = place.index(wasm.len());
            wasm[place] = byte;
        }
        if let Some(cut) = cut {
            wasm.truncate(cut.index(wasm.len()));
        }
        check(&wasm);
    }
}

/// A section with its size.
fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    section.extend(leb(contents.len()));
    section.extend(contents);
    section
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// A module of one function `() -> ()` with this body, locals included.
fn one_function(body: &[u8]) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    wasm.extend(section(1, &[1, 0x60, 0, 0]));
    wasm.extend(section(3, &[1, 0]));
    let mut code = vec![1];
    code.extend(leb(body.len()));
    code.extend(body);
    wasm.extend(section(10, &code));
    wasm
}

fn nested(depth: usize) -> Vec<u8> {
    let mut body = vec![0];
    body.extend([0x02, 0x40].repeat(depth));
    body.extend(vec![0x0b; depth + 1]);
    one_function(&body)
}

#[test]
fn large_shapes_are_refused_by_the_default_caps() {
    let config = PrepareConfig::default();
    let mut huge = vec![0];
    huge.extend(vec![0x01; 10_000_000]);
    huge.push(0x0b);
    for (wasm, name) in [
        (nested(1_000_000), "nesting"),
        (one_function(&huge), "a body of 10 MB"),
    ] {
        let start = Instant::now();
        let error = prepare(&wasm, &config).expect_err(name);
        assert_eq!(error.code(), ErrorCode::ModuleTooComplex, "{name}");
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{name} took {:?}",
            start.elapsed()
        );
    }
}
