// Host functions of bytes: the guest kit's `call_host!` in the envelope ABI, bare bytes in the other.
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { relay } from './support/relay';

/** Hands its input to the host and returns what came back, by the bytes ABI. */
const RELAY = relay(
  '',
  '(func (export "wild") (param i32 i32) (result i64) (call $serve (i32.const -16) (i32.const 32)))',
);

onEveryBackend('host functions of bytes', (lab) => {
  test('get the bytes and return bytes, text or nothing', async () => {
    const replies: readonly (readonly [unknown, string])[] = [
      [Uint8Array.of(65, 66), 'AB'],
      [Buffer.from('buffer'), 'buffer'],
      ['text ü', 'text ü'],
      ['', ''],
      [undefined, ''],
    ];
    let reply: unknown;
    const seen: string[] = [];
    const serve = (input: { bytes: Uint8Array; text(): string }) => {
      seen.push(input.text());
      expect(input.bytes).toBeInstanceOf(Uint8Array);
      return reply as string;
    };
    const instance = await lab.instantiate(RELAY, { host: { serve } });
    for (const [given, expected] of replies) {
      reply = given;
      expect(instance.callSync('relay', `in ${expected}`).text()).toBe(expected);
      expect((await instance.call('relay', `in ${expected}`)).text()).toBe(expected);
    }
    expect(lab.record(seen)).toEqual(replies.flatMap(([, expected]) => [`in ${expected}`, `in ${expected}`]));
    expect(lab.record(instance.fuelUsed)).toBeGreaterThan(0n);
  });

  test('a receipt counts their calls', async () => {
    const instance = await lab.instantiate(RELAY, { host: { serve: ({ bytes }) => bytes } });
    const { receipt } = await instance.call('relay', 'x');
    expect(receipt.hostCalls).toBe(1);
    expect(receipt.hostMs).toBeGreaterThanOrEqual(0);
    expect(receipt.hostMs).toBeLessThanOrEqual(receipt.wallMs);
  });

  test('the input is a copy: changing it changes nothing in the guest', async () => {
    let kept: Uint8Array = new Uint8Array(0);
    const serve = ({ bytes }: { bytes: Uint8Array }) => {
      kept = bytes;
      const copy = bytes.slice();
      bytes.fill(0);
      return copy;
    };
    const instance = await lab.instantiate(RELAY, { host: { serve } });
    expect(instance.callSync('relay', 'abc').text()).toBe('abc');
    instance.callSync('relay', 'xyz');
    expect(kept).toEqual(new Uint8Array(3));
  });

  test.each([
    ['a number', 1],
    ['an object', {}],
    ['an array', [1]],
    ['a DataView', new DataView(new ArrayBuffer(2))],
  ])('a reply that is %s is refused', async (_, reply) => {
    const instance = await lab.instantiate(RELAY, { host: { serve: () => reply as unknown as string } });
    expect(await lab.observe(instance, () => instance.callSync('relay', 'x'))).toMatchObject({
      code: 'ERR_HOST_FUNCTION',
      state: 'poisoned',
    });
  });

  test('what it throws is the cause', async () => {
    const thrown = { any: 'thing' };
    for (const sync of [true, false]) {
      const instance = await lab.instantiate(RELAY, {
        host: {
          serve: () => {
            throw thrown;
          },
        },
      });
      const error = await errorOf(() => (sync ? instance.callSync('relay', 'x') : instance.call('relay', 'x')));
      expect(lab.record(error.code)).toBe('ERR_HOST_FUNCTION');
      expect(error.cause).toBe(thrown);
    }
  });

  test('a promise is refused', async () => {
    const instance = await lab.instantiate(RELAY, { host: { serve: (async () => 'x') as unknown as () => string } });
    expect(await lab.observe(instance, () => instance.callRaw('relay', Uint8Array.of(1)))).toMatchObject({
      code: 'ERR_ASYNC_HOST_IN_SYNC',
    });
  });

  test('a pointer outside the guest’s memory stops the guest before the function runs', async () => {
    let calls = 0;
    const instance = await lab.instantiate(RELAY, { host: { serve: () => void calls++ } });
    expect(await lab.observe(instance, () => instance.callSync('wild', 'x'))).toMatchObject({
      code: 'ERR_GUEST_POINTER',
      phase: 'host',
      state: 'poisoned',
    });
    expect(calls).toBe(0);
  });

  test('a reply for which the guest has no room stops it', async () => {
    const instance = await lab.instantiate(RELAY, { host: { serve: () => new Uint8Array(200_000) } });
    expect(await lab.observe(instance, () => instance.callSync('relay', 'x'))).toMatchObject({
      code: 'ERR_GUEST_POINTER',
      phase: 'host',
    });
  });

  test('the context says whose call it is', async () => {
    const notes: unknown[] = [];
    const serve = (
      _: unknown,
      context: { data: unknown; instance: unknown; fuelLeft: bigint; charge(n: number): void },
    ) => {
      notes.push(context.data, context.instance === instance, typeof context.fuelLeft);
      context.charge(1_000);
    };
    const instance = await lab.instantiate(RELAY, { host: { serve }, data: 1 });
    const before = instance.callSync('relay', 'x').fuelUsed;
    await instance.call('relay', 'x', { data: 2 });
    expect(notes).toEqual([1, true, 'bigint', 2, true, 'bigint']);
    expect(lab.record(before)).toBeGreaterThan(1_000n);
  });
});
