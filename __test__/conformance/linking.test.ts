// Imports and exports: everything that is missing or of another type is named in one error, with what may have been meant.
import { hostFunction } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { failed } from './support/outcome';

const WANTS = `
  (import "env" "add" (func (param i32 i32) (result i32)))
  (import "env" "log" (func (param i32)))
  (import "math" "sin" (func (param f64) (result f64)))`;

const fn = () => 0;

onEveryBackend('linking', (lab) => {
  test('all that is missing is named at once', async () => {
    const module = await lab.compile(WANTS);
    const outcome = await lab.observe(undefined, () => module.instantiate({ imports: { env: { lgo: fn } } }));
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_MISSING', phase: 'link' });
    const { imports } = failed(outcome).details as { imports: { module: string; name: string; near: string[] }[] };
    expect(imports.map(({ module: from, name }) => `${from}.${name}`)).toEqual(['env.add', 'env.log', 'math.sin']);
    expect(imports[1]!.near).toEqual(['lgo']);
    for (const name of ['env.add', 'env.log', 'math.sin', 'lgo', '(i32, i32) -> (i32)']) {
      expect(failed(outcome).message).toContain(name);
    }
    expect(await lab.observe(undefined, () => module.instantiateSync())).toMatchObject({ code: 'ERR_IMPORT_MISSING' });
  });

  test('what is missing and what has another type are named in one error', async () => {
    const module = await lab.compile(WANTS);
    const imports = { env: { add: hostFunction(fn, { params: ['i64'] }) }, math: { sin: fn } };
    const outcome = await lab.observe(undefined, () => module.instantiate({ imports }));
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_MISSING' });
    const { imports: problems } = failed(outcome).details as { imports: { name: string; actual?: string }[] };
    expect(problems.map(({ name, actual }) => [name, actual])).toEqual([
      ['add', '(i64) -> (i32)'],
      ['log', undefined],
    ]);
  });

  test('a name that exists in another module is suggested', async () => {
    const module = await lab.compile('(import "math" "sin" (func (param f64) (result f64)))');
    const outcome = await lab.observe(undefined, () => module.instantiate({ imports: { env: { sin: fn } } }));
    expect(failed(outcome).message).toContain('env.sin');
  });

  test('own properties only: a polluted prototype gives no import', async () => {
    const module = await lab.compile('(import "env" "toString" (func)) (import "constructor" "name" (func))');
    expect(await lab.observe(undefined, () => module.instantiate({ imports: { env: {} } }))).toMatchObject({
      code: 'ERR_IMPORT_MISSING',
    });
    Object.assign(Object.prototype, { stray: { f: fn } });
    try {
      const other = await lab.compile('(import "stray" "f" (func))');
      expect(await lab.observe(undefined, () => other.instantiate())).toMatchObject({ code: 'ERR_IMPORT_MISSING' });
    } finally {
      delete (Object.prototype as { stray?: unknown }).stray;
    }
  });

  test.each([
    ['a number', { env: { log: 1 } }],
    ['null', { env: { log: null } }],
    ['an object', { env: { log: {} } }],
    ['a map', { env: { log: new Map() } }],
    ['a module that is a function', { env: fn }],
    ['a module that is an array', { env: [fn] }],
    ['imports that are an array', [fn]],
    ['imports that are a string', 'env'],
  ])('%s is no import', async (_, imports) => {
    const module = await lab.compile('(import "env" "log" (func (param i32)))');
    const run = () => module.instantiate({ imports: imports as unknown as Record<string, Record<string, () => void>> });
    expect(await lab.observe(undefined, run)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', error: 'TypeError' });
  });

  test.each([
    ['memory', '(import "env" "m" (memory 1))'],
    ['table', '(import "env" "m" (table 1 funcref))'],
    ['global', '(import "env" "m" (global i32))'],
  ])('an imported %s that is given as a function is of another type', async (kind, text) => {
    const module = await lab.compile(text);
    const outcome = await lab.observe(undefined, () => module.instantiate({ imports: { env: { m: fn } } }));
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    expect(failed(outcome).message).toContain(kind);
    expect(await lab.observe(undefined, () => module.instantiate())).toMatchObject({ code: 'ERR_IMPORT_MISSING' });
  });

  test('a host function of bytes must be imported as one', async () => {
    const module = await lab.compile('(import "env" "serve" (func (param i32)))');
    expect(await lab.observe(undefined, () => module.instantiate({ host: { serve: () => '' } }))).toMatchObject({
      code: 'ERR_IMPORT_TYPE',
    });
  });

  test('the functions of the engine itself cannot be replaced, and are checked', async () => {
    const text =
      '(import "aingle_v1" "crc32" (func $crc (param i32 i32) (result i32))) (memory 1) (data (i32.const 0) "123456789") (func (export "run") (result i32) (call $crc (i32.const 0) (i32.const 9)))';
    const instance = await lab.instantiate(text);
    expect(instance.exports.run!() >>> 0).toBe(0xcbf43926);
    const module = await lab.compile(text);
    expect(
      await lab.observe(undefined, () => module.instantiate({ imports: { aingle_v1: { crc32: fn } } })),
    ).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    const unknown = await lab.compile('(import "aingle_v1" "crc" (func))');
    expect(await lab.observe(undefined, () => unknown.instantiate())).toMatchObject({ code: 'ERR_IMPORT_MISSING' });
    const other = await lab.compile('(import "aingle_v1" "crc32" (func))');
    expect(await lab.observe(undefined, () => other.instantiate())).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
  });

  test('crc32 is charged by its length and checks its pointer', async () => {
    const text =
      '(import "aingle_v1" "crc32" (func $crc (param i32 i32) (result i32))) (memory 1) (func (export "run") (param i32 i32) (result i32) (call $crc (local.get 0) (local.get 1)))';
    const instance = await lab.instantiate(text);
    for (const [length, fuel] of [
      [0, 3n],
      [15, 3n],
      [16, 4n],
      [65_536, 4_099n],
    ] as const) {
      instance.exports.run!(0, length);
      expect(lab.record(instance.fuelUsed)).toBe(fuel);
    }
    expect(await lab.observe(instance, () => instance.exports.run!(1, 65_536))).toMatchObject({
      code: 'ERR_GUEST_POINTER',
      phase: 'host',
      state: 'poisoned',
    });
  });

  test('a missing export is named, and so is what may have been meant', async () => {
    const instance = await lab.instantiate(
      '(func (export "summarise") (param i32 i32) (result i64) (i64.const 0)) (func (export "add") (param i32))',
    );
    for (const run of [
      () => instance.call('summarize', 'x'),
      () => instance.callSync('summarize', 'x'),
      () => instance.callRaw('summarize', new Uint8Array(0)),
      () => instance.invoke('summarize', [1, 2]),
    ]) {
      const outcome = await lab.observe(instance, run);
      expect(outcome).toMatchObject({ code: 'ERR_EXPORT_NOT_FOUND', phase: 'call', state: 'idle' });
      expect(failed(outcome).message).toContain('summarise');
    }
    expect(await lab.observe(instance, () => instance.call('nothing like it', 'x'))).toMatchObject({
      code: 'ERR_EXPORT_NOT_FOUND',
    });
    expect(await lab.observe(instance, () => instance.call('add', 'x'))).toMatchObject({
      code: 'ERR_EXPORT_NOT_FOUND',
    });
  });

  test.each(['__proto__', 'constructor', 'toString', '', 'memory', '\u0000'])(
    '%j is no function here',
    async (name) => {
      const instance = await lab.instantiate('(memory (export "memory") 1)');
      expect(await lab.observe(instance, () => instance.invoke(name, []))).toMatchObject({
        code: 'ERR_EXPORT_NOT_FOUND',
      });
      expect(await lab.observe(instance, () => instance.callSync(name))).toMatchObject({
        code: 'ERR_EXPORT_NOT_FOUND',
      });
    },
  );

  test('input for a guest without an allocator is refused before it runs', async () => {
    const instance = await lab.instantiate('(memory 1) (func (export "f") (param i32 i32) (result i64) (i64.const 0))');
    expect(await lab.observe(instance, () => instance.call('f', 'x'))).toMatchObject({
      code: 'ERR_EXPORT_NOT_FOUND',
      state: 'idle',
      fuelUsed: 0n,
    });
    expect((await instance.call('f')).bytes).toHaveLength(0);
  });

  test('_initialize runs once, before anything else', async () => {
    const text =
      '(global $n (mut i32) (i32.const 0)) (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 1)))) (func (export "n") (result i32) (global.get $n))';
    const instance = await lab.instantiate(text);
    expect(lab.record(instance.fuelUsed)).toBe(4n);
    expect(instance.exports.n!()).toBe(1);
  });
});
