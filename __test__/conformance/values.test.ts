// Core values of every type that JavaScript can carry, both ways: arguments, results, several results.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';

const IDENTITIES = `
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "f32 bits") (param i32) (result i32) (i32.reinterpret_f32 (f32.reinterpret_i32 (local.get 0))))
  (func (export "f64 bits") (param i64) (result i64) (i64.reinterpret_f64 (f64.reinterpret_i64 (local.get 0))))
  (func (export "f32 to bits") (param f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
  (func (export "f64 to bits") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
  (func (export "none"))
  (func (export "two") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "all") (param i32 i64 f32 f64) (result f64 f32 i64 i32) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "many") (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32)
    (local.get 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7))`;

/** What is given, and what comes back: integers wrap, floats round, as WebAssembly's JavaScript interface says. */
const CASES: readonly (readonly [string, number | bigint, number | bigint])[] = [
  ['i32', 0, 0],
  ['i32', -0, 0],
  ['i32', 2 ** 31 - 1, 2 ** 31 - 1],
  ['i32', -(2 ** 31), -(2 ** 31)],
  ['i32', 2 ** 31, -(2 ** 31)],
  ['i32', 2 ** 32 - 1, -1],
  ['i32', 2 ** 32 + 5, 5],
  ['i32', 2 ** 53, 0],
  ['i32', 1.9, 1],
  ['i32', -1.9, -1],
  ['i32', Number.NaN, 0],
  ['i32', Number.POSITIVE_INFINITY, 0],
  ['i64', 0n, 0n],
  ['i64', 2n ** 63n - 1n, 2n ** 63n - 1n],
  ['i64', -(2n ** 63n), -(2n ** 63n)],
  ['i64', 2n ** 63n, -(2n ** 63n)],
  ['i64', 2n ** 64n - 1n, -1n],
  ['i64', 2n ** 64n + 5n, 5n],
  ['f32', 0, 0],
  ['f32', -0, -0],
  ['f32', 0.1, Math.fround(0.1)],
  ['f32', 3.4028234663852886e38, 3.4028234663852886e38],
  ['f32', 1e39, Number.POSITIVE_INFINITY],
  ['f32', 1.401298464324817e-45, 1.401298464324817e-45],
  ['f32', 1e-46, 0],
  ['f32', Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ['f32', Number.NaN, Number.NaN],
  ['f64', -0, -0],
  ['f64', 0.1, 0.1],
  ['f64', Number.MAX_VALUE, Number.MAX_VALUE],
  ['f64', Number.MIN_VALUE, Number.MIN_VALUE],
  ['f64', Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ['f64', Number.NaN, Number.NaN],
];

/** Signalling and quiet NaNs with payloads; loads, constants and reinterpretations must keep them. */
const NAN32 = [0x7fc00000, 0x7fc00001, 0x7fa00000, 0x7f800001, -0x400000, -1, -0x7fffff] as const;
const NAN64 = [
  0x7ff8000000000000n,
  0x7ff8000000000001n,
  0x7ff4000000000000n,
  0x7ff0000000000001n,
  -0x8000000000000n,
  -1n,
] as const;

onEveryBackend('core values', (lab) => {
  test.each(CASES)('%s of %s is %s', async (name, given, expected) => {
    const instance = await lab.instantiate(IDENTITIES);
    expect(instance.exports[name]!(given)).toBe(expected);
    expect(await instance.invoke(name, [given])).toEqual([expected]);
  });

  test.each(NAN32)('NaN bits of f32 %i stay as they are', async (bits) => {
    const { exports } = await lab.instantiate(IDENTITIES);
    expect(exports['f32 bits']!(bits)).toBe(bits);
  });

  test.each(NAN64)('NaN bits of f64 %i stay as they are', async (bits) => {
    const { exports } = await lab.instantiate(IDENTITIES);
    expect(exports['f64 bits']!(bits)).toBe(bits);
  });

  test('a NaN that comes from JavaScript is the canonical one', async () => {
    const { exports } = await lab.instantiate(IDENTITIES);
    expect(exports['f32 to bits']!(Number.NaN)).toBe(0x7fc00000);
    expect(exports['f64 to bits']!(Number.NaN)).toBe(0x7ff8000000000000n);
  });

  test('several results are an array, one is a value, none is undefined', async () => {
    const instance = await lab.instantiate(IDENTITIES);
    const { exports } = instance;
    expect(exports.none!()).toBe(undefined);
    expect(exports.two!(1, 2n)).toEqual([2n, 1]);
    expect(exports.all!(1, -2n, 0.5, -0)).toEqual([-0, 0.5, -2n, 1]);
    expect(exports.many!(9)).toEqual([9, 1, 2, 3, 4, 5, 6, 7]);
    expect(await instance.invoke('none')).toEqual([]);
    expect(await instance.invoke('two', [1, 2n])).toEqual([2n, 1]);
    expect(await instance.invoke('i32', [3])).toEqual([3]);
    expect(lab.record(instance.fuelUsed)).toBe(1n);
  });

  test('any values come back as they went', async () => {
    const instance = await lab.instantiate(IDENTITIES);
    const all = fc.tuple(
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.float({ noNaN: false }),
      fc.double({ noNaN: false }),
    );
    await fc.assert(
      fc.asyncProperty(all, async (values) => {
        const expected = values.toReversed();
        expect(instance.exports.all!(...values)).toEqual(expected);
        expect(await instance.invoke('all', values)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  const WRONG: readonly (readonly [string, readonly unknown[], string])[] = [
    ['i32', [1n], 'ERR_INVALID_ARG_TYPE'],
    ['i32', ['1'], 'ERR_INVALID_ARG_TYPE'],
    ['i32', [null], 'ERR_INVALID_ARG_TYPE'],
    ['i32', [undefined], 'ERR_INVALID_ARG_TYPE'],
    ['i32', [true], 'ERR_INVALID_ARG_TYPE'],
    ['i32', [{ valueOf: () => 1 }], 'ERR_INVALID_ARG_TYPE'],
    ['i32', [Symbol('x')], 'ERR_INVALID_ARG_TYPE'],
    ['i64', [1], 'ERR_INVALID_ARG_TYPE'],
    ['i64', ['1'], 'ERR_INVALID_ARG_TYPE'],
    ['f32', [1n], 'ERR_INVALID_ARG_TYPE'],
    ['f64', [1n], 'ERR_INVALID_ARG_TYPE'],
    ['i32', [], 'ERR_INVALID_ARG_VALUE'],
    ['i32', [1, 2], 'ERR_INVALID_ARG_VALUE'],
    ['none', [1], 'ERR_INVALID_ARG_VALUE'],
  ];

  test.each(WRONG)('%s refuses the arguments of case %#', async (name, args, code) => {
    const instance = await lab.instantiate(IDENTITIES);
    for (const run of [() => instance.exports[name]!(...args), () => instance.invoke(name, args as number[])]) {
      expect(await lab.observe(instance, run)).toMatchObject({ code, error: 'TypeError', state: 'idle', fuelUsed: 0n });
    }
  });

  test('the exports object has no prototype, cannot be changed, and has only what is exported', async () => {
    const { exports } = await lab.instantiate(`(memory (export "memory") 1) (global (export "g") i32 (i32.const 1))
      (func (export "constructor")) (func (export "__proto__")) (func (export ""))`);
    expect(Object.getPrototypeOf(exports)).toBe(null);
    expect(Object.isFrozen(exports)).toBe(true);
    expect(lab.record(Object.keys(exports).sort())).toEqual(['', '__proto__', 'constructor', 'g', 'memory']);
    expect(exports.toString).toBe(undefined);
  });
});
