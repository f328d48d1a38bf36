// `instance.start`: a guest that is run from host call to host call, by whoever holds the step.
import type { Instance, InstanceOptions, Step } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';

const GUEST = `
  (import "env" "add" (func $add (param i32 i64) (result i64)))
  (import "env" "note" (func $note (param i32)))
  (import "env" "pair" (func $pair (result i32 f64)))
  (memory (export "memory") 1)
  (func (export "run") (param i32) (result i64)
    (call $note (local.get 0))
    (call $add (local.get 0) (i64.const 5)))
  (func (export "pair") (result i32 f64) (call $pair))
  (func (export "alone") (result i32) (i32.const 9))
  (func (export "load") (result i32) (call $note (i32.const 0)) (i32.load8_u (i32.const 7)))
  (func (export "trap") (call $note (i32.const 0)) unreachable)
  (func (export "spin") (call $note (i32.const 0)) (loop (br 0)))`;

const UNUSED = () => {
  throw new Error('steps are served by their caller');
};
const IMPORTS = { env: { add: UNUSED, note: UNUSED, pair: UNUSED } };

function make(lab: Lab, options: InstanceOptions = {}): Promise<Instance> {
  return lab.instantiate(GUEST, { imports: IMPORTS, ...options }, { meteringLimit: 'unlimited' });
}

/** A step that is a host call. */
function waiting(step: Step): Step & { done: false } {
  if (step.done) throw new Error(`the guest is done: ${step.value}`);
  return step;
}

onEveryBackend('steps', (lab) => {
  test('hand every host call out with its arguments, and go on with what is given', async () => {
    const instance = await make(lab);
    const first = waiting(await instance.start('run', [3]));
    expect(lab.record(first.hostCall)).toEqual({ module: 'env', name: 'note', args: [3] });
    expect(instance.state).toBe('host');
    const second = waiting(await first.resume());
    expect(lab.record(second.hostCall)).toEqual({ module: 'env', name: 'add', args: [3, 5n] });
    expect(lab.record(await second.resume([-7n]))).toEqual({ done: true, value: [-7n] });
    expect(lab.record([instance.state, instance.fuelUsed])).toEqual(['idle', 5n]);
  });

  test('several results', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('pair'));
    expect(lab.record(await step.resume([-1, 0.5]))).toEqual({ done: true, value: [-1, 0.5] });
  });

  test('a guest without host calls is done at once', async () => {
    const instance = await make(lab);
    expect(lab.record(await instance.start('alone'))).toEqual({ done: true, value: [9] });
  });

  test('functions of bytes show and take bytes', async () => {
    const text = `(import "env" "say" (func $say (param i32 i32) (result i64))) (memory (export "memory") 1) (data (i32.const 16) "hello")
      (func (export "malloc") (param i32) (result i32) (i32.const 1024)) (func (export "free") (param i32))
      (func (export "run") (result i32) (i32.wrap_i64 (call $say (i32.const 16) (i32.const 5))))`;
    const instance = await lab.instantiate(text, { abi: 'bytes', host: { say: UNUSED } });
    const step = waiting(await instance.start('run'));
    expect(Buffer.from(step.hostCall.args[0] as Uint8Array).toString()).toBe('hello');
    expect(lab.record(await step.resume(['four']))).toEqual({ done: true, value: [4] });
    expect(Buffer.from(instance.memory.read(1024, 4)).toString()).toBe('four');
  });

  test('the memory can be used between steps', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('load'));
    instance.memory.write(7, Uint8Array.of(42));
    expect(lab.record(await step.resume())).toEqual({ done: true, value: [42] });
  });

  test('fail ends the guest as a host function that throws', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('run', [1]));
    const reason = new Error('no');
    const error = await errorOf(() => step.fail(reason));
    expect(error).toMatchObject({ code: 'ERR_HOST_FUNCTION', details: { name: 'note' } });
    expect(error.cause).toBe(reason);
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test('a step is answered once', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('load'));
    await step.resume();
    for (const again of [() => step.resume(), () => step.fail('late')])
      expect(await errorOf(again)).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    lab.record(instance.state);
  });

  test('a wrong result is refused, and can be corrected', async () => {
    const instance = await make(lab);
    const step = waiting(await waiting(await instance.start('run', [1])).resume());
    expect(await errorOf(() => step.resume([1]))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(lab.record(await step.resume([2n]))).toEqual({ done: true, value: [2n] });
  });

  test('a trap after a step', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('trap'));
    expect(await lab.observe(instance, () => step.resume())).toMatchObject({ code: 'ERR_TRAP', state: 'poisoned' });
  });

  test('other calls wait until the guest is done', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('load'));
    const alone = instance.invoke('alone');
    expect(await errorOf(() => instance.exports.alone!())).toMatchObject({ code: 'ERR_INSTANCE_BUSY' });
    await step.resume();
    expect(lab.record(await alone)).toEqual([9]);
  });

  test('the deadline holds in the guest and between steps', async () => {
    const spinning = await make(lab);
    const step = waiting(await spinning.start('spin', [], { timeoutMs: 1_000 }));
    expect(await errorOf(() => step.resume())).toMatchObject({ code: 'ERR_TIMEOUT' });
    const parked = await make(lab);
    const late = waiting(await parked.start('load', [], { timeoutMs: 500 }));
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await errorOf(() => late.resume())).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(lab.record([spinning.state, parked.state])).toEqual(['poisoned', 'poisoned']);
  });

  test('closing between steps', async () => {
    const instance = await make(lab);
    const step = waiting(await instance.start('load'));
    instance.close();
    expect(await errorOf(() => step.resume())).toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    lab.record(instance.state);
  });

  test('many guests wait at once', async () => {
    const instances = await Promise.all(Array.from({ length: 10 }, () => make(lab)));
    const steps = await Promise.all(instances.map((instance, index) => instance.start('run', [index])));
    const ends = await Promise.all(
      steps.toReversed().map(async (step) => {
        const second = waiting(await waiting(step).resume());
        return second.resume([second.hostCall.args[1] as bigint]);
      }),
    );
    expect(lab.record(ends)).toEqual(Array.from({ length: 10 }, () => ({ done: true, value: [5n] })));
  });
});
