// Guests that never end, in every shape that code can have; each exports `f`.

export const SHAPES: Readonly<Record<string, string>> = {
  'nested loops with stores':
    '(memory 1) (func (export "f") (loop (loop (i32.store (i32.const 0) (i32.const 1)) (br_if 0 (i32.load (i32.const 0)))) (br 0)))',
  'sequential loops':
    '(func (export "f") (local i32) (loop (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000000)))) (local.set 0 (i32.const 0)) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000000)))) (local.set 0 (i32.const 0)) (br 0)))',
  br: '(func (export "f") (loop (br 0)))',
  br_if: '(func (export "f") (loop (br_if 0 (i32.const 1))))',
  br_table: '(func (export "f") (loop (br_table 0 0 (i32.const 1))))',
  'empty loops in a loop': '(func (export "f") (loop (loop) (loop) (br 0)))',
  'deep nesting': `(func (export "f") (loop ${'(block (loop '.repeat(50)} (br 100) ${'))'.repeat(50)}))`,
  'nested loops': '(func (export "f") (loop (loop (br_if 0 (i32.const 1))) (br 0)))',
  'branch from an if': '(func (export "f") (loop (if (i32.const 1) (then (br 1)))))',
  'branch from an else': '(func (export "f") (loop (if (i32.const 0) (then) (else (br 1)))))',
  'loop with values': '(func (export "f") (drop (loop (result i32) (br 0))))',
  'memory.fill only':
    '(memory 1) (func (export "f") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))',
  'empty memory.copy only':
    '(memory 1) (func (export "f") (loop (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)) (br 0)))',
  'failing memory.grow only': '(memory 1 1) (func (export "f") (loop (drop (memory.grow (i32.const 1))) (br 0)))',
  'failing table.grow only':
    '(table 1 1 funcref) (func (export "f") (loop (drop (table.grow (ref.null func) (i32.const 1))) (br 0)))',
  'calls of a leaf': '(func $leaf) (func (export "f") (loop (call $leaf) (br 0)))',
  'calls through a table':
    '(table funcref (elem $leaf)) (func $leaf) (func (export "f") (loop (call_indirect (i32.const 0)) (br 0)))',
  'a loop in a callee': '(func $g (loop (br 0))) (func (export "f") (call $g))',
};

export const RECURSIONS: Readonly<Record<string, string>> = {
  'self call': '(func $f (export "f") (call $f))',
  'mutual call': '(func $f (export "f") (call $g)) (func $g (call $f))',
  call_indirect: '(table funcref (elem $f)) (func $f (export "f") (call_indirect (i32.const 0)))',
  'three in a ring': '(func $f (export "f") (call $g)) (func $g (call $h)) (func $h (call $f))',
  'with many locals': `(func $f (export "f") (local${' i64'.repeat(200)}) (call $f))`,
  'with operands': `(func $f (export "f") (drop ${'(i64.add (i64.const 1) '.repeat(30)} (call $g) ${')'.repeat(30)})) (func $g (result i64) (call $f) (i64.const 1))`,
};
