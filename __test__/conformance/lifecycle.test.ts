// Closing: what is closed says so, closing twice is fine, what still lives goes on.
import { expect, test } from 'vitest';
import { onEveryBackend, UNHURRIED } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const TEXT = `(memory 1) (func (export "malloc") (param i32) (result i32) (i32.const 1024)) (func (export "free") (param i32))
  (func (export "f") (param i32 i32) (result i64) (i64.const 0))`;

const ENDLESS = '(func (export "spin") (loop (br 0)))';

/** Long enough for a call to have begun; if it has not, it is stopped while it waits. */
const begun = () => new Promise((resolve) => setTimeout(resolve, 20));

onEveryBackend('lifecycle', (lab) => {
  test('a closed instance refuses everything, and may be closed again', async () => {
    const instance = await lab.instantiate(TEXT);
    await instance.call('f', 'x');
    const { f } = instance.exports;
    const fuel = instance.fuelUsed;
    instance.close();
    instance.close();
    for (const run of [
      () => instance.call('f', 'x'),
      () => instance.callSync('f', 'x'),
      () => instance.callRaw('f', new Uint8Array(0)),
      () => instance.invoke('f', [0, 0]),
      () => f!(0, 0),
      () => instance.exports.f!(0, 0),
    ]) {
      expect(await lab.observe(undefined, run)).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    }
    expect([instance.state, instance.fuelUsed]).toEqual(['closed', fuel]);
  });

  test('a closed engine refuses new work; its modules and instances say so', async () => {
    const engine = lab.engine();
    const module = await engine.compile(wat(TEXT));
    const instance = await module.instantiate();
    await engine.close();
    await engine.close();
    for (const run of [
      () => engine.compile(wat(TEXT)),
      () => engine.compileSync(wat(TEXT)),
      () => engine.compileCached('x', wat(TEXT)),
      () => engine.validate(wat(TEXT)),
      () => module.instantiate(),
      () => module.instantiateSync(),
      () => instance.call('f', 'x'),
      () => instance.callSync('f', 'x'),
      () => instance.callRaw('f', new Uint8Array(0)),
      () => instance.invoke('f', [0, 0]),
      () => instance.exports.f!(0, 0),
    ]) {
      expect(await lab.observe(undefined, run)).toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    }
    instance.close();
    module.close();
    expect(instance.state).toBe('closed');
  });

  test('closing the engine stops what runs and rejects what waits', async () => {
    const engine = lab.engine({ threads: 1, meteringLimit: 'unlimited', timeoutMs: null });
    const instance = await (await engine.compile(wat(ENDLESS))).instantiate();
    const results = Promise.allSettled(Array.from({ length: 5 }, () => instance.invoke('spin')));
    await begun();
    await engine.close();
    for (const result of await results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ENGINE_CLOSED' } });
    }
  });

  test('closing an instance stops what runs and rejects what waits', async () => {
    const instance = await lab.instantiate(ENDLESS, {}, { meteringLimit: 'unlimited', timeoutMs: null });
    const results = Promise.allSettled(Array.from({ length: 5 }, () => instance.invoke('spin')));
    await begun();
    instance.close();
    expect(instance.state).toBe('closed');
    for (const result of await results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_INSTANCE_CLOSED' } });
    }
  });

  test('calls that end together have an error each', async () => {
    const instance = await lab.instantiate(ENDLESS);
    const calls = Array.from({ length: 3 }, () => errorOf(() => instance.invoke('spin')));
    await begun();
    instance.close();
    const errors = await Promise.all(calls);
    expect(lab.record([new Set(errors).size, ...errors.map(({ code }) => code)])).toEqual([
      3,
      ...Array(3).fill('ERR_INSTANCE_CLOSED'),
    ]);
  });

  test('a closed module refuses new instances; those that live go on', async () => {
    const module = await lab.compile(TEXT);
    const instance = await module.instantiate();
    module.close();
    module.close();
    expect(await lab.observe(undefined, () => module.instantiate())).toMatchObject({
      code: 'ERR_ENGINE_CLOSED',
      details: { closed: 'module' },
    });
    expect(await lab.observe(undefined, () => module.instantiateSync())).toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    expect(await lab.observe(undefined, () => module.customSections('x'))).toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    expect((await instance.call('f', 'x')).bytes).toHaveLength(0);
    expect(module.exports).toHaveLength(3);
  });

  test('using and await using close', async () => {
    const engine = lab.engine();
    const module = await engine.compile(wat(TEXT));
    const instance = await module.instantiate();
    instance[Symbol.dispose]();
    expect(instance.state).toBe('closed');
    await engine[Symbol.asyncDispose]();
    expect(await lab.observe(undefined, () => engine.compile(wat(TEXT)))).toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
  });

  test('a poisoned instance closes as any other', async () => {
    const instance = await lab.instantiate('(func (export "trap") unreachable)');
    await lab.observe(instance, () => instance.exports.trap!());
    instance.close();
    expect(await lab.observe(instance, () => instance.exports.trap!())).toMatchObject({
      code: 'ERR_INSTANCE_CLOSED',
      state: 'closed',
    });
  });

  test('an instance lives without its engine and module being named', async () => {
    const text = '(func (export "seven") (result i32) (i32.const 7))';
    const make = async () => (await lab.compile(text, UNHURRIED)).instantiate();
    const instances = await Promise.all(Array.from({ length: 50 }, make));
    (globalThis as { gc?: () => void }).gc?.();
    expect(instances.map((instance) => instance.exports.seven!())).toEqual(Array.from({ length: 50 }, () => 7));
  });

  test('an engine counts what lives', async () => {
    const engine = lab.engine();
    const module = await engine.compile(wat(TEXT));
    const instances = await Promise.all(Array.from({ length: 3 }, () => module.instantiate()));
    expect(lab.record(engine.stats.instances)).toBe(3);
    instances[0]!.close();
    instances[0]!.close();
    expect(lab.record(engine.stats.instances)).toBe(2);
  });

  test('instantiateSync gives the same as instantiate', async () => {
    const module = await lab.compile(TEXT);
    const instance = module.instantiateSync();
    expect(instance.module).toBe(module);
    expect((await instance.call('f', 'x')).bytes).toHaveLength(0);
    expect(lab.record(instance.fuelUsed)).toBe((await (await module.instantiate()).call('f', 'x')).fuelUsed);
  });
});
