// Slices of fuel: the guest pauses again and again, somebody decides, and it goes on exactly where it was.
import type { Instance, InstanceOptions, Slice } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const GUEST = `
  (import "env" "note" (func $note (param i32)))
  (memory (export "memory") 1)
  (func (export "sum") (param $n i32) (result i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "spin") (loop (br 0)))
  (func (export "noted") (param $n i32)
    (loop (call $note (local.get $n)) (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "bytes") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))`;

async function make(lab: Lab, options: InstanceOptions = {}): Promise<Instance> {
  const module = await lab.engine({ timeoutMs: null }).compile(wat(GUEST), { sliceable: true });
  return module.instantiate({ imports: { env: { note: () => {} } }, ...options });
}

const SUM = (1_000 * 1_001) / 2;

onEveryBackend('slices', (lab) => {
  test('pause where the fuel of one is spent, and change neither result nor count', async () => {
    const whole = await make(lab);
    await whole.invoke('sum', [1_000]);
    const instance = await make(lab);
    const seen: Slice[] = [];
    const onSlice = (slice: Slice) => void seen.push(slice);
    expect(await instance.invoke('sum', [1_000], { sliceFuel: 1_000, onSlice })).toEqual([BigInt(SUM)]);
    expect(instance.fuelUsed).toBe(whole.fuelUsed);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.map(({ count }) => count)).toEqual(seen.map((_, index) => index + 1));
    for (const { fuelUsed, count } of seen) expect(Number(fuelUsed) / 1_000).toBeGreaterThanOrEqual(count);
    lab.record(instance.fuelUsed);
  });

  test('a decision may take its time', async () => {
    const instance = await make(lab);
    let slices = 0;
    const onSlice = async () => {
      slices++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    };
    expect(await instance.invoke('sum', [1_000], { sliceFuel: 2_000, onSlice })).toEqual([BigInt(SUM)]);
    expect(lab.record(slices)).toBeGreaterThan(2);
  });

  test('false stops the guest', async () => {
    const instance = await make(lab);
    const onSlice = ({ count }: Slice) => (count === 3 ? false : undefined);
    const error = await errorOf(() => instance.invoke('spin', [], { sliceFuel: 1_000, onSlice }));
    expect(lab.record([error.code, instance.state])).toEqual(['ERR_ABORTED', 'poisoned']);
  });

  test('fuel ends as without slices, unless some is added', async () => {
    const poor = await make(lab);
    const none = () => {};
    expect(
      await lab.observe(poor, () => poor.invoke('spin', [], { fuel: 5_000, sliceFuel: 1_000, onSlice: none })),
    ).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      details: { limit: 5_000n },
      fuelUsed: 5_000n,
    });
    const fed = await make(lab);
    const onSlice = ({ fuelLeft }: Slice) => (fuelLeft < 1_000n ? 2_000 : 0);
    expect(await fed.invoke('sum', [1_000], { fuel: 2_000, sliceFuel: 1_000, onSlice })).toEqual([BigInt(SUM)]);
    expect(lab.record(fed.fuelUsed)).toBeGreaterThan(2_000n);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['answers nonsense', () => 'more' as never],
  ])('a decision that %s ends the call', async (_, onSlice) => {
    const instance = await make(lab);
    const error = await errorOf(() => instance.invoke('spin', [], { sliceFuel: 1_000, onSlice }));
    expect(lab.record([error.code, error.details?.name])).toEqual(['ERR_HOST_FUNCTION', 'onSlice']);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('the deadline holds while a guest is paused', async () => {
    const instance = await make(lab);
    const onSlice = () => new Promise<never>(() => {});
    const error = await errorOf(() => instance.call('bytes', '', { sliceFuel: 1_000, onSlice, timeoutMs: 50 }));
    expect(lab.record([error.code, instance.state])).toEqual(['ERR_TIMEOUT', 'poisoned']);
  });

  test('host functions run between slices', async () => {
    const noted: number[] = [];
    const instance = await make(lab, { imports: { env: { note: (n: number) => void noted.push(n) } } });
    await instance.invoke('noted', [200], { sliceFuel: 100, onSlice: () => {} });
    expect(noted).toHaveLength(200);
    lab.record(instance.fuelUsed);
  });

  test('a module that is sliceable runs without slices as well, on any thread', async () => {
    const module = await lab.engine().compile(wat(GUEST), { sliceable: true });
    const options = { imports: { env: { note: () => {} } } };
    for (const instance of [await module.instantiate(options), module.instantiateSync(options)]) {
      expect(instance.exports.sum!(1_000)).toBe(BigInt(SUM));
      expect(await lab.observe(instance, () => instance.invoke('spin', [], { fuel: 5_000 }))).toMatchObject({
        code: 'ERR_FUEL_EXHAUSTED',
        fuelUsed: 5_000n,
      });
    }
  });

  test('a module that is not is told so', async () => {
    const instance = await (await lab.compile(GUEST)).instantiate({ imports: { env: { note: () => {} } } });
    expect(await errorOf(() => instance.invoke('spin', [], { sliceFuel: 10, onSlice: () => {} }))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
    lab.record(instance.state);
  });
});
