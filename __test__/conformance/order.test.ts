// Several calls at once: on one instance they run in the order they were made; a sync call that would overtake is refused. Those of several
// instances do not wait for one that takes long.
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { onEveryBackend, UNHURRIED } from './support/lab';

const COUNTER = `(global $n (mut i32) (i32.const 0))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  (func (export "spin") (param $n i32) (result i32) (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (global.get $n))
  (func (export "bytes") (param i32 i32) (result i64) (i64.const 0))
  (func (export "trap") unreachable)`;

onEveryBackend('order of calls', (lab) => {
  test('calls of one instance run in the order they were made', async () => {
    const instance = await lab.instantiate(COUNTER);
    const results = await Promise.all(Array.from({ length: 200 }, () => instance.invoke('next')));
    expect(results).toEqual(Array.from({ length: 200 }, (_, index) => [index + 1]));
  });

  test('they also end in that order', async () => {
    const instance = await lab.instantiate(COUNTER);
    const ended: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        instance.invoke('spin', [index % 2 === 0 ? 50_000 : 1]).then(() => ended.push(index)),
      ),
    );
    expect(ended).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test('call and invoke share the order', async () => {
    const instance = await lab.instantiate(COUNTER);
    const ended: string[] = [];
    await Promise.all([
      instance.invoke('spin', [100_000]).then(() => ended.push('first')),
      instance.call('bytes').then(() => ended.push('second')),
      instance.invoke('next').then(() => ended.push('third')),
    ]);
    expect(ended).toEqual(['first', 'second', 'third']);
  });

  test('a sync call while another waits or runs is refused', async () => {
    const instance = await lab.instantiate(COUNTER);
    const pending = instance.invoke('spin', [1_000_000]);
    expect(lab.record(instance.state)).toBe('running');
    for (const run of [
      () => instance.exports.next!(),
      () => instance.callSync('bytes'),
      () => instance.callRaw('bytes', new Uint8Array(0)),
    ]) {
      expect(run).toThrow(expect.objectContaining({ code: 'ERR_INSTANCE_BUSY', retryable: true }));
    }
    for (const run of [() => instance.memory.pages, () => instance.memory.read(0, 0), () => instance.memory.grow(0)]) {
      expect(run).toThrow(expect.objectContaining({ code: 'ERR_INSTANCE_BUSY' }));
    }
    await pending;
    expect(instance.state).toBe('idle');
    expect(instance.exports.next!()).toBe(1);
  });

  test('a wrong name is told before the state', async () => {
    const instance = await lab.instantiate(COUNTER);
    instance.close();
    for (const run of [
      () => instance.call('next', 'x'),
      () => instance.callSync('none'),
      () => instance.callRaw('trap', new Uint8Array(0)),
      () => instance.invoke('none'),
    ]) {
      expect(await lab.observe(instance, run)).toMatchObject({ code: 'ERR_EXPORT_NOT_FOUND', state: 'closed' });
    }
  });

  test('calls never run before the current piece of JavaScript ends', async () => {
    const instance = await lab.instantiate(COUNTER);
    const events: string[] = [];
    const pending = instance.invoke('next').then(() => events.push('resolved'));
    events.push('returned');
    await Promise.resolve();
    events.push('microtask');
    await pending;
    expect(lab.record(events)).toEqual(['returned', 'microtask', 'resolved']);
  });

  test('what waits behind a trap is refused as the instance is poisoned', async () => {
    const instance = await lab.instantiate(COUNTER);
    const results = await Promise.allSettled([
      instance.invoke('next'),
      instance.invoke('trap'),
      instance.invoke('next'),
      instance.call('bytes'),
    ]);
    const codes = results.map((result) => (result.status === 'fulfilled' ? 'returned' : result.reason.code));
    expect(lab.record(codes)).toEqual(['returned', 'ERR_TRAP', 'ERR_INSTANCE_POISONED', 'ERR_INSTANCE_POISONED']);
  });

  test('instances do not wait for each other’s state', async () => {
    const module = await lab.compile(COUNTER);
    const instances = await Promise.all(Array.from({ length: 10 }, () => module.instantiate()));
    const results = await Promise.all(
      instances.flatMap((instance) => [instance.invoke('next'), instance.invoke('next')]),
    );
    expect(results.flat()).toEqual(instances.flatMap(() => [1, 2]));
  });

  test('a queue over its bound refuses at once', async () => {
    const module = await lab.compile(COUNTER, { queue: 3, threads: 1 });
    const instance = await module.instantiate();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => instance.invoke('spin', [10_000_000])));
    const refused = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
    expect(refused.length).toBeGreaterThan(10);
    for (const error of refused)
      expect(error).toMatchObject({ code: 'ERR_QUEUE_FULL', retryable: true, details: { limit: 3 } });
    expect(results[0]!.status).toBe('fulfilled');
    await instance.invoke('next');
  });

  test('guests that never end do not keep others from running', async () => {
    const module = await lab.compile(`${COUNTER} (func (export "forever") (loop (br 0)))`, {
      meteringLimit: 'unlimited',
      timeoutMs: null,
    });
    const instances = await Promise.all(
      Array.from({ length: 2 * availableParallelism() + 1 }, () => module.instantiate()),
    );
    const other = instances.pop()!;
    const endless = Promise.allSettled(instances.map((instance) => instance.invoke('forever')));
    for (let call = 1; call <= 20; call += 1) expect(await other.invoke('next')).toEqual([call]);
    for (const instance of instances) expect(instance.state).toBe('running');
    for (const instance of instances) instance.close();
    for (const result of await endless) expect(result).toMatchObject({ reason: { code: 'ERR_INSTANCE_CLOSED' } });
  });

  test('a thousand calls of many instances all end', async () => {
    const module = await lab.compile(COUNTER, UNHURRIED);
    const instances = await Promise.all(Array.from({ length: 20 }, () => module.instantiate()));
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => instances[index % 20]!.invoke('next')),
    );
    expect(results.map(([value]) => value)).toEqual(
      Array.from({ length: 1_000 }, (_, index) => Math.floor(index / 20) + 1),
    );
  });
});
