// Fuel is exact: these counts are part of the contract, and a call passes if and only if its budget covers them.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { guestFile } from './support/guests';
import { onEveryBackend } from './support/lab';

const FIB = `(func $fib (export "fib") (param $n i32) (result i32)
  (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
    (then (i32.const 1))
    (else (i32.add
      (call $fib (i32.sub (local.get $n) (i32.const 1)))
      (call $fib (i32.sub (local.get $n) (i32.const 2)))))))`;

/**
 * fib(n) makes F calls that return at once, at 5 operators each (get, const, lt, if, const), and F − 1 calls that go on, at 13
 * (4 for the condition, twice get, const, sub and call, and add), where F is its result.
 */
const FIB_30 = 1_346_269;
const FIB_30_FUEL = 24_232_829n;

/** A loop that marks a byte in each round, which is begun if the rounds before it were paid for. */
const MARKING_LOOP = `(memory (export "memory") 1) (func (export "f") (local $i i32) (loop $again
  (i32.store8 (local.get $i) (i32.const 1))
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br $again)))`;
const MARKING_ROUND = 8n;

/** Function bodies and what one call of them costs: the table of the cost model. */
const COSTS: readonly (readonly [string, string, bigint])[] = [
  ['nothing', '(func (export "f"))', 0n],
  ['nop, block, loop, end, else are free', '(func (export "f") nop (block (loop nop)))', 0n],
  ['if costs 1', '(func (export "f") (if (i32.const 1) (then nop) (else nop)))', 2n],
  [
    'a branch not taken costs as one taken',
    '(func (export "f") (block (br_if 0 (i32.const 0)) (br_if 0 (i32.const 1)) (nop) (drop (i32.const 1))))',
    4n,
  ],
  ['br', '(func (export "f") (block (br 0)))', 1n],
  ['br_table', '(func (export "f") (block (block (br_table 0 1 (i32.const 9)))))', 2n],
  ['return', '(func (export "f") (return))', 1n],
  ['what follows a branch is not executed', '(func (export "f") (block (br 0) (drop (i32.const 1))))', 1n],
  ['a call and its function', '(func $g (drop (i32.const 1))) (func (export "f") (call $g))', 3n],
  [
    'call_indirect',
    '(table funcref (elem $g)) (func $g (drop (i32.const 1))) (func (export "f") (call_indirect (i32.const 0)))',
    4n,
  ],
  ['15 locals are free', `(func (export "f") (local${' i32'.repeat(15)}))`, 0n],
  ['16 locals cost 1', `(func (export "f") (local${' i64'.repeat(16)}))`, 1n],
  ['100 locals cost 6', `(func (export "f") (local${' f64'.repeat(100)}))`, 6n],
  [
    'memory.fill of 15 bytes',
    '(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 15)))',
    4n,
  ],
  [
    'memory.fill of 16 bytes',
    '(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 16)))',
    5n,
  ],
  [
    'memory.fill of a page',
    '(memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)))',
    4_100n,
  ],
  [
    'memory.copy of 160 bytes',
    '(memory 1) (func (export "f") (memory.copy (i32.const 0) (i32.const 1) (i32.const 160)))',
    14n,
  ],
  [
    'memory.init of 32 bytes',
    `(memory 1) (data $d "${'x'.repeat(32)}") (func (export "f") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 32)))`,
    6n,
  ],
  ['data.drop', '(memory 1) (data $d "x") (func (export "f") (data.drop $d))', 1n],
  [
    'table.fill of 10',
    '(table 10 funcref) (func (export "f") (table.fill (i32.const 0) (ref.null func) (i32.const 10)))',
    14n,
  ],
  [
    'table.copy of 3',
    '(table 10 funcref) (func (export "f") (table.copy (i32.const 0) (i32.const 1) (i32.const 3)))',
    7n,
  ],
  [
    'table.init of 2',
    '(table 10 funcref) (func $g) (elem $e func $g $g) (func (export "f") (table.init $e (i32.const 0) (i32.const 0) (i32.const 2)))',
    6n,
  ],
  ['memory.grow by 2', '(memory 1) (func (export "f") (drop (memory.grow (i32.const 2))))', 8_195n],
  ['memory.grow by 0', '(memory 1) (func (export "f") (drop (memory.grow (i32.const 0))))', 3n],
  ['a failing memory.grow', '(memory 1 1) (func (export "f") (drop (memory.grow (i32.const 1))))', 3n],
  ['table.grow by 5', '(table 1 funcref) (func (export "f") (drop (table.grow (ref.null func) (i32.const 5))))', 9n],
  [
    'a failing table.grow',
    '(table 1 1 funcref) (func (export "f") (drop (table.grow (ref.null func) (i32.const 5))))',
    4n,
  ],
  [
    'SIMD costs as any other',
    '(func (export "f") (drop (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 1)))))',
    5n,
  ],
  [
    'a loop of ten rounds',
    `(func (export "f") (local $i i32) (loop $again
    (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $again (i32.lt_u (local.get $i) (i32.const 10)))))`,
    80n,
  ],
];

interface Kernel {
  readonly name: string;
  readonly file: string;
  readonly export: string;
  readonly args: readonly (number | string)[];
  readonly result: number | string;
}

const KERNELS: readonly Kernel[] = JSON.parse(
  readFileSync(new URL('../../guests/kernels/kernels.json', import.meta.url), 'utf8'),
);
const PINNED: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('kernels.fuel.json', import.meta.url), 'utf8'),
);

onEveryBackend('fuel', (lab) => {
  test('fib(30)', async () => {
    const instance = await lab.instantiate(FIB);
    expect(instance.exports.fib!(30)).toBe(FIB_30);
    expect(lab.record(instance.fuelUsed)).toBe(FIB_30_FUEL);
    expect(await lab.observe(instance, () => instance.invoke('fib', [30], { fuel: FIB_30_FUEL }))).toMatchObject({
      value: [FIB_30],
    });
    expect(await lab.observe(instance, () => instance.invoke('fib', [30], { fuel: FIB_30_FUEL - 1n }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      details: { used: FIB_30_FUEL - 1n, limit: FIB_30_FUEL - 1n },
      state: 'poisoned',
      fuelUsed: FIB_30_FUEL - 1n,
    });
  });

  test.each(COSTS)('%s', async (_, text, cost) => {
    const module = await lab.compile(text);
    const instance = await module.instantiate();
    expect(instance.exports.f!()).toBe(undefined);
    expect(lab.record(instance.fuelUsed)).toBe(cost);
    if (cost === 0n) return;

    const enough = await module.instantiate();
    expect(await lab.observe(enough, () => enough.invoke('f', [], { fuel: cost }))).toMatchObject({
      value: [],
      fuelUsed: cost,
    });
    if (cost === 1n) return;
    const short = await module.instantiate();
    expect(await lab.observe(short, () => short.invoke('f', [], { fuel: cost - 1n }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      fuelUsed: cost - 1n,
    });
  });

  test.each(KERNELS)('kernel $name', async ({ name, file, export: run, args, result }) => {
    const module = await lab.compile(guestFile(`kernels/${file}`));
    const type = module.exports.find((item) => item.name === run)?.type as { params: string[]; results: string[] };
    const values = args.map((arg, index) => (type.params[index] === 'i64' ? BigInt(arg) : Number(arg)));
    const expected = type.results[0] === 'i64' ? BigInt(result) : Number(result);
    const instance = await module.instantiate();
    expect(await instance.invoke(run, values)).toEqual([expected]);
    const cost = lab.record(instance.fuelUsed);
    expect(String(cost)).toBe(PINNED[name]);

    const enough = await module.instantiate();
    expect(await enough.invoke(run, values, { fuel: cost })).toEqual([expected]);
    const short = await module.instantiate();
    expect(await lab.observe(short, () => short.invoke(run, values, { fuel: cost - 1n }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
    });
  });

  test.each([1n, 7n, 8n, 31n, 32n, 33n, 100n, 255n, 1_003n])(
    'a loop with %i units stops in its round',
    async (fuel) => {
      const instance = await lab.instantiate(MARKING_LOOP, { afterTrap: 'keep' });
      expect(await lab.observe(instance, () => instance.invoke('f', [], { fuel }))).toMatchObject({
        code: 'ERR_FUEL_EXHAUSTED',
      });
      const marked = instance.memory!.read(0, 256).reduce((sum, byte) => sum + byte);
      expect(lab.record(marked)).toBe(Number(fuel / MARKING_ROUND) + 1);
    },
  );

  test('a start function is charged to the instantiation', async () => {
    const module = await lab.compile(
      '(global $g (mut i32) (i32.const 0)) (func $start (global.set $g (i32.const 1))) (start $start)',
    );
    expect(lab.record((await module.instantiate({ fuel: 2 })).fuelUsed)).toBe(2n);
    expect(await lab.observe(undefined, () => module.instantiate({ fuel: 1 }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      phase: 'start',
    });
  });

  test('every call has the whole budget', async () => {
    const instance = await lab.instantiate(FIB, {}, { meteringLimit: 10_000 });
    for (let i = 0; i < 50; i++) expect(instance.exports.fib!(10)).toBe(89);
    expect(await lab.observe(instance, () => instance.exports.fib!(20))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      fuelUsed: 10_000n,
    });
  });

  test('a refused call leaves the last count alone', async () => {
    const instance = await lab.instantiate(FIB);
    instance.exports.fib!(5);
    const before = instance.fuelUsed;
    await lab.observe(instance, () => instance.invoke('fob', []));
    await lab.observe(instance, () => instance.exports.fib!('5'));
    expect(instance.fuelUsed).toBe(before);
  });

  test('unlimited must be spelled, and is 2^62', async () => {
    const engine = lab.engine({ meteringLimit: 'unlimited' });
    expect(engine.options.meteringLimit).toBe(2n ** 62n);
  });

  test('the engine sums up', async () => {
    const engine = lab.engine();
    const instance = await (await engine.compile(guestFile('kernels/fib.wasm'))).instantiate();
    const before = engine.stats;
    const name = Object.keys(instance.exports)[0]!;
    await instance.invoke(name, [10]);
    const { fuel, calls } = engine.stats;
    expect(lab.record([fuel - before.fuel, calls - before.calls])).toEqual([instance.fuelUsed, 1]);
  });
});
