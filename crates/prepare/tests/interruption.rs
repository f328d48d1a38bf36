//! The forms of interruption and of growth: the same counts and results in all, and a stop in each that has one.

mod common;

use aingle_wasm_prepare::{Growth, Interruption, PrepareConfig, reserved};
use aingle_wasm_types::meter::{self, Stop};
use common::{Guest, Outcome};
use wasmi::Val;

const FORMS: [(Interruption, Growth); 4] = [
    (Interruption::None, Growth::Operator),
    (Interruption::Floors, Growth::Operator),
    (Interruption::Stop, Growth::Operator),
    (Interruption::Stop, Growth::Host),
];

fn form(interruption: Interruption) -> PrepareConfig {
    PrepareConfig {
        interruption,
        ..PrepareConfig::default()
    }
}

/// A program with every kind of check, and of work in bulk.
const PROGRAM: &str = r#"(module
  (import "env" "nop" (func $nop)) (memory 40 100) (table $t 10 1000 funcref) (table $x 1 50 externref)
  (data $d "0123456789") (elem $e func $leaf $leaf) (type $int (func (param i32) (result i32)))
  (elem (i32.const 0) $leaf)
  (func $leaf (param i32) (result i32) local.get 0 i32.const 7 i32.mul)
  (func $fib (param i32) (result i32)
    local.get 0 i32.const 2 i32.lt_u if i32.const 1 return end
    local.get 0 i32.const 1 i32.sub call $fib local.get 0 i32.const 2 i32.sub call $fib i32.add)
  (func (export "f") (param i32) (result i32) (local $sum i32) (local $i i32)
    loop $outer
      i32.const 30 local.set $i
      loop $inner
        local.get $sum local.get $i i32.const 0 call_indirect (type $int) i32.add local.set $sum
        local.get $i i32.const 1 i32.sub local.tee $i br_if $inner
      end
      i32.const 0 local.get $sum i32.const 2000000 memory.fill
      i32.const 500000 i32.const 3 i32.const 2000000 memory.copy
      i32.const 5 i32.const 500 i32.const 2000000 memory.copy
      i32.const 1 i32.const 0 i32.const 10 memory.init $d
      i32.const 0 i32.const 0 i32.const 2 table.init $t $e
      i32.const 1 memory.grow drop
      ref.null func i32.const 3 table.grow $t drop
      ref.null extern i32.const 2 table.grow $x drop
      call $nop
      local.get $sum i32.const 10 call $fib i32.add i32.const 4 i32.load i32.add memory.size i32.add
      table.size $t i32.add table.size $x i32.add local.set $sum
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if $outer
    end
    local.get $sum))"#;

#[test]
fn results_and_counts_are_equal_in_all_forms() {
    let expected = Guest::new(PROGRAM).call("f", &[Val::I32(6)], 1 << 40);
    assert!(matches!(expected.0, Outcome::Returned(_)), "{expected:?}");
    for (interruption, growth) in FORMS {
        let config = PrepareConfig {
            interruption,
            growth,
            ..PrepareConfig::default()
        };
        let run = |limit| Guest::with(PROGRAM, &config).call("f", &[Val::I32(6)], limit);
        assert_eq!(run(1 << 40), expected, "{interruption:?}, {growth:?}");
        assert_eq!(
            run(expected.1),
            expected,
            "{interruption:?}, {growth:?} at the limit"
        );
        assert_eq!(
            run(expected.1 - 1).0,
            Outcome::Stopped(Stop::Fuel),
            "{interruption:?}, {growth:?} below it"
        );
    }
}

/// Loops that never end, after `$interrupt`.
const LOOPS: &[&str] = &[
    "loop br 0 end",
    "loop i32.const 1 br_if 0 end",
    "loop loop br 0 end end",
    "(local i32) loop loop local.get 0 i32.const 1 i32.add local.tee 0 i32.const 7 i32.and br_if 0 end br 0 end",
    "(local i32) i32.const 9 local.set 0 loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end loop br 0 end",
    "loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 2000000)) br 0 end",
    "loop call $leaf br 0 end",
    "call $f",
    "loop i32.const 0 call_indirect br 0 end",
];

fn endless(body: &str) -> String {
    let (locals, body) = match body.split_once(") ") {
        Some((locals, body)) if locals.starts_with("(local") => (format!("{locals})"), body),
        _ => (String::new(), body),
    };
    format!(
        r#"(module (import "env" "interrupt" (func $interrupt)) (memory 40) (table funcref (elem $leaf))
          (func $leaf) (func $f call $f)
          (func (export "f") {locals} call $interrupt {body}))"#
    )
}

#[test]
fn floors_stop_every_loop() {
    for body in LOOPS {
        let mut guest = Guest::with(&endless(body), &form(Interruption::Floors));
        assert_eq!(
            guest.call("f", &[], 1 << 40).0,
            Outcome::Stopped(Stop::Interrupted),
            "{body}"
        );
        assert_eq!(
            guest.call("f", &[], 0).0,
            Outcome::Stopped(Stop::Fuel),
            "{body}: floors are 0 again"
        );
    }
}

#[test]
fn each_check_of_a_function_has_a_floor_of_its_own() {
    let loops = |count: usize| {
        format!(
            r#"(module (func (export "f") {}))"#,
            "loop i32.const 0 br_if 0 end ".repeat(count)
        )
    };
    for (count, floors) in [(1, 2), (10, 11), (1_023, 1_024), (3_000, 1_024)] {
        let mut guest = Guest::with(&loops(count), &form(Interruption::Floors));
        assert_eq!(guest.set_floors(0), floors, "{count} checks");
        assert_eq!(
            guest.call("f", &[], 1 << 40),
            (Outcome::Returned(vec![]), 2 * count as i64)
        );
    }
    // Past the last floor the check still stops.
    let many = "loop i32.const 0 br_if 0 end ".repeat(2_000);
    let mut guest = Guest::with(
        &endless(&format!("{many} loop br 0 end")),
        &form(Interruption::Floors),
    );
    assert_eq!(
        guest.call("f", &[], 1 << 40).0,
        Outcome::Stopped(Stop::Interrupted)
    );
}

#[test]
fn a_guest_that_asks_is_stopped_when_told_to() {
    for body in LOOPS.iter().filter(|body| !body.contains("call $f")) {
        let mut guest = Guest::with(&endless(body), &form(Interruption::Stop));
        for stop_at in [1, 2, 5] {
            (guest.store.data_mut().polls, guest.store.data_mut().stop_at) = (0, stop_at);
            assert_eq!(
                guest.call("f", &[], 1 << 40).0,
                Outcome::Stopped(Stop::Interrupted),
                "{body}"
            );
            assert_eq!(guest.store.data().polls, stop_at);
        }
    }
}

#[test]
fn a_guest_asks_about_once_an_interval() {
    let text = r#"(module (func (export "f") (param i32) loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))"#;
    let mut guest = Guest::with(text, &form(Interruption::Stop));
    let rounds = 1_000_000;
    let (outcome, used) = guest.call("f", &[Val::I32(rounds)], 1 << 40);
    assert_eq!(
        (outcome, used),
        (Outcome::Returned(vec![]), 5 * i64::from(rounds))
    );
    let expected = used as u64 / reserved::POLL_INTERVAL;
    let polls = guest.store.data().polls;
    assert!(
        polls.abs_diff(expected) <= 2,
        "{polls} questions, expected about {expected}"
    );
}

#[test]
fn long_copies_are_right_in_pieces() {
    let text = r#"(module (memory (export "m") 100)
      (func (export "copy") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.copy)
      (func (export "fill") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.fill))"#;
    let size = 100 * 65_536;
    let megabyte = 1 << 20;
    let ranges = [
        (0, 1, 3 * megabyte),
        (1, 0, 3 * megabyte),
        (0, megabyte, 2 * megabyte + 1),
        (megabyte + 7, 3, 4 * megabyte),
        (5, 5, 2 * megabyte),
        (0, 3 * megabyte, 3 * megabyte),
        (size - 2 * megabyte, 0, 2 * megabyte),
        (size - 2 * megabyte + 1, 0, 2 * megabyte),
        (0, size - 2 * megabyte + 1, 2 * megabyte),
        (-1, 0, 2 * megabyte),
        (0, 0, -1),
    ];
    let run = |interruption, name: &str, arguments: [i32; 3]| {
        let mut guest = Guest::with(text, &form(interruption));
        let memory = guest.instance.get_memory(&guest.store, "m").unwrap();
        let pattern = |(place, byte): (usize, &mut u8)| *byte = (place * 31 + place / 65_536) as u8;
        memory
            .data_mut(&mut guest.store)
            .iter_mut()
            .enumerate()
            .for_each(pattern);
        let outcome = guest.call(name, &arguments.map(Val::I32), 1 << 40);
        let kind = match outcome.0 {
            Outcome::Trapped(_) => "trapped",
            _ => "returned",
        };
        (kind, outcome.1, memory.data(&guest.store).to_vec())
    };
    for (destination, source, length) in ranges {
        for name in ["copy", "fill"] {
            let expected = run(Interruption::None, name, [destination, source, length]);
            for interruption in [Interruption::Floors, Interruption::Stop] {
                let found = run(interruption, name, [destination, source, length]);
                assert!(
                    found == expected,
                    "{name} {destination} {source} {length}: {} {}",
                    found.0,
                    found.1
                );
            }
        }
    }
}

#[test]
fn long_initialisations_are_right_in_pieces() {
    let segment = "abcdefg".repeat(400_000);
    let text = format!(
        r#"(module (memory (export "m") 60) (data $d "{segment}")
          (func (export "f") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.init $d)
          (func (export "drop") data.drop $d))"#
    );
    for (destination, source, length, fits) in [
        (3, 1, 2_500_000, true),
        (0, 0, 2_800_000, true),
        (0, 1, 2_800_000, false),
        (2_000_000, 0, 2_000_000, false),
        (0, -1, 2_000_000, false),
    ] {
        for interruption in [Interruption::Floors, Interruption::Stop] {
            let mut guest = Guest::with(&text, &form(interruption));
            let (outcome, _) =
                guest.call("f", &[destination, source, length].map(Val::I32), 1 << 40);
            let memory = guest
                .instance
                .get_memory(&guest.store, "m")
                .unwrap()
                .data(&guest.store);
            if fits {
                assert_eq!(outcome, Outcome::Returned(vec![]));
                let copied = &memory[destination as usize..][..length as usize];
                assert!(copied == &segment.as_bytes()[source as usize..][..length as usize]);
            } else {
                assert!(matches!(outcome, Outcome::Trapped(_)), "{outcome:?}");
                assert!(
                    memory.iter().all(|&byte| byte == 0),
                    "nothing is written before the trap"
                );
            }
        }
    }
    let mut guest = Guest::with(&text, &form(Interruption::Floors));
    guest.cost("drop", &[]);
    assert!(matches!(
        guest.call("f", &[0, 0, 2_000_000].map(Val::I32), 1 << 40).0,
        Outcome::Trapped(_)
    ));
}

#[test]
fn the_host_grows_as_the_operators_do() {
    let text = r#"(module (memory 1 20) (table $t 1 20 funcref) (table $x 2 20 externref)
      (func (export "m") (param i32) (result i32) local.get 0 memory.grow)
      (func (export "t") (param i32) (result i32) ref.func 0 local.get 0 table.grow $t)
      (func (export "x") (param i32) (result i32) ref.null extern local.get 0 table.grow $x)
      (func (export "last") (result i32) table.size $t i32.const 1 i32.sub table.get $t ref.is_null))"#;
    let config = PrepareConfig {
        growth: Growth::Host,
        ..PrepareConfig::default()
    };
    let mut guests = [Guest::new(text), Guest::with(text, &config)];
    for (name, by) in [
        ("m", 3),
        ("m", 17),
        ("m", 16),
        ("t", 5),
        ("t", 15),
        ("x", 4),
        ("x", -1),
        ("x", 14),
    ] {
        let [expected, found] = guests
            .each_mut()
            .map(|guest| guest.call(name, &[Val::I32(by)], 1 << 40));
        assert_eq!(found, expected, "{name} by {by}");
        assert!(matches!(found.0, Outcome::Returned(_)));
    }
    assert_eq!(
        guests[1].cost("last", &[]).0,
        [0],
        "new elements have the value given"
    );
}

#[test]
fn operands_below_blocks_with_parameters_are_kept() {
    let cases = [
        // The value below is a local that the block writes.
        (
            "local.get 0 i64.const 1 local.get 1 if (param i64) drop f64.const 2 local.set 0 else drop end",
            0,
            7.5_f64,
        ),
        (
            "local.get 0 i64.const 1 local.get 1 if (param i64) drop f64.const 2 local.set 0 else drop end",
            1,
            7.5,
        ),
        (
            "local.get 0 i64.const 1 block (param i64) drop f64.const 2 local.set 0 end",
            0,
            7.5,
        ),
        (
            "local.get 0 i64.const 1 loop (param i64) f64.const 2 local.set 0 i64.const 1 i64.add
               local.get 1 i32.const 1 i32.sub local.tee 1 br_if 0 drop end",
            3,
            7.5,
        ),
        (
            "local.get 0 i32.const 5 i64.const 6 block (param i32 i64) (result i64 i32)
               f64.const 2 local.set 0 local.set 2 local.set 1 local.get 2 local.get 1 end
             drop drop",
            0,
            7.5,
        ),
        (
            "local.get 0 f64.const 3 block (param f64) (result f64) local.get 1 br_if 0 f64.const 1 f64.add end f64.add",
            1,
            10.5,
        ),
        (
            "local.get 0 f64.const 3 block (param f64) (result f64) local.get 1 br_if 0 f64.const 1 f64.add end f64.add",
            0,
            11.5,
        ),
        (
            "local.get 0 i64.const 1 block (param i64) (result f64) drop f64.const 9 br 1 end drop",
            0,
            9.0,
        ),
    ];
    for (body, argument, expected) in cases {
        let text = format!(
            r#"(module (func (export "f") (param f64 i32) (result f64) (local i64) {body}))"#
        );
        let arguments = [Val::F64(7.5.into()), Val::I32(argument)];
        let config = PrepareConfig {
            growth: Growth::Host,
            interruption: Interruption::Stop,
            ..PrepareConfig::default()
        };
        let (values, cost) = Guest::with(&text, &config).cost("f", &arguments);
        assert_eq!(f64::from_bits(values[0]), expected, "{body}");
        let plain = Guest::new(&text).cost("f", &arguments).1;
        assert_eq!(cost, plain, "guards cost nothing: {body}");
    }
}

#[test]
fn a_million_growths_by_the_host_leave_nothing_behind() {
    let text = r#"(module (memory 1 2) (table 1 2 funcref) (func (export "f") (param i32)
      loop
        i32.const 9 memory.grow drop ref.null func i32.const 9 table.grow drop
        local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
      end))"#;
    let config = PrepareConfig {
        growth: Growth::Host,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::with(text, &config);
    assert_eq!(
        guest.call("f", &[Val::I32(1_000_000)], 1 << 40).0,
        Outcome::Returned(vec![])
    );
}

#[test]
fn marks_tell_a_conversion_from_a_division() {
    let text = r#"(module
      (func (export "div") (param i32) (result i32) i32.const 0x80000000 local.get 0 i32.div_s)
      (func (export "trunc") (param f64) (result i64) local.get 0 i64.trunc_f64_s))"#;
    let config = PrepareConfig {
        mark_conversions: true,
        interruption: Interruption::Floors,
        ..PrepareConfig::default()
    };
    let mut guest = Guest::with(text, &config);
    let converting = |guest: &Guest| guest.global(reserved::CONVERTING).i32();
    assert_eq!(guest.cost("trunc", &[Val::F64(7.5.into())]), (vec![7], 2));
    assert_eq!(converting(&guest), Some(0));
    assert!(matches!(
        guest.call("div", &[Val::I32(-1)], 100).0,
        Outcome::Trapped(_)
    ));
    assert_eq!(converting(&guest), Some(0));
    assert!(matches!(
        guest.call("trunc", &[Val::F64(1e300.into())], 100).0,
        Outcome::Trapped(_)
    ));
    assert_eq!(converting(&guest), Some(1));
}

#[test]
fn nothing_of_a_form_is_there_unless_it_is_asked_for() {
    let guest = Guest::new(PROGRAM);
    let extra = guest
        .instance
        .exports(&guest.store)
        .map(|export| export.name().to_owned());
    let known = [
        meter::FUEL,
        meter::STATUS,
        meter::DEPTH,
        meter::MEMORY_CAP,
        meter::TABLE_CAP,
        meter::MEMORY,
        "__aingle_meter_table_0",
        "__aingle_meter_table_1",
        "f",
    ];
    for name in extra {
        assert!(known.contains(&name.as_str()), "{name}");
    }
}
