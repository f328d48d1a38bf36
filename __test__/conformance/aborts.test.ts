// Stopping from outside: an AbortSignal before, while waiting and during a call; closing an instance or an engine meanwhile.
import type { Instance, InstanceOptions } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const GUEST = `
  (import "env" "wait" (func $wait (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $n (mut i32) (i32.const 0))
  (func (export "spin") (loop (br 0)))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  (func (export "wait") (param i32) (result i32) (call $wait (local.get 0)))
  (func (export "bytes") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
  (func (export "ask") (param i32 i32) (result i64) (drop (call $wait (i32.const 0))) (i64.const 0))`;

const METERING = { meteringLimit: 'unlimited' as const, timeoutMs: null };
const REASON = { why: 'the user left' };

function make(lab: Lab, wait: () => unknown = () => new Promise(() => {}), options: InstanceOptions = {}) {
  return lab.instantiate(GUEST, { imports: { env: { wait: wait as () => number } }, ...options }, METERING);
}

/** A controller that aborts soon. */
function soon(): AbortController {
  const controller = new AbortController();
  setTimeout(() => controller.abort(REASON), 200);
  return controller;
}

/** A host function that waits until the test says what it gives. */
function gate() {
  let open!: (value: number) => void;
  const opened = new Promise<number>((resolve) => {
    open = resolve;
  });
  return { wait: () => opened, open };
}

onEveryBackend('aborts', (lab) => {
  test.each(['call', 'callSync', 'invoke', 'start'] as const)('before %s: nothing runs', async (way) => {
    const instance = await make(lab);
    const options = { signal: AbortSignal.abort(REASON) };
    const run = () =>
      way === 'call' || way === 'callSync' ? instance[way]('bytes', '', options) : instance[way]('spin', [], options);
    const error = await errorOf(run);
    expect(error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(error.cause).toBe(REASON);
    expect(lab.record([instance.state, instance.fuelUsed])).toEqual(['idle', 0n]);
  });

  test('before instantiation', async () => {
    const module = await lab.compile('(func $f (loop (br 0))) (start $f)');
    const error = await errorOf(() => module.instantiate({ signal: AbortSignal.abort(REASON) }));
    expect(lab.record([error.code, (error as { phase?: string }).phase])).toEqual(['ERR_ABORTED', 'start']);
    expect(error.cause).toBe(REASON);
  });

  test('during instantiation', async () => {
    const module = await lab.compile('(func $f (loop (br 0))) (start $f)', METERING);
    const error = await errorOf(() => module.instantiate({ signal: soon().signal }));
    expect(error).toMatchObject({ code: 'ERR_ABORTED', phase: 'start' });
    expect(error.cause).toBe(REASON);
    lab.record(error.message);
  });

  test.each(['call', 'invoke'] as const)('during %s, in the guest', async (way) => {
    const instance = await make(lab);
    const options = { signal: soon().signal };
    const error = await errorOf(() =>
      way === 'call' ? instance.call('bytes', '', options) : instance.invoke('spin', [], options),
    );
    expect(error).toMatchObject({ code: 'ERR_ABORTED', phase: 'call' });
    expect(error.cause).toBe(REASON);
    expect(lab.record([instance.state, error.message])).toEqual(['poisoned', 'The call was aborted.']);
  });

  test('while the guest waits in a host function, which is told why', async () => {
    const controller = new AbortController();
    let signal: AbortSignal | undefined;
    const text =
      '(import "env" "wait" (func $wait (param i32 i32) (result i64))) (memory (export "memory") 1) (func (export "run") (param i32 i32) (result i64) (call $wait (i32.const 0) (i32.const 0)))';
    const host = {
      wait: (_input: unknown, context: { signal: AbortSignal }) => {
        signal = context.signal;
        setTimeout(() => controller.abort(REASON));
        return new Promise<never>((_, reject) =>
          context.signal.addEventListener('abort', () => reject(context.signal.reason)),
        );
      },
    };
    const instance = await lab.instantiate(text, { abi: 'bytes', host });
    const error = await errorOf(() => instance.call('run', '', { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(error.cause).toBe(REASON);
    expect(signal!.reason).toBe(REASON);
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test('while a call waits for its turn: the instance goes on', async () => {
    const { wait, open } = gate();
    const instance = await make(lab, wait);
    const first = instance.invoke('wait', [0]);
    const controller = new AbortController();
    const second = errorOf(() => instance.invoke('next', [], { signal: controller.signal }));
    const third = instance.invoke('next');
    controller.abort(REASON);
    expect((await second).cause).toBe(REASON);
    open(4);
    expect(lab.record([await first, await third, instance.state])).toEqual([[4], [1], 'idle']);
  });

  test('in the host function of a synchronous call, when that returns', async () => {
    const controller = new AbortController();
    const instance = await make(lab, () => {
      controller.abort(REASON);
      return 1;
    });
    const error = await errorOf(() => instance.callSync('ask', '', { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(error.cause).toBe(REASON);
  });

  test('after the call: nothing happens', async () => {
    const instance = await make(lab);
    const controller = new AbortController();
    await instance.invoke('next', [], { signal: controller.signal });
    controller.abort(REASON);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(lab.record([instance.state, ...(await instance.invoke('next'))])).toEqual(['idle', 2]);
  });

  test('one signal stops many calls', async () => {
    const instances = await Promise.all(Array.from({ length: 4 }, () => make(lab)));
    const { signal } = soon();
    const errors = await Promise.all(
      instances.map((instance) => errorOf(() => instance.invoke('spin', [], { signal }))),
    );
    expect(lab.record(errors.map(({ code }) => code))).toEqual(Array.from({ length: 4 }, () => 'ERR_ABORTED'));
  });
});

/** What runs, and what waits behind it, while something is closed. */
async function codesAfter(instance: Instance, close: () => unknown): Promise<string[]> {
  const calls = [instance.invoke('spin'), instance.invoke('next'), instance.call('bytes')];
  const settled = Promise.allSettled(calls);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await close();
  return (await settled).map((result) => (result.status === 'fulfilled' ? 'returned' : result.reason.code));
}

onEveryBackend('closing during calls', (lab) => {
  test('an instance', async () => {
    const instance = await make(lab);
    const codes = await codesAfter(instance, () => instance.close());
    expect(lab.record(codes)).toEqual(Array.from({ length: 3 }, () => 'ERR_INSTANCE_CLOSED'));
    expect(instance.state).toBe('closed');
  });

  test('an engine, which waits until all has ended', async () => {
    const engine = lab.engine(METERING);
    const module = await engine.compile(wat(GUEST));
    const instance = await module.instantiate({ imports: { env: { wait: () => 0 } } });
    const codes = await codesAfter(instance, () => engine.close());
    expect(lab.record(codes)).toEqual(Array.from({ length: 3 }, () => 'ERR_ENGINE_CLOSED'));
  });

  test('an instance that waits in a host function', async () => {
    const { wait, open } = gate();
    const instance = await make(lab, wait);
    const call = errorOf(() => instance.invoke('wait', [0]));
    while (instance.state !== 'host') await new Promise((resolve) => setTimeout(resolve, 5));
    instance.close();
    expect(await call).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    open(1);
    expect(lab.record(instance.state)).toBe('closed');
  });

  test.each(['callSync', 'exports'] as const)('an instance, by its own host function, in %s', async (way) => {
    const instance: Instance = await make(lab, () => {
      instance.close();
      return 1;
    });
    const error = await errorOf(() => (way === 'callSync' ? instance.callSync('ask') : instance.exports.wait!(0)));
    expect(lab.record([error.code, instance.state])).toEqual(['ERR_INSTANCE_CLOSED', 'closed']);
  });

  test('an engine while a module is compiled', async () => {
    const engine = lab.engine();
    const compiling = Promise.allSettled([engine.compile(wat('(func)'))]);
    await engine.close();
    const [result] = await compiling;
    if (result!.status === 'rejected') expect(result!.reason.code).toBe('ERR_ENGINE_CLOSED');
    else
      expect(
        await errorOf(() => (result as PromiseFulfilledResult<{ instantiate(): unknown }>).value.instantiate()),
      ).toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    lab.record('closed');
  });
});
