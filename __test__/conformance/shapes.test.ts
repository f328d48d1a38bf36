// A guest that never ends, in every shape that code can have: each stops for fuel, on every backend, with the same count.
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';

const BUDGET = 1_000_000n;

const SHAPES: Readonly<Record<string, string>> = {
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

const RECURSIONS: Readonly<Record<string, string>> = {
  'self call': '(func $f (export "f") (call $f))',
  'mutual call': '(func $f (export "f") (call $g)) (func $g (call $f))',
  call_indirect: '(table funcref (elem $f)) (func $f (export "f") (call_indirect (i32.const 0)))',
  'three in a ring': '(func $f (export "f") (call $g)) (func $g (call $h)) (func $h (call $f))',
  'with many locals': `(func $f (export "f") (local${' i64'.repeat(200)}) (call $f))`,
  'with operands': `(func $f (export "f") (drop ${'(i64.add (i64.const 1) '.repeat(30)} (call $g) ${')'.repeat(30)})) (func $g (result i64) (call $f) (i64.const 1))`,
};

onEveryBackend('guests that never end', (lab) => {
  test.each(Object.entries(SHAPES))('%s stops for fuel', async (_, text) => {
    const instance = await lab.instantiate(text);
    expect(await lab.observe(instance, () => instance.invoke('f', [], { fuel: BUDGET }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      phase: 'call',
      details: { used: BUDGET, limit: BUDGET },
      state: 'poisoned',
      fuelUsed: BUDGET,
    });
  });

  test.each(Object.entries(RECURSIONS))('%s stops for its depth', async (_, text) => {
    const instance = await lab.instantiate(text);
    const outcome = await lab.observe(instance, () => instance.invoke('f', [], { fuel: 100_000_000n }));
    expect(outcome).toMatchObject({ code: 'ERR_STACK_OVERFLOW', state: 'poisoned' });
  });

  test.each(Object.entries(RECURSIONS))('%s stops for fuel when that ends first', async (_, text) => {
    const instance = await lab.instantiate(text);
    expect(await lab.observe(instance, () => instance.invoke('f', [], { fuel: 50n }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
    });
  });

  test('a loop in the start function stops the instantiation', async () => {
    const module = await lab.compile('(func $f (loop (br 0))) (start $f)');
    for (const run of [() => module.instantiate({ fuel: BUDGET }), () => module.instantiateSync({ fuel: BUDGET })]) {
      expect(await lab.observe(undefined, run)).toMatchObject({ code: 'ERR_FUEL_EXHAUSTED', phase: 'start' });
    }
  });

  test('a loop in the allocator stops the call', async () => {
    const text = `(memory 1) (func (export "malloc") (param i32) (result i32) (loop (br 0)) (i32.const 0)) (func (export "free") (param i32))
      (func (export "f") (param i32 i32) (result i64) (i64.const 0))`;
    const instance = await lab.instantiate(text);
    expect(await lab.observe(instance, () => instance.call('f', 'x', { fuel: BUDGET }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      fuelUsed: BUDGET,
    });
  });

  test('a million failing grows end like any other work', async () => {
    const text = `(memory 1 1) (table 1 1 funcref)
      (func (export "f") (result i32) (local $i i32)
        (loop (drop (memory.grow (i32.const 1))) (drop (table.grow (ref.null func) (i32.const 1)))
          (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))
        (local.get $i))`;
    const instance = await lab.instantiate(text);
    expect(await lab.observe(instance, () => instance.exports.f!())).toMatchObject({ value: 1_000_000, state: 'idle' });
  });
});
