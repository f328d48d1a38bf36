// Parts of the v8 backend that need no guest.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backlog } from '../../src/backend/v8/backlog';
import { LruCache } from '../../src/backend/v8/cache';
import { fastAccess, plainAccess } from '../../src/backend/v8/fuel-access';
import { GUEST, METER, RESERVED } from '../../src/backend/v8/names';
import { CallQueue } from '../../src/backend/v8/queue';
import { guestFrames, isStackOverflow, trapKind } from '../../src/backend/v8/trap';
import { createError } from '../../src/errors/error';

describe('names', () => {
  test.each([
    ['types/src/meter', Object.values(METER)],
    ['types/src/abi', Object.values(GUEST).flat()],
    ['prepare/src/reserved', Object.values(RESERVED)],
  ])('are those of crates/%s', (file, names) => {
    const rust = readFileSync(new URL(`../../crates/${file}.rs`, import.meta.url), 'utf8');
    for (const name of names) expect(rust).toContain(`"${name}"`);
  });
});

describe('the cache', () => {
  test('forgets what was used least recently, by bytes', () => {
    const cache = new LruCache<string>(100);
    cache.set('a', 'A', 40);
    cache.set('b', 'B', 40);
    expect(cache.get('a')).toBe('A');
    cache.set('c', 'C', 40);
    expect([cache.get('b'), cache.get('a'), cache.get('c')]).toEqual([undefined, 'A', 'C']);
    expect(cache.stats()).toEqual({ hits: 3, misses: 1, bytes: 80, entries: 2 });
  });

  test('never holds more than its bytes, whatever happens', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.nat(120) });
    fc.assert(
      fc.property(fc.array(step), fc.nat(100), (steps, capacity) => {
        const cache = new LruCache<number>(capacity);
        for (const { key, bytes } of steps) {
          cache.set(key, bytes, bytes);
          expect(cache.stats().bytes).toBeLessThanOrEqual(capacity);
          expect(cache.get(key)).toBe(bytes <= capacity ? bytes : undefined);
        }
        cache.clear();
        expect(cache.stats()).toMatchObject({ bytes: 0, entries: 0 });
      }),
    );
  });
});

describe('access to fuel', () => {
  type Fuel = { value: bigint };
  type Create = new (type: { value: 'i64'; mutable: true }, value: bigint) => Fuel;
  const { Global } = WebAssembly as unknown as { Global: Create };

  test.each([
    ['plain', plainAccess],
    ['fast', fastAccess],
  ])('%s: is exact, also below 0', (_, access) => {
    const global = new Global({ value: 'i64', mutable: true }, 0n);
    const fuel = access(global as never);
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(2 ** 40), (limit, amount) => {
        fuel.set(limit);
        expect(global.value).toBe(BigInt(limit));
        expect(fuel.charge(amount)).toBe(limit - amount);
        expect(fuel.left()).toBe(limit - amount);
        expect(global.value).toBe(BigInt(limit - amount));
      }),
    );
    global.value = -(2n ** 62n) - 1n;
    expect(fuel.left()).toBeLessThan(0);
  });
});

describe('traps', () => {
  // Wordings of V8 from Node 20 to 24.
  test.each([
    ['unreachable', 'unreachable'],
    ['memory access out of bounds', 'memory_out_of_bounds'],
    [
      'WebAssembly.Instance(): data segment 0 is out of bounds (offset 65536, length 3, memory size 65536 bytes)',
      'memory_out_of_bounds',
    ],
    ['data segment out of bounds', 'memory_out_of_bounds'],
    ['table index is out of bounds', 'table_out_of_bounds'],
    ['table access out of bounds', 'table_out_of_bounds'],
    ['WebAssembly.Instance(): table initializer 0: table index is out of bounds', 'table_out_of_bounds'],
    ['element segment out of bounds', 'table_out_of_bounds'],
    ['divide by zero', 'integer_divide_by_zero'],
    ['remainder by zero', 'integer_divide_by_zero'],
    ['divide result unrepresentable', 'integer_overflow'],
    ['float unrepresentable in integer range', 'float_to_integer'],
    ['null function or function signature mismatch', 'indirect_call_mismatch'],
    ['something new', undefined],
  ])('%s', (message, expected) => {
    expect(trapKind(message)).toBe(expected);
  });

  test('frames are the guest functions only', () => {
    const stack = `RuntimeError: unreachable
    at guest.inner (wasm://wasm/guest-00516d5a:wasm-function[3]:0x4d)
    at guest (wasm://wasm/guest-00516d5a:wasm-function[4]:0x50)
    at guest.inner (wasm://wasm/00516d5a:wasm-function[5]:0x51)
    at wasm://wasm/00516d5a:wasm-function[17]:0x99
    at Object.call (/app/index.js:1:2)`;
    expect(guestFrames(stack, 18)).toEqual([3, 0x4d, 'inner', 4, 0x50, null, 5, 0x51, 'guest.inner', 17, 0x99, null]);
    expect(guestFrames(stack, 4)).toEqual([3, 0x4d, 'inner']);
    expect(guestFrames(undefined, 1)).toEqual([]);
  });

  test('names that look like places are names', () => {
    const name = 'f (wasm://wasm/00516d5a:wasm-function[9]:0x1)';
    const stack = `    at ${name} (wasm://wasm/wasm-function[8]:0x2-00516d5a:wasm-function[3]:0x4d)
    at wasm://wasm/wasm-function[8]:0x2-00516d5a:wasm-function[4]`;
    expect(guestFrames(stack, 18)).toEqual([3, 0x4d, name, 4, -1, null]);
  });

  test('long names take no longer than their length', () => {
    for (const part of [
      ' (wasm://wasm/',
      ':wasm-function[1]:0x1)',
      ' (wasm://wasm/a-00516d5a:wasm-function[1]:0x1',
      ' ',
    ])
      expect(guestFrames(`  at ${part.repeat(200_000)} x`, 18)).toEqual([]);
  });

  test('only the end of the stack is a stack overflow', () => {
    const overflow = (): number => overflow() + 1;
    expect(() => overflow()).toThrow(expect.toSatisfy(isStackOverflow));
    expect(isStackOverflow(new RangeError('Invalid array length'))).toBe(false);
  });
});

describe('the queue', () => {
  test('keeps the order and lets the event loop turn between calls', async () => {
    const queue = new CallQueue(new Backlog(100));
    const events: string[] = [];
    setImmediate(() => events.push('immediate'));
    await Promise.all(['a', 'b', 'c'].map((name) => queue.submit(() => events.push(name))));
    expect(events.filter((event) => event !== 'immediate')).toEqual(['a', 'b', 'c']);
    expect(events.indexOf('immediate')).toBeLessThan(events.indexOf('b'));
  });

  test('what a call throws rejects that call only', async () => {
    const queue = new CallQueue(new Backlog(100));
    const failing = queue.submit(() => {
      throw new Error('mine');
    });
    const after = queue.submit(() => 'fine');
    await expect(failing).rejects.toThrow('mine');
    await expect(after).resolves.toBe('fine');
  });

  test('refuses above its bound, and all that waits when told', async () => {
    const queue = new CallQueue(new Backlog(1));
    const waiting = queue.submit(() => 1);
    await expect(queue.submit(() => 2)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL', details: { limit: 1 } });
    queue.refuseAll(() => createError('ERR_ENGINE_CLOSED', 'close', { closed: 'engine' }));
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ENGINE_CLOSED' });
    await expect(queue.submit(() => 3)).resolves.toBe(3);
  });
});
