// Every kind of ordinary trap, told apart the same way on every engine.
import { expect, test } from 'vitest';
import { framesOf } from './support/frames';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';

const MODULE = `
  (memory 1)
  (table 2 funcref)
  (elem (i32.const 0) $nothing)
  (type $value (func (result i32)))
  (func $nothing)
  (func (export "unreachable") unreachable)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "load far") (param i32) (result i64) (i64.load offset=4294967295 (local.get 0)))
  (func (export "store") (param i32) (i64.store (local.get 0) (i64.const 1)))
  (func (export "load v128") (param i32) (v128.store (i32.const 0) (v128.load (local.get 0))))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 1) (local.get 1)))
  (func (export "copy") (param i32 i32) (memory.copy (i32.const 0) (local.get 0) (local.get 1)))
  (func (export "init") (param i32 i32) (memory.init $data (i32.const 0) (local.get 0) (local.get 1)))
  (func (export "dropped") (data.drop $data) (memory.init $data (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "table.get") (param i32) (drop (table.get 0 (local.get 0))))
  (func (export "table.set") (param i32) (table.set 0 (local.get 0) (ref.null func)))
  (func (export "table.fill") (param i32) (table.fill 0 (i32.const 0) (ref.null func) (local.get 0)))
  (func (export "table.copy") (param i32) (table.copy (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "table.init") (param i32) (table.init $elements (i32.const 0) (i32.const 0) (local.get 0)))
  (func (export "call_indirect") (param i32) (call_indirect (type $value) (local.get 0)) drop)
  (func (export "i32.div_s") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "i32.rem_u") (param i32 i32) (result i32) (i32.rem_u (local.get 0) (local.get 1)))
  (func (export "i32.rem_s") (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func (export "i64.div_s") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func (export "i64.rem_s") (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func (export "i32.trunc_f32_s") (param f32) (result i32) (i32.trunc_f32_s (local.get 0)))
  (func (export "i64.trunc_f64_u") (param f64) (result i64) (i64.trunc_f64_u (local.get 0)))
  (data $data "0123456789")
  (elem $elements func $nothing $nothing)`;

const TRAPS: readonly (readonly [string, readonly (number | bigint)[], string])[] = [
  ['unreachable', [], 'unreachable'],
  ['load', [65_533], 'memory_out_of_bounds'],
  ['load', [-1], 'memory_out_of_bounds'],
  ['load far', [0], 'memory_out_of_bounds'],
  ['load far', [-1], 'memory_out_of_bounds'],
  ['store', [65_529], 'memory_out_of_bounds'],
  ['store', [-2_147_483_648], 'memory_out_of_bounds'],
  ['load v128', [65_521], 'memory_out_of_bounds'],
  ['fill', [65_530, 7], 'memory_out_of_bounds'],
  ['fill', [-1, -1], 'memory_out_of_bounds'],
  ['fill', [65_537, 0], 'memory_out_of_bounds'],
  ['copy', [65_000, 537], 'memory_out_of_bounds'],
  ['init', [8, 3], 'memory_out_of_bounds'],
  ['dropped', [], 'memory_out_of_bounds'],
  ['table.get', [2], 'table_out_of_bounds'],
  ['table.set', [-1], 'table_out_of_bounds'],
  ['table.fill', [3], 'table_out_of_bounds'],
  ['table.copy', [3], 'table_out_of_bounds'],
  ['table.init', [3], 'table_out_of_bounds'],
  ['call_indirect', [2], 'table_out_of_bounds'],
  ['call_indirect', [-1], 'table_out_of_bounds'],
  ['call_indirect', [1], 'indirect_call_mismatch'],
  ['call_indirect', [0], 'indirect_call_mismatch'],
  ['i32.div_s', [1, 0], 'integer_divide_by_zero'],
  ['i32.rem_u', [1, 0], 'integer_divide_by_zero'],
  ['i64.rem_s', [1n, 0n], 'integer_divide_by_zero'],
  ['i32.div_s', [-(2 ** 31), -1], 'integer_overflow'],
  ['i64.div_s', [-(2n ** 63n), -1n], 'integer_overflow'],
  ['i32.trunc_f32_s', [Number.NaN], 'float_to_integer'],
  ['i32.trunc_f32_s', [2 ** 31], 'float_to_integer'],
  ['i64.trunc_f64_u', [-1], 'float_to_integer'],
  ['i64.trunc_f64_u', [Number.POSITIVE_INFINITY], 'float_to_integer'],
];

/** At the very edge and still right: nothing here may trap. */
const EDGES: readonly (readonly [string, readonly (number | bigint)[], unknown])[] = [
  ['load', [65_532], 0],
  ['store', [65_528], undefined],
  ['load v128', [65_520], undefined],
  ['fill', [65_530, 6], undefined],
  ['fill', [65_536, 0], undefined],
  ['copy', [65_000, 536], undefined],
  ['init', [8, 2], undefined],
  ['table.get', [1], undefined],
  ['table.fill', [2], undefined],
  ['i32.rem_s', [-(2 ** 31), -1], 0],
  ['i64.rem_s', [-(2n ** 63n), -1n], 0n],
  ['i32.trunc_f32_s', [-(2 ** 31)], -(2 ** 31)],
  ['i64.trunc_f64_u', [-0.9], 0n],
];

onEveryBackend('traps', (lab) => {
  test.each(TRAPS)('%s, case %#, traps', async (name, args, trap) => {
    const instance = await lab.instantiate(MODULE);
    expect(await lab.observe(instance, () => instance.exports[name]!(...args))).toMatchObject({
      code: 'ERR_TRAP',
      phase: 'call',
      details: { trap },
      state: 'poisoned',
    });
    const other = await lab.instantiate(MODULE);
    expect(await lab.observe(other, () => other.invoke(name, args))).toMatchObject({
      code: 'ERR_TRAP',
      details: { trap },
    });
  });

  test.each(EDGES)('%s is right at the edge, case %#', async (name, args, expected) => {
    const instance = await lab.instantiate(MODULE);
    expect(await lab.observe(instance, () => instance.exports[name]!(...args))).toMatchObject({
      value: expected,
      state: 'idle',
    });
  });

  test('a kept instance traps again and again, and still works between', async () => {
    const instance = await lab.instantiate(MODULE, { afterTrap: 'keep' });
    for (const [name, args, trap] of TRAPS) {
      if (name === 'dropped') continue;
      expect(await lab.observe(instance, () => instance.exports[name]!(...args))).toMatchObject({
        details: { trap },
        state: 'idle',
      });
      expect(instance.exports['i32.div_s']!(7, 2)).toBe(3);
    }
  });

  test.each([
    ['of calls', '(func $inner unreachable) (func (call $inner)) (func $run (export "run") (call 1))', 'inner 1 run'],
    [
      'of a call through a table',
      '(table funcref (elem $inner)) (func $inner (drop (i32.div_u (i32.const 1) (i32.const 0)))) (func (export "run") (call_indirect (i32.const 0)))',
      'inner 1',
    ],
    [
      'of work in bulk, which has a function of ours',
      '(memory 1) (func (export "run") (memory.fill (i32.const 0) (i32.const 0) (i32.const 2000000)))',
      '0',
    ],
  ])('frames %s are functions of the author', async (_, text, expected) => {
    const instance = await lab.instantiate(text);
    const error = await errorOf(() => instance.invoke('run', []));
    const frames = lab.backend === 'wasmi' ? [] : expected.split(' ');
    expect(framesOf(error).map(({ function: index, name }) => name ?? String(index))).toEqual(frames);
  });

  test('a trap in the start function fails the instantiation', async () => {
    const module = await lab.compile('(func $start unreachable) (start $start)');
    expect(await lab.observe(undefined, () => module.instantiate())).toMatchObject({
      code: 'ERR_TRAP',
      details: { trap: 'unreachable' },
    });
    expect(await lab.observe(undefined, () => module.instantiateSync())).toMatchObject({
      code: 'ERR_TRAP',
      details: { trap: 'unreachable' },
    });
  });

  test.each([
    ['data', '(memory 1) (data (i32.const 65530) "0123456789")', 'memory_out_of_bounds'],
    ['elements', '(table 1 funcref) (func $f) (elem (i32.const 1) $f)', 'table_out_of_bounds'],
  ])('%s that does not fit fails the instantiation', async (_, text, trap) => {
    const module = await lab.compile(text);
    expect(await lab.observe(undefined, () => module.instantiate())).toMatchObject({
      code: 'ERR_TRAP',
      details: { trap },
    });
  });
});
