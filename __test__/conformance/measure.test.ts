// engine.measure: what sample inputs cost, in figures that are each the cost of one of them.
import type { Engine, EngineOptions, MeasureInput, Module } from 'aingle-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guest, guestFile } from './support/guests';
import { type Lab, onEveryBackend } from './support/lab';
import { wat } from './support/wat';

/** `spin(n)` costs 8 n; it remembers calls in a global, so that a second one in the same instance would cost more. */
const SPIN = wat(`(global $calls (mut i32) (i32.const 0))
  (func (export "spin") (param $n i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (unreachable)))
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "answer") (result i32) (i32.const 42)) (func (export "trap") (param i32) (unreachable))`);

/** What `spin(n)` costs. */
function costOf(n: number): bigint {
  return 8n + 5n * BigInt(n);
}

async function prepared(lab: Lab, source = SPIN, options?: EngineOptions): Promise<{ engine: Engine; module: Module }> {
  const engine = lab.engine(options);
  return { engine, module: await engine.compile(source) };
}

onEveryBackend('engine.measure', (lab) => {
  test('a guest of bytes, its figures those of the calls one by one', async () => {
    const { engine, module } = await prepared(lab, guest('echo'));
    const names = ['Ada', 'Grace', 'a much longer name than the others have', 'Alan', ''];
    const measured = lab.record(await engine.measure(module, 'greet', names.slice(0, 4)));
    const costs: bigint[] = [];
    for (const name of names.slice(0, 4)) {
      const instance = await module.instantiate();
      costs.push((await instance.call('greet', name)).fuelUsed);
    }
    const sorted = costs.sort((a, b) => Number(a - b));
    const [min, p50, , max] = sorted;
    expect(measured).toEqual({ count: 4, failed: 0, failures: {}, min, p50, p99: max, max });
    expect(Object.isFrozen(measured) && Object.isFrozen(measured.failures)).toBe(true);
  });

  test('percentiles are of nearest rank, whatever the order', async () => {
    const { engine, module } = await prepared(lab);
    const inputs = Array.from({ length: 200 }, (_, i) => [((i * 77) % 200) + 1]);
    expect(lab.record(await engine.measure(module, 'spin', inputs))).toMatchObject({
      count: 200,
      min: costOf(1),
      p50: costOf(100),
      p99: costOf(198),
      max: costOf(200),
    });
  });

  test('any inputs', async () => {
    const { engine, module } = await prepared(lab);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 30 }), async (counts) => {
        const { min, p50, p99, max, count } = await engine.measure(module, 'spin', new Set(counts.map((n) => [n])));
        const costs = counts.map(costOf);
        const atMost = (limit: bigint) => costs.filter((cost) => cost <= limit).length / costs.length;
        const below = (limit: bigint) => costs.filter((cost) => cost < limit).length / costs.length;
        expect(count).toBe(counts.length);
        for (const figure of [min, p50, p99, max]) expect(costs).toContain(figure);
        expect([below(min), atMost(max)]).toEqual([0, 1]);
        expect(atMost(p50) >= 0.5 && below(p50) < 0.5).toBe(true);
        expect(atMost(p99) >= 0.99 && below(p99) < 0.99).toBe(true);
      }),
      { numRuns: 15, seed: 20_261_121 },
    );
  });

  test('its largest figure is a limit that every input passes, and one less is not', async () => {
    const { engine, module } = await prepared(lab);
    const inputs = [[3], [40], [7]];
    const { max } = await engine.measure(module, 'spin', inputs);
    expect(await engine.measure(module, 'spin', inputs, { fuel: max })).toMatchObject({ failed: 0, max });
    expect(lab.record(await engine.measure(module, 'spin', inputs, { fuel: max - 1n }))).toEqual({
      count: 3,
      failed: 1,
      failures: { ERR_FUEL_EXHAUSTED: 1 },
      min: costOf(3),
      p50: costOf(3),
      p99: costOf(7),
      max: costOf(7),
    });
  });

  test('every instance gets the options, and all are closed', async () => {
    const { engine, module } = await prepared(
      lab,
      wat('(import "env" "next" (func $next (result i32))) (func (export "f") (drop (call $next)))'),
    );
    let calls = 0;
    const imports = { env: { next: () => ++calls } };
    const none: readonly MeasureInput[] = [[], [], []];
    expect(lab.record(await engine.measure(module, 'f', none, { instance: { imports } }))).toMatchObject({ max: 2n });
    expect([calls, engine.stats.instances]).toEqual([3, 0]);
    expect(await lab.observe(undefined, () => engine.measure(module, 'f', none))).toMatchObject({
      code: 'ERR_IMPORT_MISSING',
    });
  });

  test('if no call returned it fails as the first one did', async () => {
    const { engine, module } = await prepared(lab);
    expect(await lab.observe(undefined, () => engine.measure(module, 'trap', [[1], [2]]))).toMatchObject({
      code: 'ERR_TRAP',
    });
    expect(engine.stats.instances).toBe(0);
  });

  test('what is wrong with the request is refused', async () => {
    const { engine, module } = await prepared(lab);
    const other = await prepared(lab);
    const measure = engine.measure.bind(engine) as (...args: unknown[]) => unknown;
    for (const [args, code] of [
      [[module, 'spun', [[1]]], 'ERR_EXPORT_NOT_FOUND'],
      [[module, 'spin', [['1']]], 'ERR_INVALID_ARG_TYPE'],
      [[module, 'spin', [[1], []]], 'ERR_INVALID_ARG_VALUE'],
      [[module, 'spin', []], 'ERR_INVALID_ARG_VALUE'],
      [[module, 'spin', 'text'], 'ERR_INVALID_ARG_TYPE'],
      [[module, 'spin', new Uint8Array(3)], 'ERR_INVALID_ARG_TYPE'],
      [[module, 'spin', undefined], 'ERR_INVALID_ARG_TYPE'],
      [[module, 'spin', [[1]], { fule: 1 }], 'ERR_INVALID_ARG_VALUE'],
      [[module, 'spin', [[1]], { fuel: 0 }], 'ERR_OUT_OF_RANGE'],
      [[module, 'spin', [[1]], { instance: { fule: 1 } }], 'ERR_INVALID_ARG_VALUE'],
      [[other.module, 'spin', [[1]]], 'ERR_INVALID_ARG_VALUE'],
      [[{}, 'spin', [[1]]], 'ERR_INVALID_ARG_TYPE'],
    ] as const) {
      expect(await lab.observe(undefined, () => measure(...args))).toMatchObject({ code });
    }
    expect(engine.stats.instances).toBe(0);
    await engine.close();
    expect(await lab.observe(undefined, () => engine.measure(module, 'spin', [[1]]))).toMatchObject({
      code: 'ERR_ENGINE_CLOSED',
    });
  });

  test('kernels cost the same on every backend, in the weights of the engine', async () => {
    const { engine, module } = await prepared(lab, guestFile('kernels/fib.wasm'), { costs: { call: 10 } });
    const inputs = Array.from({ length: 12 }, (_, n) => [n]);
    expect(lab.record(await engine.measure(module, 'fib', inputs))).toMatchObject({ min: 5n, count: 12 });
  });
});
