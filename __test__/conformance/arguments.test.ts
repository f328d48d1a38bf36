// A caller's mistakes: refused by name, before anything runs, with Node's kinds of errors.
import { Engine, type EngineOptions, hostFunction } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';
const RANGE = 'ERR_OUT_OF_RANGE';

const FUEL: readonly (readonly [unknown, string])[] = [
  [0, RANGE],
  [0n, RANGE],
  [-1, RANGE],
  [-1n, RANGE],
  [Number.NaN, RANGE],
  [1.5, RANGE],
  [Number.POSITIVE_INFINITY, RANGE],
  [2 ** 53, RANGE],
  [2n ** 62n + 1n, RANGE],
  ['100', TYPE],
  ['', TYPE],
  [null, TYPE],
  [true, TYPE],
  [{}, TYPE],
  [[], TYPE],
  [Symbol('x'), TYPE],
  [() => 1, TYPE],
];

const ENGINE: readonly (readonly [string, unknown, string])[] = [
  ['options', 1, TYPE],
  ['options', 'x', TYPE],
  ['options', [], TYPE],
  ['options', new Map(), TYPE],
  ['options', null, TYPE],
  ['backend', { backend: 'chakra' }, VALUE],
  ['backend', { backend: 1 }, TYPE],
  ['backend', { backend: null }, TYPE],
  ['meterLimit', { meterLimit: 1 }, VALUE],
  ['limits.memory', { limits: { memory: 1 } }, VALUE],
  ['limits', { limits: 1 }, TYPE],
  ['limits', { limits: null }, TYPE],
  ['limits.memoryBytes', { limits: { memoryBytes: 1 } }, RANGE],
  ['limits.memoryBytes', { limits: { memoryBytes: 2 ** 31 } }, RANGE],
  ['limits.memoryBytes', { limits: { memoryBytes: '65536' } }, TYPE],
  ['limits.memoryBytes', { limits: { memoryBytes: 65_536n } }, TYPE],
  ['limits.callDepth', { limits: { callDepth: 0 } }, RANGE],
  ['limits.callDepth', { limits: { callDepth: 1.5 } }, RANGE],
  ['limits.tableElements', { limits: { tableElements: -1 } }, RANGE],
  ['limits.outputBytes', { limits: { outputBytes: 2 ** 32 } }, RANGE],
  ['limits.hostCalls', { limits: { hostCalls: -1 } }, RANGE],
  ['limits.instances', { limits: { instances: 0 } }, RANGE],
  ['cacheSize', { cacheSize: -1 }, RANGE],
  ['cacheSize', { cacheSize: Number.NaN }, RANGE],
  ['cacheSize', { cacheSize: '1' }, TYPE],
  ['staticMemoryBound', { staticMemoryBound: 'big' }, TYPE],
  ['staticMemoryBound', { staticMemoryBound: 65_537 }, RANGE],
  ['threads', { threads: 0 }, RANGE],
  ['threads', { threads: 1e9 }, RANGE],
  ['queue', { queue: -1 }, RANGE],
  ['complexity.functions', { complexity: { functions: -1 } }, RANGE],
  ['complexity.function', { complexity: { function: 1 } }, VALUE],
];

describe('engine options', () => {
  test.each(ENGINE)('%s refuses case %#', async (option, options, code) => {
    const error = await errorOf(() => new Engine(options as EngineOptions));
    expect(error.code).toBe(code);
    expect(error.message).toContain(option);
    expect(error).toBeInstanceOf(code === RANGE ? RangeError : TypeError);
  });

  test.each(FUEL)('meteringLimit refuses %s', async (meteringLimit, code) => {
    const error = await errorOf(() => new Engine({ meteringLimit } as EngineOptions));
    expect(error.code).toBe(code);
    expect(error.message).toContain('meteringLimit');
  });

  test.each([[1], [1n], [2 ** 53 - 1], [2n ** 62n], ['unlimited'], [undefined]])(
    'meteringLimit takes %s',
    (meteringLimit) => {
      expect(new Engine({ meteringLimit } as EngineOptions).options.meteringLimit).toBeTypeOf('bigint');
    },
  );

  test('an unknown option is refused with what may have been meant', async () => {
    expect((await errorOf(() => new Engine({ meteringLimits: 1 } as EngineOptions))).message).toContain(
      '"meteringLimit"',
    );
    expect((await errorOf(() => new Engine({ limits: { callDept: 1 } } as EngineOptions))).message).toContain(
      '"callDepth"',
    );
  });

  test('a polluted prototype changes no option', () => {
    const before = new Engine().options;
    Object.assign(Object.prototype, { cacheSize: 1, nonsense: true, memoryBytes: 65_536 });
    try {
      expect(new Engine().options).toEqual(before);
      expect(new Engine({ limits: {} }).options.limits).toEqual(before.limits);
    } finally {
      for (const key of ['cacheSize', 'nonsense', 'memoryBytes'])
        delete (Object.prototype as Record<string, unknown>)[key];
    }
  });

  test('options are read once and frozen', () => {
    let reads = 0;
    const options = Object.defineProperty({}, 'cacheSize', {
      enumerable: true,
      get: () => {
        reads++;
        return 5;
      },
    });
    const engine = new Engine(options);
    expect([engine.options.cacheSize, reads]).toEqual([5, 1]);
    expect(Object.isFrozen(engine.options)).toBe(true);
    expect(Object.isFrozen(engine.options.limits)).toBe(true);
  });
});

onEveryBackend('arguments', (lab) => {
  test('a polluted prototype changes no engine and no instance', () => {
    const pollution = {
      timeoutMs: 1,
      fuel: 1n,
      abi: 'bytes',
      keepAfterTrap: true,
      hostCalls: 0,
      envelope: true,
      threads: 1,
    };
    Object.assign(Object.prototype, pollution);
    try {
      const module = lab
        .engine()
        .compileSync(wat('(func (export "f") (result i32) (i32.const 7)) (func (export "trap") unreachable)'));
      const instance = module.instantiateSync();
      expect(lab.record(instance.exports.f!())).toBe(7);
      expect(() => instance.exports.trap!()).toThrow();
      expect(lab.record(instance.state)).toBe('poisoned');
    } finally {
      for (const key of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[key];
    }
  });

  const TEXT = '(memory 1) (func (export "f") (param i32 i32) (result i64) (i64.const 0))';

  test.each(FUEL)('fuel of a call refuses %s', async (fuel, code) => {
    const instance = await lab.instantiate(TEXT);
    for (const run of [
      () => instance.call('f', '', { fuel } as object),
      () => instance.callSync('f', '', { fuel } as object),
      () => instance.invoke('f', [0, 0], { fuel } as object),
    ]) {
      expect(await lab.observe(instance, run)).toMatchObject({ code, state: 'idle', fuelUsed: 0n });
    }
    const module = await lab.compile(TEXT);
    expect(await errorOf(() => module.instantiate({ fuel } as object))).toMatchObject({ code });
  });

  test.each([
    ['an unknown key', { feul: 1 }, VALUE],
    ['a number', 5, TYPE],
    ['an array', [], TYPE],
    ['a timeout of 0', { timeoutMs: 0 }, RANGE],
    ['a timeout as text', { timeoutMs: '5' }, TYPE],
    ['a signal that is none', { signal: {} }, TYPE],
    ['slices without a decision', { sliceFuel: 5 }, VALUE],
  ])('options of a call refuse %s', async (_, options, code) => {
    const instance = await lab.instantiate(TEXT);
    expect(await lab.observe(instance, () => instance.call('f', '', options as object))).toMatchObject({
      code,
      state: 'idle',
    });
    expect(await lab.observe(instance, () => instance.callSync('f', '', options as object))).toMatchObject({
      code,
      state: 'idle',
    });
  });

  test.each([
    [1],
    [null],
    [{}],
    [[1, 2]],
    [new ArrayBuffer(1)],
    [new Float32Array(1)],
    [new DataView(new ArrayBuffer(1))],
  ])('input refuses case %#', async (input) => {
    const instance = await lab.instantiate(TEXT);
    for (const run of [
      () => instance.call('f', input as string),
      () => instance.callSync('f', input as string),
      () => instance.callRaw('f', input as unknown as Uint8Array),
    ]) {
      expect(await lab.observe(instance, run)).toMatchObject({ code: TYPE, state: 'idle' });
    }
  });

  test.each([[1], [null], [undefined], [Symbol('f')], [['f']], [{ toString: () => 'f' }]])(
    'a name refuses case %#',
    async (name) => {
      const instance = await lab.instantiate(TEXT);
      for (const run of [
        () => instance.call(name as string),
        () => instance.callSync(name as string),
        () => instance.callRaw(name as string, new Uint8Array(0)),
        () => instance.invoke(name as string),
      ]) {
        expect(await lab.observe(instance, run)).toMatchObject({ code: TYPE, state: 'idle' });
      }
    },
  );

  test.each([
    ['a string', '12'],
    ['an object', {}],
    ['a typed array', new Int32Array(2)],
    ['null', null],
  ])('invoke refuses %s for its arguments', async (_, args) => {
    const instance = await lab.instantiate(TEXT);
    expect(await lab.observe(instance, () => instance.invoke('f', args as unknown as number[]))).toMatchObject({
      code: TYPE,
      state: 'idle',
    });
  });

  test.each([
    ['abi', { abi: 'json' }, VALUE],
    ['abi', { abi: 1 }, TYPE],
    ['afterTrap', { afterTrap: 'retry' }, VALUE],
    ['imprts', { imprts: {} }, VALUE],
    ['limits.instances', { limits: { instances: 1 } }, VALUE],
    ['host', { host: 1 }, TYPE],
    ['host.f', { host: { f: 1 } }, TYPE],
    ['options', 'x', TYPE],
  ])('instantiate refuses %s', async (option, options, code) => {
    const module = await lab.compile(TEXT);
    const outcome = await lab.observe(undefined, () => module.instantiate(options as object));
    expect(outcome).toMatchObject({ code, message: expect.stringContaining(option) });
  });

  test('labels of cached modules are text or bytes', async () => {
    const engine = lab.engine();
    expect(
      await lab.observe(undefined, () => engine.compileCached(1 as unknown as string, new Uint8Array(0))),
    ).toMatchObject({ code: TYPE });
  });
});

describe('hostFunction', () => {
  test.each([
    [[1], TYPE],
    [[null], TYPE],
    [[() => 1, { params: 'i32' }], TYPE],
    [[() => 1, { params: ['i33'] }], VALUE],
    [[() => 1, { cost: -1 }], RANGE],
    [[() => 1, { cost: 1.5 }], RANGE],
    [[() => 1, { cost: '1' }], TYPE],
    [[() => 1, { context: 1 }], TYPE],
    [[() => 1, { price: 1 }], VALUE],
  ])('refuses case %#', async (args, code) => {
    expect(await errorOf(() => hostFunction(...(args as Parameters<typeof hostFunction>)))).toMatchObject({ code });
  });
});
