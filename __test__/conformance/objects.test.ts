// Memories and globals that the host makes and imports, and those that a guest exports.
import { Global, Memory } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { failed } from './support/outcome';

const PAGE = 65_536;

const MEMORY = `(import "env" "memory" (memory 1 4))
  (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "set") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (export "same" (memory 0))`;

const COUNTER = `(import "env" "counter" (global $counter (mut i64)))
  (func (export "add") (param i64) (global.set $counter (i64.add (global.get $counter) (local.get 0))))
  (func (export "get") (result i64) (global.get $counter))`;

onEveryBackend('memories of the host', (lab) => {
  test('hold bytes of their own before any instance has them', async () => {
    const memory = new Memory({ min: 1, max: 3 });
    expect([memory.pages, memory.byteLength]).toEqual([1, PAGE]);
    expect(memory.read(PAGE - 2, 2)).toEqual(Uint8Array.of(0, 0));
    memory.write(10, Uint8Array.of(1, 2, 3));
    memory.write(PAGE - 1, Uint8Array.of(9));
    expect(memory.read(9, 5)).toEqual(Uint8Array.of(0, 1, 2, 3, 0));
    expect(memory.grow(2)).toBe(1);
    expect(memory.read(PAGE - 1, 2)).toEqual(Uint8Array.of(9, 0));
    expect(await lab.observe(undefined, () => memory.grow(1))).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      details: { limit: 3 * PAGE, value: 4 * PAGE },
    });
    expect(await lab.observe(undefined, () => memory.read(3 * PAGE, 1))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  });

  test.each(['instantiate', 'instantiateSync'] as const)('are shared with the guest after %s', async (how) => {
    const memory = new Memory({ min: 2, max: 4 });
    memory.write(PAGE, Uint8Array.of(7));
    const instance = await (await lab.compile(MEMORY))[how]({ imports: { env: { memory } } });
    expect(instance.exports.get(PAGE)).toBe(7);
    expect(instance.exports.size()).toBe(2);
    instance.exports.set(5, 8);
    expect(memory.read(5, 1)).toEqual(Uint8Array.of(8));
    memory.write(6, Uint8Array.of(9));
    expect(instance.exports.get(6)).toBe(9);
    expect(memory.grow(1)).toBe(2);
    expect(instance.exports.grow(1)).toBe(3);
    expect(memory.pages).toBe(4);
    expect(instance.exports.grow(1)).toBe(-1);
    expect(await lab.observe(undefined, () => memory.grow(1))).toMatchObject({ code: 'ERR_MEMORY_LIMIT' });
    expect(instance.memory).toBe(memory);
    expect(instance.exports.same).toBe(memory);
  });

  test('keep their own maximum below that of the import, without an end of the guest', async () => {
    const memory = new Memory({ min: 1, max: 2 });
    const instance = await lab.instantiate(MEMORY, { imports: { env: { memory } } });
    expect(instance.exports.grow(2)).toBe(-1);
    expect(instance.exports.grow(1)).toBe(1);
    expect(await lab.observe(instance, () => memory.grow(1))).toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      details: { limit: 2 * PAGE, value: 3 * PAGE },
    });
  });

  test.each([
    ['too small', { min: 0, max: 4 }, '1 to 4 pages'],
    ['a larger maximum', { min: 1, max: 5 }, '1 to 5 pages'],
    ['no maximum', { min: 1 }, '1 or more pages'],
  ])('with %s do not fit', async (_, type, text) => {
    const module = await lab.compile(MEMORY);
    const outcome = await lab.observe(undefined, () =>
      module.instantiate({ imports: { env: { memory: new Memory(type) } } }),
    );
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_TYPE', phase: 'link' });
    expect(failed(outcome).message).toContain(text);
  });

  test('may not begin above the limit of the instance, nor grow above it', async () => {
    const module = await lab.compile(
      '(import "env" "memory" (memory 1)) (func (export "grow") (result i32) (memory.grow (i32.const 1)))',
    );
    const limits = { memoryBytes: 2 * PAGE };
    const large = new Memory({ min: 3 });
    expect(
      await lab.observe(undefined, () => module.instantiate({ imports: { env: { memory: large } }, limits })),
    ).toMatchObject({ code: 'ERR_MEMORY_LIMIT', phase: 'link', details: { limit: 2 * PAGE, value: 3 * PAGE } });
    const memory = new Memory({ min: 2 });
    const instance = await module.instantiate({ imports: { env: { memory } }, limits });
    expect(instance.exports.grow()).toBe(-1);
    expect(await lab.observe(instance, () => memory.grow(1))).toMatchObject({ code: 'ERR_MEMORY_LIMIT' });
    const huge = new Memory({ min: 65_536 });
    expect(
      await lab.observe(undefined, () => module.instantiate({ imports: { env: { memory: huge } } })),
    ).toMatchObject({ code: 'ERR_MEMORY_LIMIT' });
    expect(large.pages).toBe(3);
  });

  test('belong to the first instance', async () => {
    const memory = new Memory({ min: 1, max: 4 });
    const module = await lab.compile(MEMORY);
    const instance = await module.instantiate({ imports: { env: { memory } } });
    const again = await lab.observe(undefined, () => module.instantiate({ imports: { env: { memory } } }));
    expect(again).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    expect(failed(again).message).toContain('belongs to another instance');
    const { memory: own } = (await lab.instantiate('(memory (export "memory") 1 4)')).exports;
    expect(await lab.observe(undefined, () => module.instantiate({ imports: { env: { memory: own } } }))).toMatchObject(
      { code: 'ERR_IMPORT_TYPE' },
    );
    instance.close();
    for (const use of [() => memory.pages, () => memory.read(0, 1), () => memory.grow(1)]) {
      expect(await lab.observe(undefined, use)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    }
  });

  test('are busy while their guest runs, and open to its host functions', async () => {
    const memory = new Memory({ min: 1 });
    let seen: unknown;
    const look = () => {
      seen = memory.read(0, 1)[0];
      memory.write(1, Uint8Array.of(6));
    };
    const instance = await lab.instantiate(
      `(import "env" "memory" (memory 1)) (import "env" "look" (func $look))
       (func (export "run") (result i32) (i32.store8 (i32.const 0) (i32.const 5)) (call $look) (i32.load8_u (i32.const 1)))`,
      { imports: { env: { memory, look } } },
    );
    const running = instance.invoke('run');
    expect(await lab.observe(undefined, () => memory.read(0, 1))).toMatchObject({ code: 'ERR_INSTANCE_BUSY' });
    expect(await running).toEqual([6]);
    expect(seen).toBe(5);
  });

  test('are as they were after an instantiation that fails', async () => {
    const memory = new Memory({ min: 1, max: 1 });
    memory.write(0, Uint8Array.of(3));
    const counter = new Global({ value: 'i32', mutable: true }, 1);
    const imports = { env: { memory, counter } };
    const failing = await lab.compile(
      `(import "env" "memory" (memory 1)) (import "env" "counter" (global $counter (mut i32)))
       (func $start (i32.store8 (i32.const 0) (i32.const 4)) (global.set $counter (i32.const 2)) unreachable) (start $start)`,
    );
    const pending = failing.instantiate({ imports });
    expect(await lab.observe(undefined, () => pending)).toMatchObject({ code: 'ERR_TRAP' });
    expect(await lab.observe(undefined, () => failing.instantiateSync({ imports }))).toMatchObject({
      code: 'ERR_TRAP',
    });
    expect([memory.read(0, 1)[0], counter.value]).toEqual([3, 1]);
    memory.write(0, Uint8Array.of(5));
    const instance = await lab.instantiate(MEMORY, { imports });
    expect(instance.exports.get(0)).toBe(5);
  });

  test.each([
    [undefined, 'ERR_OUT_OF_RANGE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [{ min: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ min: 65_537 }, 'ERR_OUT_OF_RANGE'],
    [{ min: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ min: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ min: 2, max: 1 }, 'ERR_OUT_OF_RANGE'],
    [{ min: 1, shared: true }, 'ERR_INVALID_ARG_VALUE'],
    [7, 'ERR_INVALID_ARG_TYPE'],
  ])('of the type %j are refused', async (type, code) => {
    const wanted = type === undefined ? 'ERR_INVALID_ARG_TYPE' : code;
    expect(await lab.observe(undefined, () => new Memory(type as unknown as { min: number }))).toMatchObject({
      code: wanted,
    });
  });
});

onEveryBackend('globals of the host', (lab) => {
  test('share their value with the guest', async () => {
    const counter = new Global({ value: 'i64', mutable: true }, 40n);
    counter.value = 41n;
    const instance = await lab.instantiate(COUNTER, { imports: { env: { counter } } });
    instance.exports.add(1n);
    expect(counter.value).toBe(42n);
    counter.value = -(2n ** 63n);
    expect(instance.exports.get()).toBe(-(2n ** 63n));
    await instance.invoke('add', [3n]);
    expect(counter.value).toBe(-(2n ** 63n) + 3n);
  });

  test('carry every type of number both ways', async () => {
    const values = { i32: -7, i64: 1n << 62n, f32: Math.fround(0.1), f64: Number.MIN_VALUE } as const;
    for (const [value, given] of Object.entries(values) as [keyof typeof values, number | bigint][]) {
      const global = new Global({ value, mutable: true }, given);
      const { exports } = await lab.instantiate(
        `(import "env" "g" (global $g (mut ${value}))) (global $own (export "own") (mut ${value}) (${value}.const 3))
         (func (export "get") (result ${value}) (global.get $g))
         (func (export "copy") (global.set $own (global.get $g)))`,
        { imports: { env: { g: global } } },
      );
      expect([exports.get(), global.value]).toEqual([given, given]);
      exports.copy();
      expect(exports.own.value).toBe(given);
      exports.own.value = value === 'i64' ? 5n : 5;
      expect(Number(exports.own.value)).toBe(5);
    }
  });

  test('wrap and round as arguments do', () => {
    expect(new Global({ value: 'i32', mutable: false }, 2 ** 32 + 5).value).toBe(5);
    expect(new Global({ value: 'i64', mutable: false }, 2n ** 64n - 1n).value).toBe(-1n);
    expect(new Global({ value: 'f32', mutable: false }, 0.1).value).toBe(Math.fround(0.1));
    lab.record('converted');
  });

  test('that are constant are shared by any number of instances, and never written', async () => {
    const base = new Global({ value: 'i32', mutable: false }, 16);
    const text = `(import "env" "base" (global $base i32)) (memory 1) (data (global.get $base) "x")
      (global (export "again") i32 (global.get $base))
      (func (export "get") (result i32) (i32.load8_u (global.get $base)))`;
    const module = await lab.compile(text);
    for (const _ of [1, 2]) {
      const { exports } = await module.instantiate({ imports: { env: { base } } });
      expect([exports.get(), exports.again.value]).toEqual([120, 16]);
      const write = await lab.observe(undefined, () => {
        exports.again.value = 1;
      });
      expect(write).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    }
    const write = await lab.observe(undefined, () => {
      base.value = 1;
    });
    expect(write).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(base.value).toBe(16);
  });

  test('that are variables belong to the first instance', async () => {
    const counter = new Global({ value: 'i64', mutable: true }, 0n);
    const module = await lab.compile(COUNTER);
    const instance = await module.instantiate({ imports: { env: { counter } } });
    const again = await lab.observe(undefined, () => module.instantiate({ imports: { env: { counter } } }));
    expect(again).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    expect(failed(again).message).toContain('belongs to another instance');
    instance.close();
    expect(await lab.observe(undefined, () => counter.value)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
  });

  test('one global under one name is one variable, and cannot have two names', async () => {
    const text = (
      second: string,
    ) => `(import "env" "a" (global $a (mut i32))) (import "env" "${second}" (global $b (mut i32)))
      (func (export "run") (result i32) (global.set $a (i32.const 5)) (global.get $b))`;
    const a = new Global({ value: 'i32', mutable: true }, 0);
    const two = await lab.compile(text('b'));
    expect(await lab.observe(undefined, () => two.instantiate({ imports: { env: { a, b: a } } }))).toMatchObject({
      code: 'ERR_IMPORT_TYPE',
    });
    const { exports } = await lab.instantiate(text('a'), { imports: { env: { a } } });
    expect([exports.run(), a.value]).toEqual([5, 5]);
  });

  test.each([
    ['of another type', '(global i64)', { value: 'i32', mutable: false }, 'constant global of type i64'],
    ['that is constant', '(global (mut i32))', { value: 'i32', mutable: false }, 'mutable global of type i32'],
    ['that is mutable', '(global i32)', { value: 'i32', mutable: true }, 'constant global of type i32'],
    ['for a memory', '(memory 1)', { value: 'i32', mutable: true }, 'a memory of 1 or more pages'],
    ['for a function', '(func)', { value: 'i32', mutable: true }, '() -> ()'],
  ] as const)('%s do not fit', async (_, wanted, type, text) => {
    const module = await lab.compile(`(import "env" "g" ${wanted})`);
    const outcome = await lab.observe(undefined, () =>
      module.instantiate({ imports: { env: { g: new Global(type, 0) } } }),
    );
    expect(outcome).toMatchObject({ code: 'ERR_IMPORT_TYPE' });
    expect(failed(outcome).message).toContain(text);
  });

  test.each([
    [{ value: 'i32', mutable: true }, 1n, 'ERR_INVALID_ARG_TYPE'],
    [{ value: 'i64', mutable: true }, 1, 'ERR_INVALID_ARG_TYPE'],
    [{ value: 'i8', mutable: true }, 1, 'ERR_INVALID_ARG_VALUE'],
    [{ mutable: true }, 1, 'ERR_INVALID_ARG_TYPE'],
    [{ value: 'i32', mutable: 1 }, 1, 'ERR_INVALID_ARG_TYPE'],
    ['i32', 1, 'ERR_INVALID_ARG_TYPE'],
  ])('of the type %j with the value %s are refused', async (type, value, code) => {
    const make = () => new Global(type as { value: 'i32'; mutable: boolean }, value);
    expect(await lab.observe(undefined, make)).toMatchObject({ code });
  });

  test('a value of another type is refused before and after an instance has it', async () => {
    const counter = new Global({ value: 'i64', mutable: true }, 7n);
    const write = () => {
      counter.value = 1;
    };
    expect(await lab.observe(undefined, write)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await lab.instantiate(COUNTER, { imports: { env: { counter } } });
    expect(await lab.observe(undefined, write)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(counter.value).toBe(7n);
  });

  test('are busy while their guest runs, and open to its host functions', async () => {
    const counter = new Global({ value: 'i32', mutable: true }, 1);
    const double = () => {
      counter.value = Number(counter.value) * 2;
    };
    const instance = await lab.instantiate(
      `(import "env" "g" (global $g (mut i32))) (import "env" "double" (func $double))
       (func (export "run") (result i32) (global.set $g (i32.const 21)) (call $double) (global.get $g))`,
      { imports: { env: { g: counter, double } } },
    );
    const running = instance.invoke('run');
    expect(await lab.observe(undefined, () => counter.value)).toMatchObject({ code: 'ERR_INSTANCE_BUSY' });
    expect(await running).toEqual([42]);
    expect(counter.value).toBe(42);
  });
});

onEveryBackend('exported memories and globals', (lab) => {
  test('are objects of the classes that the host makes', async () => {
    const { exports, memory } = await lab.instantiate(
      '(memory (export "m") 1) (export "n" (memory 0)) (global (export "g") (mut f32) (f32.const 1.5)) (func (export "f"))',
    );
    expect(Object.keys(exports)).toEqual(['m', 'n', 'g', 'f']);
    expect(exports.m).toBeInstanceOf(Memory);
    expect(exports.m).toBe(memory);
    expect(exports.n).toBe(memory);
    expect(exports.g).toBeInstanceOf(Global);
    expect(exports.g.type).toEqual({ value: 'f32', mutable: true });
    expect('buffer' in exports.m).toBe(false);
    expect(lab.record(exports.g.value)).toBe(1.5);
  });

  test('follow their instance', async () => {
    const instance = await lab.instantiate(
      '(memory (export "m") 1) (global (export "g") (mut i32) (i32.const 3)) (func (export "trap") unreachable)',
    );
    const { m, g, trap } = instance.exports;
    expect(await lab.observe(instance, () => trap())).toMatchObject({ code: 'ERR_TRAP', state: 'poisoned' });
    expect([m.read(0, 1)[0], g.value]).toEqual([0, 3]);
    instance.close();
    expect(await lab.observe(undefined, () => g.value)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    expect(await lab.observe(undefined, () => m.pages)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
  });
});
