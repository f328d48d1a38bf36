// What host functions may do while their guest waits: promise, call the guest again, end its call.
import { type HostContext, hostFunction, type Instance, type InstanceOptions } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf, outcomeOf } from './support/outcome';

/** `outer` asks the host once; `inner` answers with its input; `deeper` asks the host as well. */
const GUEST = `
  (import "env" "ask" (func $ask (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (func (export "malloc") (param i32) (result i32) (local $at i32)
    (local.set $at (global.get $top)) (global.set $top (i32.add (global.get $top) (local.get 0))) (local.get $at))
  (func (export "free") (param i32))
  (func $echo (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "outer") (param i32 i32) (result i64) (call $ask (local.get 0) (local.get 1)))
  (func (export "inner") (param i32 i32) (result i64) (call $echo (local.get 0) (local.get 1)))
  (func (export "trap") (param i32 i32) (result i64) unreachable)
  (func (export "spin") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))`;

type Ask = (input: { text(): string }, context: HostContext) => unknown;

function make(lab: Lab, ask: Ask, options: InstanceOptions = {}): Promise<Instance> {
  return lab.instantiate(GUEST, { abi: 'bytes', host: { ask: ask as never }, ...options });
}

/** An object with a `then` of its own. */
function thenable(then: (resolve: (value: string) => void) => void): unknown {
  return Object.defineProperty({}, 'then', { value: then });
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

onEveryBackend('promises of host functions', (lab) => {
  test('the guest sees a plain call', async () => {
    const instance = await make(lab, async (input) => {
      await tick();
      return `${input.text()}!`;
    });
    const result = await instance.call('outer', 'Ada');
    expect(lab.record(result.text())).toBe('Ada!');
    expect(result.receipt).toMatchObject({ hostCalls: 1, bytesIn: 3, bytesOut: 4 });
    expect(result.receipt.hostMs).toBeLessThanOrEqual(result.receipt.wallMs);
  });

  test('of core values too', async () => {
    const give = async () => 7n;
    const text = '(import "env" "give" (func $give (result i64))) (func (export "take") (result i64) (call $give))';
    const instance = await lab.instantiate(text, { imports: { env: { give } } });
    expect(lab.record(await instance.invoke('take'))).toEqual([7n]);
  });

  test('what they reject with is the cause', async () => {
    const reason = Symbol('reason');
    const instance = await make(lab, () => Promise.reject(reason));
    const error = await errorOf(() => instance.call('outer', ''));
    expect(error).toMatchObject({ code: 'ERR_HOST_FUNCTION', details: { name: 'ask' } });
    expect(error.cause).toBe(reason);
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test.each([
    [
      'settles twice',
      () =>
        thenable((resolve) => {
          resolve('a');
          resolve('b');
        }),
    ],
    [
      'throws after it settled',
      () =>
        thenable((resolve) => {
          resolve('a');
          throw new Error('late');
        }),
    ],
    ['is nested in another', () => Promise.resolve(thenable((resolve) => resolve('a')))],
  ])('a thenable that %s is a promise like any other', async (_, ask) => {
    const instance = await make(lab, ask);
    expect(lab.record((await instance.call('outer', '')).text())).toBe('a');
  });

  test('a thenable whose then throws ends the call', async () => {
    const reason = new Error('no then');
    const thenable = () =>
      Object.defineProperty({}, 'then', {
        get: () => {
          throw reason;
        },
      });
    const instance = await make(lab, thenable);
    expect((await errorOf(() => instance.call('outer', ''))).cause).toBe(reason);
    lab.record(instance.state);
  });

  test('the start function may wait for one', async () => {
    const f = async () => void (await tick());
    const text =
      '(import "env" "f" (func $f)) (global $n (mut i32) (i32.const 0)) (func $start (call $f) (global.set $n (i32.const 3))) (start $start) (func (export "n") (result i32) (global.get $n))';
    const instance = await lab.instantiate(text, { imports: { env: { f } } });
    expect(lab.record(instance.exports.n!())).toBe(3);
  });

  test('memory and fuel can be used until they settle, not after', async () => {
    let late: HostContext | undefined;
    const instance = await make(lab, async (_input, context) => {
      late = context;
      await tick();
      context.charge(100);
      context.instance.memory.write(0, Uint8Array.of(9));
      return context.instance.memory.read(0, 1);
    });
    const { bytes, fuelUsed } = await instance.call('outer', '');
    expect(lab.record([...bytes, fuelUsed > 100n])).toEqual([9, true]);
    expect(() => late!.charge(1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

onEveryBackend('calls of the guest that waits', (lab) => {
  test('share its fuel and its memory', async () => {
    const instance = await make(lab, async (input, context) => {
      const before = context.fuelLeft;
      const inner = await context.call('inner', `<${input.text()}>`);
      expect(before - context.fuelLeft).toBe(inner.fuelUsed);
      expect(context.instance.state).toBe('host');
      return inner.bytes;
    });
    const result = await instance.call('outer', 'x');
    expect(lab.record([result.text(), result.fuelUsed])).toEqual(['<x>', expect.any(BigInt)]);
    expect(instance.stats.calls).toBe(1);
  });

  test('may be nested, up to a depth', async () => {
    const codes: string[] = [];
    const instance = await make(lab, async (input, context) => {
      const depth = Number(input.text());
      try {
        return (await context.call('outer', String(depth + 1))).bytes;
      } catch (error) {
        codes.push((error as { code: string }).code);
        return String(depth);
      }
    });
    const deepest = Number((await instance.call('outer', '0')).text());
    expect(codes).toEqual(['ERR_CALL_DEPTH']);
    expect(deepest).toBe(16);
    expect(instance.state).toBe('idle');
    lab.record(codes);
  });

  test('an error of the guest’s own is told, and the outer call goes on', async () => {
    const instance = await make(lab, async (_input, context) => {
      const outcome = await outcomeOf(() => context.call('nothing'));
      return (outcome as { code: string }).code;
    });
    expect(lab.record((await instance.call('outer', '')).text())).toBe('ERR_EXPORT_NOT_FOUND');
  });

  test('a trap ends the outer call as well', async () => {
    const instance = await make(lab, async (_input, context) => {
      await context.call('trap').catch(() => {});
      return 'survived';
    });
    const error = await errorOf(() => instance.call('outer', ''));
    expect(lab.record([error.code, instance.state])).toEqual(['ERR_TRAP', 'poisoned']);
  });

  test('the deadline and the fuel of the outer call hold', async () => {
    const ask: Ask = async (_input, context) => (await context.call('spin')).bytes;
    const slow = await make(lab, ask);
    expect(await errorOf(() => slow.call('outer', '', { timeoutMs: 50 }))).toMatchObject({ code: 'ERR_TIMEOUT' });
    const poor = await make(lab, ask);
    expect(await errorOf(() => poor.call('outer', '', { fuel: 100_000 }))).toMatchObject({
      code: 'ERR_FUEL_EXHAUSTED',
    });
    expect(lab.record([slow.state, poor.state])).toEqual(['poisoned', 'poisoned']);
  });

  test('are refused from a synchronous call, and otherwise by the instance', async () => {
    const codes: unknown[] = [];
    const note = (error: { code: string }) => void codes.push(error.code);
    const instance: Instance = await make(lab, (_input, context) => {
      context.call('inner', 'x').catch(note);
      return 'x';
    });
    instance.callSync('outer', '');
    await tick();
    expect(lab.record(codes)).toEqual(['ERR_ASYNC_HOST_IN_SYNC']);
  });

  test('another instance may be called and waited for', async () => {
    const other = await make(lab, () => 'unused');
    const instance = await make(lab, async () => (await other.call('inner', 'other')).bytes);
    expect(lab.record((await instance.call('outer', '')).text())).toBe('other');
  });
});

onEveryBackend('terminate', (lab) => {
  test.each(['call', 'callSync', 'callRaw'] as const)('ends %s with its value', async (way) => {
    const instance = await make(lab, (_input, context) => context.terminate('early'));
    const given = await (way === 'callRaw' ? instance.callRaw('outer', new Uint8Array(0)) : instance[way]('outer', ''));
    expect(Buffer.from(given instanceof Uint8Array ? given : given.bytes).toString()).toBe('early');
    expect(lab.record(instance.state)).toBe('poisoned');
  });

  test('ends invoke, and a promise may do it', async () => {
    const stop = hostFunction(async (context) => context.terminate('late'), { context: true });
    const text = '(import "env" "stop" (func $stop)) (func (export "run") (result i32) (call $stop) (i32.const 1))';
    const instance = await lab.instantiate(text, { imports: { env: { stop } }, afterTrap: 'keep' });
    const [value] = await instance.invoke('run');
    expect(Buffer.from(value as never).toString()).toBe('late');
    expect(lab.record(instance.state)).toBe('idle');
  });

  test('leaves a receipt', async () => {
    const instance = await make(lab, (_input, context) => context.terminate(Uint8Array.of(1, 2)));
    const { receipt } = await instance.call('outer', 'abc');
    expect(lab.record([receipt.bytesIn, receipt.bytesOut, receipt.hostCalls])).toEqual([3, 2, 1]);
  });
});
