// Bytes in, bytes out: the same through call, callSync and callRaw, in both ABIs, for every size.

import type { Instance } from 'aingle-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guest } from './support/guests';
import { type Lab, onEveryBackend } from './support/lab';
import { wat } from './support/wat';

/** Gives its input back from where the host put it. The allocator never reuses; one call fits. */
const BYTES_ECHO = `
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (func (export "malloc") (param $len i32) (result i32) (local $at i32) (local $end i32)
    (local.set $end (i32.add (local.tee $at (global.get $next)) (local.get $len)))
    (if (i32.gt_u (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get $len) (i32.const 16)) (i32.const 1))) (i32.const -1))
        (then (return (i32.const 0))))))
    (global.set $next (local.get $end))
    (local.get $at))
  (func (export "free") (param i32) (global.set $next (i32.const 1024)))
  (func (export "echo") (param $ptr i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))`;

const SIZES = [
  0,
  1,
  2,
  7,
  8,
  11,
  12,
  13,
  63,
  64,
  65,
  255,
  256,
  4_095,
  4_096,
  65_523,
  65_524,
  65_535,
  65_536,
  65_537,
  1 << 20,
  (3 << 20) + 5,
];

const GUESTS = {
  envelope: () => guest('echo'),
  bytes: () => wat(BYTES_ECHO),
};

/** Bytes that differ from place to place and from size to size. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) + length) & 0xff);
}

async function expectEcho(instance: Instance, input: Uint8Array): Promise<bigint[]> {
  const resolved = await instance.call('echo', input);
  const returned = instance.callSync('echo', input);
  const raw = instance.callRaw('echo', input);
  const expected = Buffer.from(input);
  for (const bytes of [resolved.bytes, returned.bytes, raw]) expect(expected.equals(bytes)).toBe(true);
  return [resolved.fuelUsed, returned.fuelUsed, instance.fuelUsed];
}

for (const [abi, module] of Object.entries(GUESTS)) {
  onEveryBackend(`calls, ${abi} ABI`, (lab: Lab) => {
    test.each(SIZES)('echo of %i bytes', async (size) => {
      const instance = await lab.instantiate(module());
      const fuel = lab.record(await expectEcho(instance, pattern(size)));
      expect(new Set(fuel.slice(1)).size).toBe(1);
    });

    test('echo of any bytes', async () => {
      const instance = await lab.instantiate(module());
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 2_000 }),
          async (bytes) => void (await expectEcho(instance, bytes)),
        ),
        { numRuns: 60 },
      );
    });

    test('text goes in and comes out as UTF-8', async () => {
      const instance = await lab.instantiate(module());
      const result = await instance.call('echo', 'Grüße, 世界 🌍');
      expect(result.text()).toBe('Grüße, 世界 🌍');
      expect(result.bytes).toEqual(new TextEncoder().encode('Grüße, 世界 🌍'));
      expect(instance.callSync('echo', '{"a":[1,2]}').json()).toEqual({ a: [1, 2] });
      expect(instance.callSync('echo', '\ud800').text()).toBe('\ufffd');
    });

    test('no input is no bytes', async () => {
      const instance = await lab.instantiate(module());
      expect((await instance.call('echo')).bytes).toEqual(new Uint8Array(0));
      expect(instance.callSync('echo', '').bytes).toEqual(new Uint8Array(0));
    });

    test('the input is copied: neither side sees later changes of the other', async () => {
      const instance = await lab.instantiate(module());
      const input = pattern(100);
      const pending = instance.call('echo', input);
      input.fill(0);
      expect(Buffer.from((await pending).bytes).equals(pattern(100))).toBe(true);

      const first = instance.callRaw('echo', pattern(100));
      instance.callRaw('echo', new Uint8Array(100));
      expect(Buffer.from(first).equals(pattern(100))).toBe(true);
    });

    test('a view into a larger buffer sends its own bytes only', async () => {
      const instance = await lab.instantiate(module());
      const view = pattern(200).subarray(50, 60);
      expect(Buffer.from(instance.callRaw('echo', view)).equals(view)).toBe(true);
      expect(Buffer.from((await instance.call('echo', Buffer.from(view))).bytes).equals(view)).toBe(true);
    });

    test('the output is a Uint8Array that owns its bytes', async () => {
      const instance = await lab.instantiate(module());
      for (const bytes of [instance.callRaw('echo', pattern(16)), instance.callSync('echo', pattern(16)).bytes]) {
        expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
        bytes.fill(7);
        expect(structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })).toHaveLength(16);
      }
    });

    test('a receipt says what the call did', async () => {
      const instance = await lab.instantiate(module());
      const { receipt } = await instance.call('echo', pattern(1_000), { fuel: 1_000_000n });
      const { wallMs, queueMs, hostMs, backend, ...counts } = receipt;
      expect(backend).toBe(lab.backend);
      for (const time of [wallMs, queueMs, hostMs]) expect(time).toBeGreaterThanOrEqual(0);
      expect(lab.record(counts)).toMatchObject({
        fuelLimit: 1_000_000n,
        fuelExact: true,
        hostCalls: 0,
        bytesIn: 1_000,
        bytesOut: 1_000,
      });
      expect(receipt.fuelUsed).toBe(instance.fuelUsed);
    });

    test('memory does not grow with calls', async () => {
      const instance = await lab.instantiate(module());
      for (let i = 0; i < 20; i++) instance.callRaw('echo', pattern(60_000));
      const pages = instance.memory.pages;
      for (let i = 0; i < 500; i++) instance.callRaw('echo', pattern(60_000));
      expect(lab.record(instance.memory.pages)).toBe(pages);
    });

    test('input larger than the memory may become is refused, and the instance goes on', async () => {
      const instance = await lab.instantiate(module(), { limits: { memoryBytes: 32 * 65_536 } });
      const outcome = await lab.observe(instance, () => instance.call('echo', pattern(33 * 65_536)));
      expect(outcome).toMatchObject({ code: 'ERR_GUEST_POINTER', state: 'idle' });
      await expectEcho(instance, pattern(10));
    });
  });
}
