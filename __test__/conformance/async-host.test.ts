// Host functions that return promises: the guest sees plain calls, and what it waits for never holds up the others.
import type { HostContext, Instance, InstanceOptions } from 'aingle-wasm';
import { hostFunction } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

/** A guest of the envelope convention that hands its work to the host, and can be called back meanwhile. */
const GUEST = `
  (import "env" "serve" (func $serve (param i32 i32) (result i64)))
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 1024))
  (func (export "__aingle_guest_allocate") (param i32) (result i32)
    (global.get $top)
    (global.set $top (i32.and (i32.add (i32.add (global.get $top) (local.get 0)) (i32.const 7)) (i32.const -8))))
  (func (export "__aingle_guest_reset_arena") (global.set $top (i32.const 1024)))
  (func (export "__aingle_guest_mark") (result i32) (global.get $top))
  (func (export "__aingle_guest_release") (param i32) (global.set $top (local.get 0)))
  (func (export "down") (param i32 i32) (result i64) (call $serve (local.get 0) (local.get 1)))
  (func (export "twice") (param i32 i32) (result i64)
    (drop (call $serve (local.get 0) (local.get 1))) (call $serve (local.get 0) (local.get 1)))
  (func (export "echo") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "trap") (param i32 i32) (result i64) unreachable)
  (func (export "sum") (param i32 i32) (result i32) (i32.add (call $add (local.get 0) (local.get 1)) (i32.const 1)))
  (func (export "top") (result i32) (global.get $top))`;

type Serve = (input: { bytes: Uint8Array; text(): string }, context: HostContext) => unknown;

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const later = (ms = 1) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Options of an instance whose host functions are these. */
function host(serve: Serve, add: unknown = () => 0): InstanceOptions {
  return { host: { serve: serve as never }, imports: { env: { add: add as never } } };
}

/** Every way to call on the caller's thread. */
const SYNC: [string, (instance: Instance) => unknown][] = [
  ['callSync', (instance) => instance.callSync('down', 'x')],
  ['callRaw', (instance) => instance.callRaw('down', Uint8Array.of(1))],
  ['exports', (instance) => instance.exports.sum!(1, 2)],
];

onEveryBackend('host functions that return promises', (lab) => {
  test('serve bytes and core values', async () => {
    const serve: Serve = async (input) => {
      await later();
      return `served ${input.text()}`;
    };
    const add = async (a: number, b: number) => {
      await later();
      return a + b;
    };
    const instance = await lab.instantiate(GUEST, host(serve, add));
    expect((await instance.call('down', 'this')).text()).toBe('served this');
    expect((await instance.call('twice', 'that')).text()).toBe('served that');
    expect(await lab.observe(instance, () => instance.invoke('sum', [20, 21]))).toMatchObject({ value: [42] });
  });

  test('that reject end the call with the reason as the cause', async () => {
    const reason = { not: 'an error' };
    const serve: Serve = async () => {
      await later();
      throw reason;
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    const error = await errorOf(() => instance.call('down', 'x'));
    expect(error).toMatchObject({ code: 'ERR_HOST_FUNCTION', cause: reason });
    expect(error.cause).toBe(reason);
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test.each([
    ['nothing', undefined],
    ['a number', 7],
    ['an object', {}],
  ])('resolving with %s is checked as a result is', async (_, value) => {
    const instance = await lab.instantiate(
      GUEST,
      host(async () => value),
    );
    await lab.observe(instance, () => instance.call('down', 'x'));
    const numbers = await lab.instantiate(
      GUEST,
      host(
        () => '',
        async () => value,
      ),
    );
    await lab.observe(numbers, () => numbers.invoke('sum', [1, 2]));
  });

  test.each(SYNC)('are refused in %s', async (_, call) => {
    const instance = await lab.instantiate(
      GUEST,
      host(
        async () => 'late',
        async () => 1,
      ),
    );
    expect(await lab.observe(instance, () => call(instance))).toMatchObject({
      code: 'ERR_ASYNC_HOST_IN_SYNC',
      state: 'poisoned',
    });
  });

  test('leave room in the pool: many more guests wait than there are threads', async () => {
    const engine = lab.engine({ threads: 1 });
    const module = await engine.compile(wat(GUEST));
    const { promise: gate, resolve: open } = withResolvers<void>();
    let waiting = 0;
    const serve: Serve = async (input) => {
      waiting += 1;
      if (waiting === 12) open();
      await gate;
      return input.text();
    };
    const instances = await Promise.all(Array.from({ length: 12 }, () => module.instantiate(host(serve))));
    const results = await Promise.all(instances.map((instance, i) => instance.call('down', `${i}`)));
    expect(results.map((result) => result.text())).toEqual(instances.map((_, i) => `${i}`));
  });

  test('let others use the memory of the guest that waits', async () => {
    const { promise: answer, resolve: resume } = withResolvers<string>();
    const { promise: reached, resolve: reach } = withResolvers<void>();
    const serve: Serve = () => {
      reach();
      return answer;
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    const running = instance.call('down', 'x');
    await reached;
    expect(instance.state).toBe('host');
    instance.memory.write(9, Uint8Array.of(7));
    expect(instance.memory.read(9, 1)).toEqual(Uint8Array.of(7));
    expect(await lab.observe(undefined, () => instance.callSync('echo', 'x'))).toMatchObject({
      code: 'ERR_INSTANCE_BUSY',
    });
    resume('go');
    expect((await running).text()).toBe('go');
  });

  test('can charge, see the fuel and the data of their call until they have answered', async () => {
    let kept: HostContext | undefined;
    const serve: Serve = async (_, context) => {
      kept = context;
      await later();
      const before = context.fuelLeft;
      context.charge(1_000n);
      expect(before - context.fuelLeft).toBe(1_000n);
      return JSON.stringify(context.data);
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    const result = await instance.call('down', 'x', { data: { tenant: 5 }, fuel: 100_000n });
    expect(result.json()).toEqual({ tenant: 5 });
    lab.record(result.fuelUsed);
    expect(kept!.fuelLeft).toBe(0n);
    expect(await lab.observe(undefined, () => kept!.charge(1))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    const tooLate = await errorOf(() => kept!.call('echo', 'x'));
    expect(lab.record([tooLate.code, tooLate.message])).toEqual([
      'ERR_INVALID_ARG_VALUE',
      'name is invalid: received "echo"; the guest can be called only until the host function returns.',
    ]);
  });

  test('that charge more than there is end the call', async () => {
    const serve: Serve = async (_, context) => {
      await later();
      try {
        context.charge(1n << 40n);
      } catch {
        return 'caught';
      }
      return 'not thrown';
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    expect(await lab.observe(instance, () => instance.call('down', 'x', { fuel: 10_000n }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      state: 'poisoned',
    });
  });

  test('learn by their signal that the call was stopped', async () => {
    const reasons: unknown[] = [];
    const { promise: reached, resolve: listening } = withResolvers<void>();
    const serve: Serve = (_, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      listening();
      return new Promise(() => {});
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    const controller = new AbortController();
    const running = errorOf(() => instance.call('down', 'x', { signal: controller.signal }));
    await reached;
    controller.abort('enough');
    expect(await running).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
    expect(reasons).toEqual(['enough']);
  });

  test('that answer too late hit nothing', async () => {
    const controller = new AbortController();
    const answers: (() => void)[] = [];
    const serve: Serve = () => {
      setTimeout(() => controller.abort());
      return new Promise<string>((resolve) => answers.push(() => resolve('late')));
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    await errorOf(() => instance.call('down', 'x', { signal: controller.signal }));
    const other = await lab.instantiate(
      GUEST,
      host(async () => 'fresh'),
    );
    const running = other.call('down', 'x');
    for (const answer of answers) answer();
    expect((await running).text()).toBe('fresh');
    expect(await lab.observe(instance, () => instance.call('down', 'x'))).toMatchObject({
      code: 'ERR_INSTANCE_POISONED',
    });
  });
});

onEveryBackend('calls back into a guest that waits', (lab) => {
  test('have memory, results and a receipt of their own', async () => {
    const seen: string[] = [];
    const serve: Serve = async (input, context) => {
      const nested = await context.call('echo', `again ${input.text()}`);
      seen.push(nested.text());
      expect(nested.receipt.fuelUsed).toBeGreaterThan(0n);
      return `${nested.text()}!`;
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    const result = await instance.call('twice', 'hello');
    expect(result.text()).toBe('again hello!');
    expect(seen).toEqual(['again hello', 'again hello']);
    lab.record(result.fuelUsed);
    expect(instance.exports.top!()).toBe(1_024);
  });

  test('leave the guest waiting as before, at once', async () => {
    const seen = new Set<unknown>();
    const serve: Serve = async (_, context) => {
      for (let round = 0; round < 500; round++) {
        await context.call('echo', 'x');
        seen.add(context.instance.state);
        seen.add(context.instance.memory.read(0, 1).length);
        seen.add(context.fuelLeft > 0n);
        context.charge(1);
      }
      return '';
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    await instance.call('down', 'x');
    expect(lab.record([...seen])).toEqual(['host', 1, true]);
  });

  test('are the only way back: others are refused', async () => {
    const codes: unknown[] = [];
    let own: Instance;
    const serve: Serve = async () => {
      for (const attempt of [() => own.callSync('echo', 'x'), () => own.exports.top!()]) {
        codes.push((await errorOf(attempt)).code);
      }
      return '';
    };
    own = await lab.instantiate(GUEST, host(serve));
    await own.call('down', 'x');
    expect(codes).toEqual(['ERR_INSTANCE_BUSY', 'ERR_INSTANCE_BUSY']);
  });

  test('end at a depth of 16', async () => {
    const codes: string[] = [];
    const serve: Serve = async (_, context) => {
      try {
        return (await context.call('down', 'x')).text();
      } catch (error) {
        codes.push((error as { code: string }).code);
        return 'deep enough';
      }
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    expect((await instance.call('down', 'x')).text()).toBe('deep enough');
    expect(lab.record(codes)).toEqual(['ERR_CALL_DEPTH']);
    lab.record(instance.fuelUsed);
  });

  test('that fail tell the host function why', async () => {
    const codes: string[] = [];
    const serve: Serve = async (_, context) => {
      codes.push((await errorOf(() => context.call('nowhere', 'x'))).code);
      return 'went on';
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    expect((await instance.call('down', 'x')).text()).toBe('went on');
    expect(lab.record(codes)).toEqual(['ERR_EXPORT_NOT_FOUND']);
  });

  test('that trap take all fuel of the waiting call with them', async () => {
    const serve: Serve = async (_, context) => {
      expect((await errorOf(() => context.call('trap', 'x'))).code).toBe('ERR_TRAP');
      expect(context.fuelLeft).toBe(0n);
      return '';
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    expect(await lab.observe(instance, () => instance.call('down', 'x'))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
      state: 'poisoned',
    });
  });

  test.each(SYNC.slice(0, 2))('are refused in %s', async (_, call) => {
    let refused: Promise<Error & { code: string }> | undefined;
    const serve: Serve = (_input, context) => {
      refused = errorOf(() => context.call('echo', 'x'));
      return '';
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    call(instance);
    expect((await refused!).code).toBe('ERR_ASYNC_HOST_IN_SYNC');
  });
});

onEveryBackend('host functions that terminate', (lab) => {
  const terminating = host(
    (_, context) => context.terminate('done'),
    hostFunction((_a: number, _b: number, context: HostContext) => context.terminate(Uint8Array.of(1, 2)), {
      context: true,
    }),
  );

  test.each([
    ['call', async (instance: Instance) => (await instance.call('down', 'x')).text(), 'done'],
    ['callSync', (instance: Instance) => instance.callSync('down', 'x').text(), 'done'],
    ['callRaw', (instance: Instance) => new TextDecoder().decode(instance.callRaw('down', Uint8Array.of(1))), 'done'],
    ['invoke', (instance: Instance) => instance.invoke('sum', [1, 2]), [Uint8Array.of(1, 2)]],
    ['exports', (instance: Instance) => instance.exports.sum!(1, 2), Uint8Array.of(1, 2)],
  ] as const)('end %s with their value and poison the instance', async (_, call, value) => {
    const instance = await lab.instantiate(GUEST, terminating);
    expect(await call(instance)).toEqual(value);
    expect(instance.state).toBe('poisoned');
  });

  test('keep it usable with afterTrap: keep, and say that the count is a lower bound', async () => {
    const instance = await lab.instantiate(GUEST, { ...terminating, afterTrap: 'keep' });
    const { receipt } = await instance.call('down', 'x');
    expect(receipt).toMatchObject({ fuelExact: false, hostCalls: 1 });
    expect(instance.callSync('down', 'x').receipt.fuelExact).toBe(false);
    expect((await instance.call('echo', 'still here')).text()).toBe('still here');
  });

  test('after a wait, too', async () => {
    const serve: Serve = async (_, context) => {
      await later();
      return context.terminate();
    };
    const instance = await lab.instantiate(GUEST, host(serve));
    expect((await instance.call('down', 'x')).bytes).toEqual(new Uint8Array(0));
  });

  test('in a start function leave no instance', async () => {
    const stop = hostFunction((context: HostContext) => context.terminate(), { context: true });
    const module = await lab.compile('(import "env" "stop" (func $stop)) (start $stop)');
    expect(await lab.observe(undefined, () => module.instantiate({ imports: { env: { stop } } }))).toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});
