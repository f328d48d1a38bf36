// Cost tables: the weights that are given, to the unit, and model 1 for all that is not in the table.
import type { EngineOptions } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { MAX_WEIGHT, OPERATORS } from '../../src/options/costs';
import { guestFile } from './support/guests';
import { onEveryBackend } from './support/lab';
import { wat } from './support/wat';

const FIB = guestFile('kernels/fib.wasm');

/** Function bodies, the weights they run with, and what one call costs. */
const COSTS: readonly (readonly [string, string, NonNullable<EngineOptions['costs']>, bigint])[] = [
  ['an operator', '(drop (i32.add (i32.const 1) (i32.const 2)))', { 'i32.add': 7 }, 10n],
  ['one that occurs twice', '(drop (i32.const 1)) (drop (i32.const 1))', { 'i32.const': 5, drop: 2 }, 14n],
  ['the largest weight', '(drop (i32.const 1))', { drop: MAX_WEIGHT }, 1_048_577n],
  [
    'select with and without a type',
    '(drop (select (i32.const 1) (i32.const 2) (i32.const 0))) (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 0)))',
    { select: 11 },
    30n,
  ],
  ['a call and what it calls', '(call $g)', { call: 100, drop: 6 }, 107n],
  ['a branch', '(block (br_if 0 (i32.const 1)) (drop (i32.const 1)))', { br_if: 9 }, 10n],
  [
    'an operator that is not executed',
    '(drop (i32.const 1)) (block (br 0) (nop) (unreachable))',
    { unreachable: 1_000 },
    3n,
  ],
  ['a vector operator', '(drop (i8x16.popcnt (v128.const i64x2 1 2)))', { 'i8x16.popcnt': 40, 'v128.const': 4 }, 45n],
  [
    'bulk work beside the weight',
    '(memory.fill (i32.const 0) (i32.const 1) (i32.const 64))',
    { 'memory.fill': 50 },
    57n,
  ],
  ['growth beside the weight', '(drop (memory.grow (i32.const 1)))', { 'memory.grow': 20 }, 4_118n],
  [
    'a loop of ten rounds',
    `(local $i i32) (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $again (i32.lt_u (local.get $i) (i32.const 10))))`,
    { 'local.get': 3, 'i32.lt_u': 2 },
    130n,
  ],
];

function program(body: string): Uint8Array {
  return wat(`(memory 1) (func $g (drop (i32.const 1))) (func (export "f") ${body})`);
}

onEveryBackend('cost tables', (lab) => {
  test.each(COSTS)('%s', async (_, body, costs, cost) => {
    const module = await lab.compile(program(body), { costs });
    const enough = await module.instantiate();
    expect(await lab.observe(enough, () => enough.invoke('f', [], { fuel: cost }))).toMatchObject({ fuelUsed: cost });
    const short = await module.instantiate();
    expect(await lab.observe(short, () => short.invoke('f', [], { fuel: cost - 1n }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      fuelUsed: cost - 1n,
    });
  });

  // Leaves cost get 3, const 2, lt_u 1, if 5, const 2 = 13; the others 11 for the condition, 2 × (3 + 2 + 7 + 100) and an addition.
  test('a recursive kernel', async () => {
    const costs = { 'local.get': 3, 'i32.const': 2, if: 5, 'i32.sub': 7, call: 100 };
    const instance = await lab.instantiate(FIB, {}, { costs });
    expect(instance.exports.fib!(20)).toBe(10_946);
    expect(lab.record(instance.fuelUsed)).toBe(10_946n * 13n + 10_945n * 236n);
  });

  test('all operators at once: every name is known, and three times the weight is three times the cost', async () => {
    const table = (weight: number) => Object.fromEntries([...OPERATORS].map((name) => [name, weight]));
    const fuels: bigint[] = [];
    for (const options of [{}, { costs: table(1) }, { costs: table(3) }]) {
      const instance = await lab.instantiate(FIB, {}, options);
      instance.exports.fib!(15);
      fuels.push(instance.fuelUsed);
    }
    const [standard, ones, threes] = lab.record(fuels);
    expect(ones).toBe(standard);
    expect(threes).toBe(standard! * 3n);
  });

  test('engines with other tables share no compiled code', async () => {
    const fuels: bigint[] = [];
    for (const weight of [1, 4, 1]) {
      const module = await lab.engine({ costs: { 'i32.add': weight } }).compileCached('adder', program(COSTS[0]![1]));
      const instance = await module.instantiate();
      instance.exports.f!();
      fuels.push(instance.fuelUsed);
    }
    expect(lab.record(fuels)).toEqual([4n, 7n, 4n]);
  });
});
