// Calls that run in slices of fuel: the event loop decides between them.
import { type CallOptions, Engine, type Instance, type Slice } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { wat } from './support/wat';

const WORK = wat(`
  (memory (export "memory") 1)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "echo") (param i32 i32) (result i64)
    (drop (call $fib (i32.const 10)))
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "malloc") (param i32) (result i32) (i32.const 64))
  (func (export "free") (param i32))`);

const ARGS = [15] as const;

onEveryBackend('calls in slices', (lab) => {
  async function sliced(): Promise<Instance> {
    return (await lab.engine().compile(WORK, { sliceable: true })).instantiate();
  }

  async function cost(): Promise<bigint> {
    const instance = await sliced();
    await instance.invoke('fib', ARGS);
    return lab.record(instance.fuelUsed);
  }

  test('have the results and the count of calls without', async () => {
    const whole = await cost();
    const plain = await (await lab.engine().compile(WORK)).instantiate();
    await plain.invoke('fib', ARGS);
    expect(plain.fuelUsed).toBe(whole);
    for (const sliceFuel of [50n, 1_000n, whole]) {
      const instance = await sliced();
      const seen: Slice[] = [];
      const options: CallOptions = { sliceFuel, onSlice: (slice) => void seen.push(slice) };
      expect(await instance.invoke('fib', ARGS, options)).toEqual([610]);
      expect(instance.fuelUsed).toBe(whole);
      expect(seen.map(({ count }) => count)).toEqual(seen.map((_, i) => i + 1));
      expect(seen.every(({ fuelUsed, fuelLeft }) => fuelUsed + fuelLeft === 100_000_000_000n)).toBe(true);
      expect(seen.length > 0).toBe(sliceFuel < whole);
    }
  });

  test('of bytes have a receipt', async () => {
    const instance = await sliced();
    let count = 0;
    const onSlice = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      count += 1;
    };
    const result = await instance.call('echo', 'text', { sliceFuel: 300, onSlice });
    expect(result.text()).toBe('text');
    expect(count).toBeGreaterThan(2);
    lab.record(result.fuelUsed);
  });

  test('pass with their cost and fail with one unit less', async () => {
    const whole = await cost();
    for (const [fuel, passes] of [
      [whole, true],
      [whole - 1n, false],
    ] as const) {
      const instance = await sliced();
      const run = () => instance.invoke('fib', ARGS, { fuel, sliceFuel: 500, onSlice: () => {} });
      expect(await lab.observe(instance, run)).toMatchObject(
        passes ? { value: [610] } : { code: 'ERR_FUEL_EXHAUSTED' },
      );
    }
  });

  test('can be given more fuel', async () => {
    const instance = await sliced();
    const onSlice = ({ fuelLeft }: Slice) => (fuelLeft === 0n ? 5_000 : undefined);
    expect(await instance.invoke('fib', ARGS, { fuel: 1_000, sliceFuel: 500, onSlice })).toEqual([610]);
    expect(instance.fuelUsed).toBe(await cost());
  });

  test('can be stopped', async () => {
    const instance = await sliced();
    const onSlice = ({ count }: Slice) => (count === 3 ? false : undefined);
    expect(await lab.observe(undefined, () => instance.invoke('fib', ARGS, { sliceFuel: 500, onSlice }))).toMatchObject(
      { code: 'ERR_ABORTED' },
    );
    expect(instance.state).toBe('poisoned');
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
      'ERR_HOST_FUNCTION',
    ],
    [
      'rejects',
      async () => {
        throw new Error('no');
      },
      'ERR_HOST_FUNCTION',
    ],
    ['answers nonsense', () => 'more' as never, 'ERR_HOST_FUNCTION'],
    ['answers a negative amount', () => -5, 'ERR_HOST_FUNCTION'],
  ])('end when onSlice %s', async (_, onSlice, code) => {
    const instance = await sliced();
    expect(await lab.observe(undefined, () => instance.invoke('fib', ARGS, { sliceFuel: 500, onSlice }))).toMatchObject(
      {
        code,
      },
    );
  });

  test('stop at their deadline while they pause', async () => {
    const instance = await sliced();
    const onSlice = () => new Promise<undefined>(() => {});
    const options = { sliceFuel: 500, onSlice, timeoutMs: 500 };
    expect(await lab.observe(undefined, () => instance.invoke('fib', ARGS, options))).toMatchObject({
      code: 'ERR_TIMEOUT',
    });
  });

  test('are refused where they cannot be', async () => {
    const plain = await (await lab.engine().compile(WORK)).instantiate();
    const options = { sliceFuel: 500, onSlice: () => {} };
    expect(await lab.observe(plain, () => plain.invoke('fib', ARGS, options))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      state: 'idle',
    });
    const instance = await sliced();
    expect(await lab.observe(instance, () => instance.callSync('echo', '', options))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
    expect(await lab.observe(instance, () => instance.start('fib', ARGS, options))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      state: 'idle',
    });
  });
});

test('sliceable is an option of compiling alone', () => {
  expect(() => new Engine({ sliceable: true } as object)).toThrow(/no option of this name/);
});
