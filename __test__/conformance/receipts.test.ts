// What a call used, and what an instance and an engine have used.
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const GUEST = `
  (import "env" "wait" (func $wait (param i32 i32) (result i64)))
  (memory (export "memory") 1 8)
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "free") (param i32))
  (func (export "echo") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "grow") (param i32 i32) (result i64) (drop (memory.grow (i32.const 2))) (i64.const 0))
  (func (export "hosted") (param i32 i32) (result i64) (drop (call $wait (local.get 0) (local.get 1))) (i64.const 0))
  (func (export "spin") (loop (br 0)))`;

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

onEveryBackend('receipts', (lab) => {
  const make = () => lab.instantiate(GUEST, { host: { wait: () => later(30) } });

  test('count fuel, bytes, pages and host calls', async () => {
    const instance = await make();
    const { receipt } = await instance.call('echo', 'hello', { fuel: 5_000n });
    expect(receipt).toMatchObject({
      fuelLimit: 5_000n,
      fuelExact: true,
      hostCalls: 0,
      memoryPages: 1,
      bytesIn: 5,
      bytesOut: 5,
    });
    expect(receipt.fuelUsed).toBe(instance.fuelUsed);
    expect(receipt.backend).toBe(lab.backend);
    expect((await instance.call('grow', '')).receipt.memoryPages).toBe(3);
    lab.record([receipt.fuelUsed, instance.fuelUsed]);
  });

  test('measure the time in the guest, in the host and in the queue', async () => {
    const instance = await make();
    const [first, second] = await Promise.all([instance.call('hosted', 'x'), instance.call('hosted', 'x')]);
    for (const { receipt } of [first!, second!]) {
      expect(receipt.hostCalls).toBe(1);
      expect(receipt.hostMs).toBeGreaterThan(20);
      expect(receipt.wallMs).toBeGreaterThanOrEqual(receipt.hostMs);
    }
    expect(second!.receipt.queueMs).toBeGreaterThan(20);
    expect(second!.receipt.queueMs).toBeGreaterThan(first!.receipt.queueMs);
  });

  test('add up in the instance and the engine', async () => {
    const engine = lab.engine();
    const module = await engine.compile(wat(GUEST));
    const instance = await module.instantiate({ host: { wait: () => '' } });
    await instance.call('echo', 'one');
    const { fuelUsed } = instance.callSync('echo', 'two').receipt;
    await errorOf(() => instance.invoke('spin', [], { fuel: 1_000n }));
    expect(lab.record(instance.stats)).toEqual({ calls: 3, stopped: 1, fuel: 2n * fuelUsed + 1_000n });
    const { calls, stopped, fuel, instances, compiled } = engine.stats;
    expect({ calls, stopped, fuel }).toEqual(instance.stats);
    expect([instances, compiled]).toEqual([1, 1]);
  });
});
