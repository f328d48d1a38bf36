// The options tables: every row with its default, and what must not change what is read.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Engine } from 'aingle-wasm';
import { afterEach, describe, expect, test } from 'vitest';
import { FREE_OPERATORS, MAX_WEIGHT, OPERATORS } from '../../src/options/costs';
import { COMPLEXITY, readEngineOptions } from '../../src/options/engine';
import { readCallOptions, readInstanceOptions } from '../../src/options/instance';

const MIB = 1024 * 1024;

/** What a call has where its options say nothing. */
const DEFAULTS = {
  fuel: 7n,
  timeoutMs: 8,
  timeoutAsked: false,
  signal: undefined,
  data: 'data',
  slices: undefined,
};

describe('time limits', () => {
  test.each([1, 2 ** 31 - 1, null])('%s is one', (timeoutMs) => {
    expect(readEngineOptions({ timeoutMs }).timeoutMs).toBe(timeoutMs);
    expect(readCallOptions({ timeoutMs }, DEFAULTS)).toEqual({
      ...DEFAULTS,
      timeoutMs,
      timeoutAsked: timeoutMs !== null,
    });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', 5n, {}])('%s is none', (timeoutMs) => {
    const options = { timeoutMs } as object;
    const code = typeof timeoutMs === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE';
    for (const read of [readEngineOptions, (given: object) => readCallOptions(given, DEFAULTS)]) {
      expect(() => read(options)).toThrow(expect.objectContaining({ code }));
    }
  });

  test.each([5, 'abort', {}, new EventTarget()])('%s is no signal', (signal) => {
    expect(() => readCallOptions({ signal }, DEFAULTS)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

test('defaults', () => {
  const { complexity, ...options } = readEngineOptions(undefined);
  expect(options).toEqual({
    backend: 'auto',
    meteringLimit: 100_000_000_000n,
    canonicalizeNans: true,
    costs: {},
    cacheSize: 256 * MIB,
    staticMemoryBound: 'auto',
    limits: {
      memoryBytes: 256 * MIB,
      tableElements: 1_000_000,
      callDepth: 3_000,
      outputBytes: 64 * MIB,
      hostCalls: undefined,
      instances: 100_000,
      compileMs: 60_000,
    },
    timeoutMs: 30_000,
    threads: availableParallelism(),
    queue: 10_000,
  });
  expect(Object.keys(complexity)).toHaveLength(16);
});

test('the complexity caps are those of prepare', () => {
  const rust = readFileSync(new URL('../../crates/prepare/src/config.rs', import.meta.url), 'utf8');
  const defaults = [...rust.matchAll(/"(\w+)" = ([\d_]+),/g)].map(([, name, value]) => [
    name,
    Number(value!.replaceAll('_', '')),
  ]);
  expect(defaults).toHaveLength(16);
  expect(readEngineOptions(undefined).complexity).toEqual(Object.fromEntries(defaults));
  expect(Object.keys(COMPLEXITY)).toEqual(defaults.map(([name]) => name));
});

test('the limits are those of the native core', () => {
  const rust = readFileSync(new URL('../../crates/host/src/limits.rs', import.meta.url), 'utf8');
  const constant = (name: string) =>
    Number(new RegExp(`${name}: u32 = ([\\d_]+)`).exec(rust)?.[1]?.replaceAll('_', ''));
  expect(constant('DEFAULT_CALL_DEPTH')).toBe(readEngineOptions(undefined).limits.callDepth);
  for (const [option, name] of [
    ['callDepth', 'MAX_CALL_DEPTH'],
    ['tableElements', 'MAX_TABLE_ELEMENTS'],
  ] as const) {
    const max = constant(name);
    expect(readEngineOptions({ limits: { [option]: max } }).limits[option]).toBe(max);
    expect(() => readEngineOptions({ limits: { [option]: max + 1 } })).toThrow(RangeError);
  }
});

test('everything resolved is frozen and without prototype', () => {
  const options = new Engine({ backend: 'v8', limits: { hostCalls: 3 } }).options;
  for (const value of [options, options.limits, options.complexity, options.costs]) {
    expect(Object.isFrozen(value)).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(null);
  }
  expect(options.limits.hostCalls).toBe(3);
});

test('a misspelt key is refused with the near one', () => {
  expect(() => readEngineOptions({ meterLimit: 1 } as object)).toThrow('did you mean "meteringLimit"?');
  expect(() => readEngineOptions({ limits: { memory: 1 } } as object)).toThrow('known are "memoryBytes"');
  expect(() => readEngineOptions(JSON.parse('{"__proto__":{"queue":1}}'))).toThrow('__proto__');
});

describe('costs', () => {
  const read = (costs: unknown) => readEngineOptions({ costs } as object).costs;

  test('the operators are those of prepare', () => {
    const rust = readFileSync(new URL('../../crates/prepare/src/names.rs', import.meta.url), 'utf8');
    const table = rust.slice(rust.indexOf('const NAMES'), rust.indexOf('];\n'));
    const names = [...table.matchAll(/"([^"]*)"/g)].flatMap(([, text]) => text!.split(/[\s\\]+/).filter(Boolean));
    expect([...OPERATORS, ...FREE_OPERATORS].sort()).toEqual([...new Set(names)].sort());
    expect(OPERATORS.size).toBe(431);
  });

  test('take weights from 1 to 2^20, and keep what is given only', () => {
    const costs = read({ 'i32.add': 1, select: MAX_WEIGHT, call: undefined });
    expect(costs).toEqual({ 'i32.add': 1, select: 1_048_576 });
    expect([Object.isFrozen(costs), Object.getPrototypeOf(costs)]).toEqual([true, null]);
  });

  test.each([
    [{ 'f64.sqr': 2 }, 'costs.f64.sqr', 'did you mean "f64.sqrt"'],
    [{ 'i32.plus': 2 }, 'costs.i32.plus', 'names are those of the text format'],
    [{ 'I32.Add': 2 }, 'costs.I32.Add', 'did you mean "i32.add"'],
    [{ multiply: 2 }, 'costs.multiply', 'names are those of the text format, such as "i32.add"'],
    [{ loop: 2 }, 'costs.loop', 'block, loop, else, end and nop are always free'],
    [JSON.parse('{"__proto__":2}'), 'costs.__proto__', 'there is no operator of this name'],
    [{ call: 0 }, 'costs.call', 'an integer from 1 to 1,048,576'],
    [{ call: MAX_WEIGHT + 1 }, 'costs.call', 'received 1048577'],
    [{ call: 1.5 }, 'costs.call', 'received 1.5'],
    [{ call: Number.NaN }, 'costs.call', 'received NaN'],
    [{ call: 2n }, 'costs.call', 'a number'],
    [{ call: null }, 'costs.call', 'a number'],
    [new Map(), 'costs', 'a plain object'],
    [['call'], 'costs', 'a plain object'],
  ])('refuse what is wrong by name: %#', (costs, option, text) => {
    expect(() => read(costs)).toThrow(option);
    expect(() => read(costs)).toThrow(text);
    expect(() => read(costs)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID|OUT)/) }));
  });

  test('each weight is read once', () => {
    let reads = 0;
    const costs = {
      get call() {
        return ++reads;
      },
    };
    expect(read(costs)).toEqual({ call: 1 });
  });
});

test('canonicalizeNans is true or false and nothing that looks like it', () => {
  expect(readEngineOptions({ canonicalizeNans: false }).canonicalizeNans).toBe(false);
  for (const value of [0, 1, 'false', null, {}])
    expect(() => readEngineOptions({ canonicalizeNans: value } as object)).toThrow('true or false');
});

test('undefined is absent, null is not', () => {
  expect(readEngineOptions({ queue: undefined } as object).queue).toBe(10_000);
  expect(() => readEngineOptions({ queue: null } as unknown as object)).toThrow(TypeError);
});

test('every property is read once', () => {
  let reads = 0;
  const options = {
    get queue() {
      reads++;
      return 5;
    },
  };
  expect(readEngineOptions(options).queue).toBe(5);
  expect(reads).toBe(1);
});

describe('prototypes', () => {
  afterEach(() => {
    for (const key of ['queue', 'fuel', 'limits']) Reflect.deleteProperty(Object.prototype, key);
  });

  test('a polluted Object.prototype changes nothing', () => {
    Object.assign(Object.prototype, { queue: 1, fuel: 1n, limits: { callDepth: 1 } });
    const engine = readEngineOptions({});
    expect(engine.queue).toBe(10_000);
    expect(engine.limits.callDepth).toBe(3_000);
    expect(readCallOptions({}, DEFAULTS)).toMatchObject(DEFAULTS);
    expect(readInstanceOptions({}, engine).fuel).toBe(engine.meteringLimit);
  });

  test('inherited options are no options, and instances of classes no option objects', () => {
    expect(() => readEngineOptions(Object.create({ queue: 1 }))).toThrow('must be a plain object');
    expect(() => readEngineOptions(new (class Options {})())).toThrow('an instance of Options');
    expect(readEngineOptions(Object.assign(Object.create(null), { queue: 7 })).queue).toBe(7);
  });
});

describe('instance options', () => {
  const engine = readEngineOptions({ meteringLimit: 1_000, limits: { outputBytes: 100, hostCalls: 5 } });

  test('take the engine for what is absent', () => {
    const { instances, compileMs: _, ...limits } = engine.limits;
    expect(instances).toBe(100_000);
    expect(readInstanceOptions(undefined, engine)).toMatchObject({
      fuel: 1_000n,
      abi: 'auto',
      afterTrap: 'poison',
      worker: 'own',
      timeoutMs: 30_000,
      timeoutAsked: false,
      limits,
    });
  });

  test('may lower a limit, not raise it', () => {
    expect(readInstanceOptions({ limits: { outputBytes: 99 } }, engine).limits.outputBytes).toBe(99);
    expect(() => readInstanceOptions({ limits: { outputBytes: 101 } }, engine)).toThrow(
      "limits.outputBytes is out of range: received 101; allowed is at most the engine's, 100.",
    );
    expect(() => readInstanceOptions({ limits: { hostCalls: 6 } }, engine)).toThrow(RangeError);
    expect(() => readInstanceOptions({ limits: { instances: 1 } }, engine)).toThrow('instances');
  });

  test('a host call limit needs none in the engine', () => {
    expect(readInstanceOptions({ limits: { hostCalls: 6 } }, readEngineOptions(undefined)).limits.hostCalls).toBe(6);
  });
});
