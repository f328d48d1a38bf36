// A guest that never ends, in every shape that code can have: each stops for fuel, on every backend, with the same count.
import { expect, test } from 'vitest';
import { RECURSIONS, SHAPES } from './support/endless';
import { onEveryBackend } from './support/lab';

const BUDGET = 1_000_000n;

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
