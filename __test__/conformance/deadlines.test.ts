// Time limits: they hold in any code, in every kind of call, and while the guest waits. Bounds are generous; only what hangs fails.
import { type Instance, type InstanceOptions, Memory, type Module } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { SHAPES } from './support/endless';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const GUEST = `
  (import "env" "wait" (func $wait (param i32) (result i32)))
  (global $n (mut i32) (i32.const 0))
  (memory (export "memory") 1)
  (func (export "spin") (loop (br 0)))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  (func (export "wait") (param i32) (result i32) (call $wait (local.get 0)))
  (func (export "bytes") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
  (func (export "empty") (param i32 i32) (result i64) (i64.const 0))`;

const NEVER = new Promise<number>(() => {});
const IMPORTS = { env: { wait: () => NEVER as never } };

/** Fuel that no deadline of this file lets a guest use up. */
const METERING = { meteringLimit: 'unlimited' as const };

function make(lab: Lab, options: InstanceOptions = {}): Promise<Instance> {
  return lab.instantiate(GUEST, { imports: IMPORTS, ...options }, METERING);
}

/** Every way to call that takes a time limit of its own. */
const WAYS: Readonly<Record<string, (instance: Instance) => unknown>> = {
  call: (instance) => instance.call('bytes', '', { timeoutMs: 50 }),
  callSync: (instance) => instance.callSync('bytes', '', { timeoutMs: 50 }),
  invoke: (instance) => instance.invoke('spin', [], { timeoutMs: 50 }),
};

/** Every way to call that has the engine's. */
const PLAIN: Readonly<Record<string, (instance: Instance) => unknown>> = {
  call: (instance) => instance.call('bytes'),
  callSync: (instance) => instance.callSync('bytes'),
  callRaw: (instance) => instance.callRaw('bytes', new Uint8Array(0)),
  exports: (instance) => instance.exports.spin!(),
  invoke: (instance) => instance.invoke('spin'),
};

/** A host function that has the thread for so many milliseconds. */
function holding(ms: number): () => number {
  return () => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return 1;
  };
}

/** What a call ends with that has begun: on a busy machine its time may be over before, which leaves the instance as it is. */
async function endOfBegun(instance: Instance, run: (instance: Instance) => unknown) {
  for (;;) {
    const error = await errorOf(() => run(instance));
    if (instance.state !== 'idle') return error;
  }
}

onEveryBackend('deadlines', (lab) => {
  test.each(Object.entries(SHAPES))('stop %s', async (_, text) => {
    const instance = await lab.instantiate(text, {}, METERING);
    const error = await endOfBegun(instance, () => instance.invoke('f', [], { timeoutMs: 30 }));
    expect(lab.record([error.code, error.message, instance.state])).toEqual([
      'ERR_TIMEOUT',
      'The guest was stopped at its deadline, 30 ms after the call ("timeoutMs").',
      'poisoned',
    ]);
  });

  test.each(Object.entries(WAYS))('of a call, in %s', async (_, run) => {
    const instance = await make(lab);
    const error = await endOfBegun(instance, run);
    lab.record([error.code, (error as { phase?: string }).phase, error.message, instance.state]);
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', phase: 'call', retryable: false });
    expect(instance.state).toBe('poisoned');
    expect(await lab.observe(undefined, () => instance.invoke('next'))).toMatchObject({
      code: 'ERR_INSTANCE_POISONED',
      details: { reason: 'ERR_TIMEOUT' },
    });
  });

  test.each(Object.entries(PLAIN))('of the engine, in %s', async (_, run) => {
    const module = await lab.compile(GUEST, { ...METERING, timeoutMs: 50 });
    // Making a worker may take longer than that by itself.
    const instance = await module.instantiate({ imports: IMPORTS, timeoutMs: null });
    expect(await endOfBegun(instance, run)).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test('a call may ask for more than its engine, or for none', async () => {
    const engine = lab.engine({ ...METERING, timeoutMs: 100 });
    const module = await engine.compile(wat(GUEST));
    const imports = {
      env: { wait: () => new Promise<number>((resolve) => setTimeout(() => resolve(7), 300)) as never },
    };
    for (const timeoutMs of [60_000, null]) {
      const instance = await module.instantiate({ imports, timeoutMs: null });
      expect(await instance.invoke('wait', [1], { timeoutMs })).toEqual([7]);
    }
    const instance = await module.instantiate({ imports, timeoutMs: null });
    expect(await errorOf(() => instance.invoke('wait', [1]))).toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  test.each([
    ['a start function', '(func $f (loop (br 0))) (start $f)'],
    ['_initialize', '(func (export "_initialize") (loop (br 0)))'],
  ])('of instantiation, in %s', async (_, text) => {
    const module = await lab.compile(text, METERING);
    const error = await errorOf(() => module.instantiate({ timeoutMs: 50 }));
    expect(lab.record([error.code, (error as { phase?: string }).phase])).toEqual(['ERR_TIMEOUT', 'start']);
  });

  test('a host object that was given to an instantiation that was stopped is free again', async () => {
    const module = await lab.compile('(import "env" "m" (memory 1)) (func $f (loop (br 0))) (start $f)', METERING);
    const memory = new Memory({ min: 1 });
    memory.write(0, Uint8Array.of(5));
    await errorOf(() => module.instantiate({ imports: { env: { m: memory } }, timeoutMs: 50 }));
    expect(memory.read(0, 1)).toEqual(Uint8Array.of(5));
  });

  test('a guest that waits in a host function is stopped, and the function is told', async () => {
    let signal: AbortSignal | undefined;
    const text =
      '(import "env" "wait" (func $wait (param i32 i32) (result i64))) (memory (export "memory") 1) (func (export "run") (param i32 i32) (result i64) (call $wait (i32.const 0) (i32.const 0)))';
    const instance = await lab.instantiate(text, {
      abi: 'bytes',
      host: {
        wait: (_input, context) => {
          signal = context.signal;
          return new Promise(() => {});
        },
      },
    });
    const error = await errorOf(() => instance.call('run', '', { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(signal!.aborted).toBe(true);
    expect((signal!.reason as { code: string }).code).toBe('ERR_TIMEOUT');
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test('a promise that settles after the deadline changes nothing', async () => {
    let settle: ((value: number) => void) | undefined;
    const wait = () =>
      new Promise<number>((resolve) => {
        settle = resolve;
      });
    const instance = await make(lab, { imports: { env: { wait: wait as never } } });
    await errorOf(() => instance.invoke('wait', [0], { timeoutMs: 500 }));
    settle!(1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test('a call that waits for its turn has its time as well, and leaves the instance as it is', async () => {
    let settle: ((value: number) => void) | undefined;
    const wait = () =>
      new Promise<number>((resolve) => {
        settle = resolve;
      });
    const instance = await make(lab, { imports: { env: { wait: wait as never } } });
    const first = instance.invoke('wait', [0]);
    const error = await errorOf(() => instance.invoke('next', [], { timeoutMs: 30 }));
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT' });
    settle!(3);
    expect(await first).toEqual([3]);
    expect(lab.record([instance.state, ...(await instance.invoke('next'))])).toEqual(['idle', 1]);
  });

  test('a synchronous call whose host function takes too long ends when that returns', async () => {
    const wait = holding(60);
    const instance = await make(lab, { imports: { env: { wait } } });
    const text =
      '(import "env" "wait" (func $wait (param i32) (result i32))) (func (export "run") (param i32 i32) (result i64) (loop (drop (call $wait (i32.const 0))) (br 0)) (i64.const 0))';
    const endless = await lab.instantiate(text, { imports: { env: { wait } } }, METERING);
    expect(await errorOf(() => endless.callSync('run', '', { timeoutMs: 30 }))).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(instance.state).toBe('idle');
  });

  test('a call whose host function holds up the event loop for too long ends when that returns', async () => {
    const wait = holding(400);
    const instance = await make(lab, { imports: { env: { wait } } });
    const error = await errorOf(() => instance.invoke('wait', [0], { timeoutMs: 200 }));
    expect(lab.record([error.code, (error as { phase?: string }).phase])).toEqual(['ERR_TIMEOUT', 'host']);
    expect(instance.state).toBe('poisoned');
  });

  test('a call that ends in time has ended, also where the event loop hears of it too late', async () => {
    const instance = await make(lab);
    await instance.invoke('next');
    // After this, timers come before messages.
    await new Promise(setImmediate);
    const pending = instance.invoke('next', [], { timeoutMs: 400 });
    holding(500)();
    expect([await pending, instance.state]).toEqual([[2], 'idle']);
  });

  test('other instances go on, and the event loop too', async () => {
    const module = await lab.compile(GUEST, METERING);
    const [endless, other] = await Promise.all([
      module.instantiate({ imports: IMPORTS }),
      module.instantiate({ imports: IMPORTS }),
    ]);
    const stopped = errorOf(() => endless.invoke('spin', [], { timeoutMs: 500 }));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    expect(await other.invoke('next')).toEqual([1]);
    expect(await stopped).toMatchObject({ code: 'ERR_TIMEOUT' });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
    expect(await other.invoke('next')).toEqual([2]);
  });

  test('what was stopped is counted', async () => {
    const engine = lab.engine(METERING);
    const module = await engine.compile(wat(GUEST));
    const instance = await module.instantiate({ imports: IMPORTS });
    await instance.invoke('next');
    await errorOf(() => instance.invoke('spin', [], { timeoutMs: 30 }));
    const { calls, stopped } = instance.stats;
    expect(lab.record({ calls, stopped })).toEqual({ calls: 2, stopped: 1 });
    expect(engine.stats).toMatchObject({ calls: 2, stopped: 1 });
  });

  test('compilation has a limit of its own', async () => {
    const engine = lab.engine({ limits: { compileMs: 1 } });
    const body = '(drop (i32.add (i32.const 1) (i32.const 2)))'.repeat(2_000);
    const large = wat(Array.from({ length: 400 }, () => `(func ${body})`).join('\n'));
    expect(await errorOf(() => engine.compile(large))).toMatchObject({ code: 'ERR_COMPILE_TIMEOUT', phase: 'compile' });
    expect(lab.record(engine.stats.compiled)).toBe(0);
  });
});

describe('a time limit that cannot hold is refused', () => {
  const refused = expect.objectContaining({
    code: 'ERR_ENGINE_UNAVAILABLE',
    message: expect.stringContaining('await module.instantiate()'),
  });

  onEveryBackend('guests on the caller’s thread', (lab) => {
    test('asked for by engine, instance or call', async () => {
      const possible = lab.engine().capabilities.inThreadDeadlines !== false;
      const check = (run: () => unknown) => (possible ? run() : expect(run).toThrow(refused));
      const asked = await lab.compile(GUEST, { timeoutMs: 1_000 });
      const module: Module = await lab.compile(GUEST);
      check(() => asked.instantiateSync({ imports: IMPORTS }));
      check(() => module.instantiateSync({ imports: IMPORTS, timeoutMs: 1_000 }));
      asked.instantiateSync({ imports: IMPORTS, timeoutMs: null });
      const instance = module.instantiateSync({ imports: IMPORTS });
      check(() => instance.callSync('empty', '', { timeoutMs: 1_000 }));
      instance.callSync('empty', '', { timeoutMs: null });
      lab.record(instance.state);
    });
  });
});
