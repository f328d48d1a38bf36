// Host functions that misbehave: whatever they throw, return or do meanwhile, the call ends with the right code, and others go on.
import type { Engine, HostContext, HostInput, Instance, InstanceOptions } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { relay } from './support/relay';
import { THROWN } from './support/thrown';
import { wat } from './support/wat';

/** Hands bytes and numbers to the host and returns what came back. */
const GUEST = relay(
  '(import "env" "give" (func $give (result i32)))',
  '(func (export "take") (result i32) (call $give))',
);

type Serve = (input: HostInput, context: HostContext) => unknown;

/** Both host functions of the guest do the same. */
function doing(body: () => unknown): InstanceOptions {
  return { host: { serve: body as never }, imports: { env: { give: body } } };
}

function serving(serve: Serve): InstanceOptions {
  return { host: { serve: serve as never }, imports: { env: { give: () => 0 } } };
}

const SYNC: Readonly<Record<string, (instance: Instance) => unknown>> = {
  exports: (instance) => instance.exports.take!(),
  callSync: (instance) => instance.callSync('relay', 'x'),
  callRaw: (instance) => instance.callRaw('relay', Uint8Array.of(1)),
};

const ASYNC: Readonly<Record<string, (instance: Instance) => unknown>> = {
  invoke: (instance) => instance.invoke('take'),
  call: (instance) => instance.call('relay', 'x'),
};

/** How a host function fails with a thing, and the calls in which it can. */
const FAILING: Readonly<Record<string, readonly [(thing: unknown) => () => unknown, typeof SYNC]>> = {
  throwing: [
    (thing) => () => {
      throw thing;
    },
    { ...SYNC, ...ASYNC },
  ],
  rejecting: [(thing) => () => Promise.reject(thing), ASYNC],
  'rejecting later': [
    (thing) => async () => {
      await new Promise(setImmediate);
      throw thing;
    },
    ASYNC,
  ],
};

/** Thenables that break the rules of promises; the first thing that they do counts. */
const THENABLES: readonly (readonly [
  string,
  (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => unknown,
  string,
])[] = [
  ['resolves twice', (resolve) => [resolve('1'), resolve('2')], '1'],
  ['resolves, then rejects', (resolve, reject) => [resolve('1'), reject('2')], '1'],
  ['rejects, then resolves', (resolve, reject) => [reject('1'), resolve('2')], 'ERR_HOST_FUNCTION'],
  [
    'resolves, then throws',
    (resolve) => {
      resolve('1');
      throw new Error('ignored');
    },
    '1',
  ],
  [
    'throws',
    () => {
      throw new Error('at once');
    },
    'ERR_HOST_FUNCTION',
  ],
  // biome-ignore lint/suspicious/noThenProperty: that is the point
  ['resolves with another', (resolve) => resolve({ then: (again: (value: unknown) => void) => again('1') }), '1'],
  ['settles long after, twice', (resolve) => setTimeout(() => [resolve('1'), resolve('2')], 5), '1'],
  ['never settles', () => {}, 'ERR_TIMEOUT'],
];

onEveryBackend('host functions that fail', (lab) => {
  test.each(THROWN)('with %s', async (_, make) => {
    const module = await lab.compile(GUEST);
    for (const [failing, [body, calls]] of Object.entries(FAILING)) {
      for (const [way, call] of Object.entries(calls)) {
        const thing = make();
        const instance = await module.instantiate(doing(body(thing)));
        const error = await errorOf(() => call(instance));
        if (!Object.is(error.cause, thing)) expect.fail(`${failing}, ${way}: the cause is another`);
        expect('cause' in error, `${failing}, ${way}`).toBe(true);
        lab.record([error.code, error.message, instance.state]);
        expect([failing, way, error.code, instance.state]).toEqual([failing, way, 'ERR_HOST_FUNCTION', 'poisoned']);
      }
    }
  });

  test.each(THENABLES)('or not: a thenable that %s', async (_, then, expected) => {
    const module = await lab.compile(GUEST);
    const instance = await module.instantiate(doing(() => ({ then })));
    const ended = await instance.call('relay', 'x', { timeoutMs: expected === 'ERR_TIMEOUT' ? 50 : 10_000 }).then(
      (result) => result.text(),
      ({ code }) => code,
    );
    expect(lab.record(ended)).toBe(expected);
    const other = await module.instantiate(serving(({ text }) => text));
    expect(other.state).toBe('idle');
  });

  test.each([
    [
      'throws when it is read',
      {
        get: () => {
          throw new Error('no');
        },
      },
    ],
    [
      'is a thenable only once',
      {
        get: (() => {
          let reads = 0;
          return () => (reads++ === 0 ? (resolve: (value: string) => void) => resolve('1') : undefined);
        })(),
      },
    ],
  ] as const)('or not: a result whose `then` %s', async (_, property) => {
    const instance = await lab.instantiate(
      GUEST,
      doing(() => Object.defineProperty({}, 'then', property)),
    );
    const ended = await instance.call('relay', 'x').then(
      (result) => result.text(),
      ({ code }) => code,
    );
    lab.record([ended, instance.state]);
    expect(['1', 'ERR_HOST_FUNCTION']).toContain(ended);
  });
});

onEveryBackend('host functions that meddle', (lab) => {
  test.each(Object.entries({ ...SYNC, ...ASYNC }))('by closing their own instance, in %s', async (_, call) => {
    const instance: Instance = await lab.instantiate(
      GUEST,
      doing(() => instance.close()),
    );
    expect(await lab.observe(instance, () => call(instance))).toMatchObject({
      code: 'ERR_INSTANCE_CLOSED',
      state: 'closed',
    });
  });

  test.each(Object.entries({ ...SYNC, ...ASYNC }))('by closing the engine, in %s', async (_, call) => {
    const engine: Engine = lab.engine();
    let closing: Promise<void> | undefined;
    const close = () => {
      closing = engine.close();
    };
    const instance = await (await engine.compile(wat(GUEST))).instantiate(doing(close));
    expect(lab.record((await errorOf(() => call(instance))).code)).toBe('ERR_ENGINE_CLOSED');
    await closing;
    expect(lab.record((await errorOf(() => instance.callSync('relay', 'x'))).code)).toBe('ERR_ENGINE_CLOSED');
  });

  test('by waiting for the engine to close, which waits for them', async () => {
    const engine: Engine = lab.engine();
    const serve = async () => {
      await engine.close();
      return 'closed';
    };
    const instance = await (await engine.compile(wat(GUEST))).instantiate(serving(serve));
    expect(lab.record((await errorOf(() => instance.call('relay', 'x'))).code)).toBe('ERR_ENGINE_CLOSED');
  });

  test('by taking their input away', async () => {
    const serve: Serve = (input) => {
      const bytes = structuredClone(input.bytes, { transfer: [input.bytes.buffer as ArrayBuffer] });
      expect(input.bytes).toHaveLength(0);
      return bytes;
    };
    const instance = await lab.instantiate(GUEST, serving(serve));
    for (let round = 0; round < 3; round++) {
      expect(instance.callSync('relay', 'sync').text()).toBe('sync');
      expect((await instance.call('relay', 'async')).text()).toBe('async');
      expect(Buffer.from(instance.callRaw('relay', Buffer.from('raw'))).toString()).toBe('raw');
    }
    expect(lab.record(instance.state)).toBe('idle');
  });

  test('by taking away what they returned, once it is returned', async () => {
    const reply = new Uint8Array(1_000).fill(7);
    const serve: Serve = () => {
      queueMicrotask(() => structuredClone(reply, { transfer: [reply.buffer] }));
      return reply;
    };
    const instance = await lab.instantiate(GUEST, serving(serve));
    const { bytes } = await instance.call('relay', 'x');
    expect(Buffer.alloc(1_000, 7).equals(bytes)).toBe(true);
  });

  test('by returning bytes that are gone', async () => {
    const gone = new Uint8Array(8);
    structuredClone(gone, { transfer: [gone.buffer] });
    const instance = await lab.instantiate(
      GUEST,
      serving(() => gone),
    );
    expect((await instance.call('relay', 'x')).bytes).toHaveLength(0);
    expect(lab.record(instance.callSync('relay', 'x').bytes.length)).toBe(0);
  });

  test('by growing the memory of their guest', async () => {
    const serve: Serve = ({ bytes }, { instance }) => {
      instance.memory.grow(1);
      instance.memory.write(instance.memory.pages * 65_536 - 1, Uint8Array.of(1));
      return bytes;
    };
    const instance = await lab.instantiate(GUEST, serving(serve));
    for (let round = 0; round < 10; round++) {
      expect(instance.callSync('relay', 'sync').text()).toBe('sync');
      expect((await instance.call('relay', 'async')).text()).toBe('async');
    }
    expect(lab.record(instance.memory.pages)).toBe(22);
  });

  test.each([
    ['context.terminate', (_: HostInput, context: HostContext) => context.terminate('x')],
    ['ERR_ASYNC_HOST_IN_SYNC', async () => 'x'],
    [
      'ERR_HOST_FUNCTION',
      () => {
        throw new Error('no');
      },
    ],
  ] as [string, Serve][])('and poison with %s say so to the next call', async (reason, serve) => {
    const instance = await lab.instantiate(GUEST, serving(serve));
    await Promise.allSettled([(async () => instance.callSync('relay', 'x'))()]);
    const error = await errorOf(() => instance.callSync('relay', 'x'));
    lab.record([error.code, error.details, error.message]);
    expect(error).toMatchObject({ code: 'ERR_INSTANCE_POISONED', details: { reason } });
  });
});
