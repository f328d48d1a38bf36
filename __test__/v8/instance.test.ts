// Corners of the v8 backend: what host functions may do to the instance that waits for them, and what a fallen fallback leaves behind.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Engine, type Instance, type InstanceOptions } from 'aingle-wasm';
import { afterAll, describe, expect, test } from 'vitest';
import { wat } from '../conformance/support/wat';

const engine = new Engine({ backend: 'v8' });
afterAll(() => engine.close());

const GUEST = wat(`
  (import "env" "f" (func $f (param i32) (result i32)))
  (import "aingle_v1" "panic" (func $panic (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "earlier")
  (func (export "bytes") (param i32 i32) (result i64) (drop (call $f (i32.const 1))) (i64.const 0))
  (func (export "call") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "report") (call $panic (i32.const 8) (i32.const 7)))
  (func (export "trap") unreachable)
  (func (export "spin") (loop (br 0)))`);

function make(f: (value: number) => number, options: InstanceOptions = {}): Instance {
  return engine.compileSync(GUEST).instantiateSync({ imports: { env: { f } }, ...options });
}

describe('closing inside a host function', () => {
  test.each(['callSync', 'callRaw', 'exports', 'call'] as const)('%s ends when that function does', async (way) => {
    const instance = make((value) => {
      instance.close();
      expect(instance.state).toBe('closed');
      expect(() => instance.memory.pages).toThrow(expect.objectContaining({ code: 'ERR_INSTANCE_CLOSED' }));
      return value + 1;
    });
    const ways = {
      callSync: () => instance.callSync('bytes'),
      callRaw: () => instance.callRaw('bytes', new Uint8Array(0)),
      exports: () => instance.exports.call!(0),
      call: () => instance.call('bytes'),
    };
    await expect((async () => ways[way]())()).rejects.toMatchObject({ code: 'ERR_INSTANCE_CLOSED' });
    expect(instance.state).toBe('closed');
    expect(instance.fuelUsed).toBeGreaterThan(0n);
  });

  test('gives the place back once', () => {
    const before = engine.stats.instances;
    const instance = make((value) => {
      instance.close();
      return value;
    });
    expect(() => instance.exports.call!(0)).toThrow(expect.objectContaining({ code: 'ERR_INSTANCE_CLOSED' }));
    instance.close();
    expect(engine.stats.instances).toBe(before);
  });
});

test('a panic that was reported and survived is not the next trap', () => {
  const instance = make((value) => value);
  instance.exports.report!();
  expect(() => instance.exports.trap!()).toThrow(expect.objectContaining({ code: 'ERR_TRAP' }));
});

test('a stack that ends inside a host function leaves no host function running', () => {
  const instance = make((value) => (value === 0 ? 0 : deep(value)), { afterTrap: 'keep' });
  const deep = (value: number): number => deep(value) + 1;
  for (let round = 0; round < 100; round++) {
    expect(() => instance.exports.call!(1)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_(HOST_FUNCTION|STACK_OVERFLOW)$/) }),
    );
    expect(instance.state).toBe('idle');
  }
  expect(instance.exports.call!(0)).toBe(0);
});

test('an instance that nobody holds gives its place back', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const other = new Engine({ backend: 'v8' });
  const module = other.compileSync(wat('(memory 1)'));
  for (let index = 0; index < 20; index++) module.instantiateSync();
  for (let round = 0; round < 50 && other.stats.instances > 0; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(other.stats.instances).toBeLessThan(20);
});

test('fuel above 2^53 is counted exactly', () => {
  const instance = make((value) => value);
  instance.exports.call!(0);
  const cost = instance.fuelUsed;
  const large = new Engine({ backend: 'v8', meteringLimit: 'unlimited' });
  const other = large.compileSync(GUEST).instantiateSync({ imports: { env: { f: (value: number) => value } } });
  for (let round = 0; round < 40; round++) {
    other.exports.call!(0);
    expect(other.fuelUsed).toBe(cost);
  }
  expect(large.stats.fuel).toBe(cost * 40n);
});

test('the count does not change when access to it becomes fast', () => {
  const instance = make((value) => value);
  const counts = new Set<bigint>();
  for (let round = 0; round < 100; round++) {
    instance.exports.call!(0);
    counts.add(instance.fuelUsed);
  }
  expect(counts.size).toBe(1);
});

test('calls of bytes wait for their turn between timers', async () => {
  const instance = make((value) => value);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 0);
  const calls = Array.from({ length: 50 }, () =>
    instance.call('bytes').then(() => new Promise((resolve) => setTimeout(resolve, 1))),
  );
  await Promise.all(calls);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
});
