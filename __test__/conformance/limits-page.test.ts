// Every row of docs/limits.md is true: the limit is reached wherever the row says that it can be set, on every backend that it names, and
// what it says happens.
import type { EngineOptions, Instance, InstanceOptions } from 'aingle-wasm';
import { describe, expect, test } from 'vitest';
import { COMPLEX } from './support/complex';
import { type Lab, onEveryBackend } from './support/lab';
import { limitRows } from './support/limits-page';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const PAGE = 65_536;

/** Where a limit is set. */
type Place = 'engine' | 'instantiation' | 'call' | 'nowhere';

/** Reaches a limit that is set there, and gives the code of what happens or the page's words for it. */
type Reach = (lab: Lab, place: Place) => Promise<string>;

const SPIN = '(func (export "f") (loop (br 0)))';
const SPIN_AT_START = '(func $f (loop (br 0))) (start $f)';
const ECHO = `(memory 1) (func (export "malloc") (param i32) (result i32) (i32.const 64)) (func (export "free") (param i32))
  (func (export "f") (param i32 i32) (result i64) (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))`;
const ASK = `(import "env" "h" (func $h (param i32 i32) (result i64))) (memory 1)
  (func (export "malloc") (param i32) (result i32) (i32.const 64)) (func (export "free") (param i32))
  (func (export "f") (param i32 i32) (result i64) (call $h (local.get 0) (local.get 1)))`;

/** Takes far longer than a millisecond to prepare. */
const LARGE = `(func ${'(drop (i32.add (i32.const 1) (i32.const 2)))'.repeat(2_000)})`.repeat(400);

const code = async (body: () => unknown) => (await errorOf(body)).code;

/** A limit of instances, which the engine sets or the instantiation. */
const ofInstance =
  (
    limits: NonNullable<InstanceOptions['limits']>,
    text: string,
    run: (instance: Instance) => unknown,
    rest = {},
  ): Reach =>
  (lab, place) =>
    code(async () => {
      const engine: EngineOptions = place === 'engine' ? { limits } : {};
      const options: InstanceOptions = place === 'instantiation' ? { limits } : {};
      return run(await lab.instantiate(text, { ...options, ...rest }, engine));
    });

/** A limit of calls, `amount` of which is too little for a guest that does not end. */
const ofEndless =
  (option: 'fuel' | 'timeoutMs', engineOption: 'meteringLimit' | 'timeoutMs', amount: number): Reach =>
  (lab, place) =>
    code(async () => {
      if (place === 'instantiation') return lab.instantiate(SPIN_AT_START, { [option]: amount });
      const instance = await lab.instantiate(SPIN, {}, place === 'engine' ? { [engineOption]: amount } : {});
      return instance.invoke('f', [], place === 'call' ? { [option]: amount } : {});
    });

const REACHED: Readonly<Record<string, Reach>> = {
  meteringLimit: ofEndless('fuel', 'meteringLimit', 100),
  fuel: ofEndless('fuel', 'meteringLimit', 100),
  // Enough for a worker to begin: on v8 that is a part of the instantiation.
  timeoutMs: ofEndless('timeoutMs', 'timeoutMs', 500),
  'limits.compileMs': (lab) => code(() => lab.compile(LARGE, { limits: { compileMs: 1 } })),
  'limits.memoryBytes': ofInstance({ memoryBytes: PAGE }, '(memory 2)', () => {}),
  'limits.tableElements': ofInstance({ tableElements: 1 }, '(table 2 funcref)', () => {}),
  'limits.callDepth': ofInstance({ callDepth: 10 }, '(func $f (export "f") (call $f))', (instance) =>
    instance.invoke('f'),
  ),
  'limits.outputBytes': ofInstance({ outputBytes: 2 }, ECHO, (instance) => instance.call('f', 'abc')),
  'limits.hostCalls': ofInstance(
    { hostCalls: 1 },
    '(import "env" "h" (func $h)) (func (export "f") (call $h) (call $h))',
    (instance) => instance.invoke('f'),
    { imports: { env: { h: () => {} } } },
  ),
  'limits.instances': (lab) =>
    code(async () => {
      const module = await lab.compile('', { limits: { instances: 1 } });
      return [await module.instantiate(), await module.instantiate()];
    }),
  queue: (lab) =>
    code(async () => {
      const instance = await lab.instantiate(SPIN, {}, { queue: 1, threads: 1 });
      const calls = Array.from({ length: 5 }, () => instance.invoke('f', [], { timeoutMs: 500 }));
      void Promise.allSettled(calls);
      // Those that are refused are so at once, long before the first is stopped.
      return Promise.race(calls);
    }),
  threads: async (lab) => {
    expect(await endsFirst(lab, 2)).toBe('short');
    expect(await endsFirst(lab, 1)).toBe('endless');
    return 'further calls wait';
  },
  cacheSize: async (lab) => {
    const [first, second] = [1, 2].map((value) => wat(`(func (result i32) (i32.const ${value}))`));
    const measured = lab.engine();
    await measured.compileCached('first', first!);
    const engine = lab.engine({ cacheSize: Math.floor(measured.cache.stats().bytes * 1.5) });
    await engine.compileCached('first', first!);
    await engine.compileCached('second', second!);
    await engine.compileCached('second', second!);
    await engine.compileCached('first', first!);
    expect(engine.cache.stats()).toMatchObject({ hits: 1, misses: 3, entries: 1 });
    return 'the least recently used are dropped';
  },
  'nesting of calls': async (lab) => {
    let depth = 0;
    let deepest = '';
    const instance = await lab.instantiate(ASK, {
      host: {
        h: async (_, context) => {
          depth += 1;
          await context.call('f', 'x').catch((error) => {
            deepest ||= error.code;
          });
        },
      },
    });
    await instance.call('f', 'x');
    expect(depth).toBe(Number(defaultOf('nesting of calls')));
    return deepest;
  },
};

/** Which of two calls of two instances ends first: one that its deadline ends, or a short one that is made after it. */
async function endsFirst(lab: Lab, threads: number): Promise<'endless' | 'short'> {
  const module = await lab.compile(`${SPIN} (func (export "short"))`, { threads });
  const [one, other] = [await module.instantiate(), await module.instantiate()];
  return Promise.race([
    one.invoke('f', [], { timeoutMs: 500 }).then(
      () => 'endless' as const,
      () => 'endless' as const,
    ),
    other.invoke('short').then(() => 'short' as const),
  ]);
}

const LIMITS = limitRows('option', 'limit');
const CAPS = limitRows('cap');

function defaultOf(name: string): string | undefined {
  return LIMITS.find((row) => row.name === name)?.cells.default;
}

/** Comma-separated names. */
function namesIn(cell: string): string[] {
  return cell.split(', ');
}

test('every row is reached, and nothing else', () => {
  expect(Object.keys(REACHED)).toEqual(LIMITS.map(({ name }) => name));
  expect(COMPLEX.map(([cap]) => cap)).toEqual(CAPS.map(({ name }) => name));
});

onEveryBackend('docs/limits.md', (lab) => {
  const held = LIMITS.filter(({ cells }) => cells.backends === 'all' || namesIn(cells.backends!).includes(lab.backend));

  describe.each(held)('$name', ({ name, cells }) => {
    test.each(namesIn(cells['set on']!) as Place[])('set on: %s', async (place) => {
      const happened = await REACHED[name]!(lab, place);
      expect(cells['at the limit']).toContain(happened);
      if (cells.backends === 'all') lab.record(happened);
    });
  });

  test.each(COMPLEX)('complexity.%s', async (cap, max, text) => {
    const error = await errorOf(() => lab.compile(text, { complexity: { [cap]: max } }));
    expect(lab.record(error.code)).toBe('ERR_MODULE_TOO_COMPLEX');
    expect(error.details).toMatchObject({ cap, max });
  });
});
