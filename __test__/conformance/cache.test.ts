// The cache of compiled modules: same bytes, same code; other bytes never; the least recently used goes first.
import type { Engine } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { wat } from './support/wat';

/** Modules that differ, and are big enough that their compiled code is what the cache weighs. */
function constant(value: number): Uint8Array {
  return wat(
    `(func (export "value") (result i32) (i32.const ${value})) ${'(func (result i32) (i32.mul (i32.const 3) (i32.const 4)))'.repeat(200)}`,
  );
}

async function compiledValue(engine: Engine, label: string, value: number): Promise<number> {
  const instance = await (await engine.compileCached(label, constant(value))).instantiate();
  return instance.exports.value!();
}

onEveryBackend('cache', (lab) => {
  test('the same bytes are compiled once', async () => {
    const engine = lab.engine();
    expect(engine.cache.stats()).toEqual({ hits: 0, misses: 0, bytes: 0, entries: 0 });
    expect(await compiledValue(engine, 'a', 1)).toBe(1);
    expect(await compiledValue(engine, 'a', 1)).toBe(1);
    const { bytes, ...stats } = engine.cache.stats();
    expect(lab.record(stats)).toEqual({ hits: 1, misses: 1, entries: 1 });
    expect(bytes).toBeGreaterThan(0);
    expect(lab.record(engine.stats.compiled)).toBe(1);
  });

  test('a label never stands for other bytes', async () => {
    const engine = lab.engine();
    expect(await compiledValue(engine, 'same', 1)).toBe(1);
    expect(await compiledValue(engine, 'same', 2)).toBe(2);
    expect(await compiledValue(engine, 'same', 1)).toBe(1);
    expect(lab.record(engine.cache.stats().misses)).toBe(2);
  });

  test('at the same time, the same bytes are compiled once', async () => {
    const engine = lab.engine();
    const modules = await Promise.all(Array.from({ length: 8 }, () => engine.compileCached('x', constant(1))));
    expect(new Set(modules.map((module) => module.digest)).size).toBe(1);
    expect(lab.record(engine.stats.compiled)).toBe(1);
    expect(engine.cache.stats().entries).toBe(1);
  });

  test('the least recently used goes first', async () => {
    const measure = lab.engine();
    await measure.compileCached('a', constant(1));
    const size = measure.cache.stats().bytes;

    const engine = lab.engine({ cacheSize: Math.floor(size * 2.5) });
    await compiledValue(engine, 'a', 1);
    await compiledValue(engine, 'b', 2);
    await compiledValue(engine, 'a', 1);
    await compiledValue(engine, 'c', 3);
    expect(engine.cache.stats()).toMatchObject({ hits: 1, misses: 3, entries: 2 });
    expect(engine.cache.stats().bytes).toBeLessThanOrEqual(Math.floor(size * 2.5));
    await compiledValue(engine, 'a', 1);
    expect(engine.cache.stats()).toMatchObject({ hits: 2, misses: 3 });
    await compiledValue(engine, 'b', 2);
    expect(engine.cache.stats()).toMatchObject({ hits: 2, misses: 4 });
  });

  test('a size of 0 keeps nothing', async () => {
    const engine = lab.engine({ cacheSize: 0 });
    expect(await compiledValue(engine, 'a', 1)).toBe(1);
    expect(await compiledValue(engine, 'a', 1)).toBe(1);
    expect(engine.cache.stats()).toMatchObject({ hits: 0, entries: 0, bytes: 0 });
  });

  test('clear empties it; modules that are in use go on', async () => {
    const engine = lab.engine();
    const module = await engine.compileCached('a', constant(1));
    engine.cache.clear();
    expect(engine.cache.stats()).toMatchObject({ entries: 0, bytes: 0 });
    expect((await module.instantiate()).exports.value!()).toBe(1);
  });

  test('closing a module that came from the cache does not close the others', async () => {
    const engine = lab.engine();
    const first = await engine.compileCached('a', constant(1));
    first.close();
    expect(await compiledValue(engine, 'a', 1)).toBe(1);
  });

  test('compile does not use it', async () => {
    const engine = lab.engine();
    await engine.compile(constant(1));
    expect(engine.cache.stats()).toEqual({ hits: 0, misses: 0, bytes: 0, entries: 0 });
  });

  test('a module that is refused is not kept', async () => {
    const engine = lab.engine();
    for (let i = 0; i < 2; i++) {
      expect(await lab.observe(undefined, () => engine.compileCached('bad', Uint8Array.of(1, 2, 3)))).toMatchObject({
        code: 'ERR_MODULE_MALFORMED',
      });
    }
    expect(engine.cache.stats().entries).toBe(0);
  });
});
