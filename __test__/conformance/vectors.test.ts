// Vectors between guest and host: 16 bytes, least significant first, with every bit.
import { Global, hostFunction } from 'aingle-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';

const BYTES = Uint8Array.from({ length: 16 }, (_, index) => 0xf0 - index);
const OTHER = Uint8Array.from({ length: 16 }, (_, index) => index + 1);

const GUEST = `(import "env" "swap" (func $swap (param v128 i32 v128) (result v128 f32 v128)))
  (global $g (export "g") (mut v128) (v128.const i64x2 1 2)) (global (export "c") v128 (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16))
  (func (export "same") (param v128) (result v128) (local.get 0))
  (func (export "mixed") (param f32 v128 i64 v128) (result v128 i64 f32 v128)
    (local.get 3) (local.get 2) (local.get 0) (local.get 1))
  (func (export "lane") (param v128) (result i64) (i64x2.extract_lane 1 (local.get 0)))
  (func (export "hosted") (param v128 v128) (result v128 v128) (local $f f32) (local $v v128)
    (call $swap (local.get 0) (i32.const 7) (local.get 1)) (local.set $v) (local.set $f) (local.get $v))
  (func (export "set") (param v128) (global.set $g (local.get 0)))
  (export "imported" (func $swap))`;

const swap = (a: Uint8Array, _: number, b: Uint8Array) => [b, 1.5, a];

onEveryBackend('vectors', (lab) => {
  test('keep every bit as arguments and results', async () => {
    const instance = await lab.instantiate(GUEST, { imports: { env: { swap } } });
    const { same, mixed, lane } = instance.exports;
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const keeps = fc.property(bytes, (given) => {
      expect(same(given)).toEqual(Uint8Array.from(given));
    });
    fc.assert(keeps, { numRuns: 50 });
    expect(lab.record(mixed(0.5, BYTES, 7n, OTHER))).toEqual([OTHER, 7n, 0.5, BYTES]);
    expect(await instance.invoke('mixed', [0.5, OTHER, -7n, BYTES])).toEqual([BYTES, -7n, 0.5, OTHER]);
    expect(lane(OTHER)).toBe(0x100f0e0d0c0b0a09n);
    expect(lab.record(instance.fuelUsed)).toBe(2n);
  });

  test('are copied on their way', async () => {
    const { exports } = await lab.instantiate(GUEST, { imports: { env: { swap } } });
    const given = Uint8Array.from(BYTES);
    const returned = exports.same(given);
    expect(returned).not.toBe(given);
    const made = new Global({ value: 'v128', mutable: true }, given);
    given.fill(0);
    made.value.fill(0);
    expect(made.value).toEqual(lab.record(BYTES));
  });

  test('reach host functions and come back', async () => {
    const seen: unknown[] = [];
    const noting = hostFunction(
      (...args: unknown[]) => {
        seen.push(...args);
        return swap(args[0] as Uint8Array, 0, args[2] as Uint8Array);
      },
      { params: ['v128', 'i32', 'v128'], results: ['v128', 'f32', 'v128'], cost: 50 },
    );
    const instance = await lab.instantiate(GUEST, { imports: { env: { swap: noting } } });
    expect(instance.exports.hosted(BYTES, OTHER)).toEqual([OTHER, BYTES]);
    expect(seen).toEqual([BYTES, 7, OTHER]);
    expect(lab.record(instance.fuelUsed)).toBeGreaterThan(50n);
    expect(instance.exports.imported(OTHER, 1, BYTES)).toEqual([BYTES, 1.5, OTHER]);
    expect((await instance.invoke('hosted', [OTHER, BYTES]))[0]).toEqual(BYTES);
  });

  test.each([[undefined], [[]], [[BYTES, 1]], [[BYTES, 1.5, new Uint8Array(15)]], [[1, 1.5, BYTES]]])(
    'a host function that returns %j fails',
    async (returned) => {
      const { exports } = await lab.instantiate(GUEST, { imports: { env: { swap: () => returned } } });
      expect(await lab.observe(undefined, () => exports.hosted(BYTES, OTHER))).toMatchObject({
        code: 'ERR_HOST_FUNCTION',
      });
    },
  );

  test.each([
    [16],
    [0n],
    [null],
    [undefined],
    ['0123456789abcdef'],
    [new Uint8Array(15)],
    [new Uint8Array(17)],
    [new Float32Array(4)],
  ])('are not made of %s', async (value) => {
    const instance = await lab.instantiate(GUEST, { imports: { env: { swap } } });
    for (const use of [
      () => instance.exports.same(value),
      () => instance.invoke('same', [value]),
      () => {
        instance.exports.g.value = value;
      },
      () => new Global({ value: 'v128', mutable: false }, value),
    ]) {
      expect(await lab.observe(instance, use)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', state: 'idle' });
    }
  });

  test('are values of globals, exported and imported', async () => {
    const { exports } = await lab.instantiate(GUEST, { imports: { env: { swap } } });
    expect(exports.c.value).toEqual(OTHER);
    expect(exports.g.value).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
    exports.g.value = BYTES;
    expect(exports.g.value).toEqual(BYTES);
    exports.set(OTHER);
    expect(exports.g.value).toEqual(OTHER);
    const variable = new Global({ value: 'v128', mutable: true }, BYTES);
    const constant = new Global({ value: 'v128', mutable: false }, OTHER);
    const importing = await lab.instantiate(
      `(import "env" "variable" (global $v (mut v128))) (import "env" "constant" (global $c v128))
       (global $copy (export "copy") v128 (global.get $c)) (export "again" (global $v))
       (func (export "swap") (result v128) (global.get $v) (global.set $v (global.get $c)))`,
      { imports: { env: { variable, constant } } },
    );
    expect(importing.exports.copy.value).toEqual(OTHER);
    expect(importing.exports.again).toBe(variable);
    expect(importing.exports.swap()).toEqual(BYTES);
    expect(variable.value).toEqual(OTHER);
    variable.value = BYTES;
    expect(importing.exports.again.value).toEqual(BYTES);
    importing.close();
    expect(await lab.observe(undefined, () => variable.value)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
  });
});
