// Results that are wrong in every way a guest can make them wrong: each has its code, none harms anybody, the instance goes on.
import { envelope } from 'aingle-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';
import { failed } from './support/outcome';
import { PUPPET, Puppet } from './support/puppet';

const GOOD = envelope.encode(Buffer.from('payload'));

function changed(at: number, to: number): Uint8Array {
  const bytes = GOOD.slice();
  bytes[at] = to;
  return bytes;
}

/** A payload that is not what the flag says, in an envelope that is otherwise right. */
function flagged(flag: number, payload: Uint8Array): Uint8Array {
  const bytes = envelope.encode(payload);
  bytes[3] = flag;
  return bytes;
}

const DAMAGED: readonly (readonly [string, Uint8Array, string])[] = [
  ['shorter than a header', GOOD.subarray(0, 11), 'ERR_ENVELOPE_LENGTH'],
  ['one byte', GOOD.subarray(0, 1), 'ERR_ENVELOPE_LENGTH'],
  ['another magic number', changed(0, 0x48), 'ERR_ENVELOPE_MAGIC'],
  ['a swapped magic number', Uint8Array.of(0x41, 0x49, ...GOOD.subarray(2)), 'ERR_ENVELOPE_MAGIC'],
  ['version 0', changed(2, 0), 'ERR_ENVELOPE_VERSION'],
  ['version 2', changed(2, 2), 'ERR_ENVELOPE_VERSION'],
  ['an unknown flag', changed(3, 0x10), 'ERR_ENVELOPE_FLAGS'],
  ['all flags', changed(3, 0xff), 'ERR_ENVELOPE_FLAGS'],
  ['encrypted', changed(3, 0x02), 'ERR_ENVELOPE_ENCRYPTION'],
  ['compressed without being so', flagged(0x01, Buffer.of(4, 0, 0, 0, 0xff, 0xff, 0xff)), 'ERR_ENVELOPE_COMPRESSION'],
  ['compressed, of a size that is too large', flagged(0x01, Buffer.from('payload')), 'ERR_OUTPUT_LIMIT'],
  ['compressed, without a size', flagged(0x01, Buffer.of(1, 2, 3)), 'ERR_ENVELOPE_COMPRESSION'],
  ['a length that is too small', changed(4, 6), 'ERR_ENVELOPE_LENGTH'],
  ['a length that is too large', changed(4, 8), 'ERR_ENVELOPE_LENGTH'],
  ['a huge length', changed(7, 0xff), 'ERR_ENVELOPE_LENGTH'],
  ['another checksum', changed(8, GOOD[8]! ^ 1), 'ERR_ENVELOPE_CHECKSUM'],
  ['another payload', changed(18, 0), 'ERR_ENVELOPE_CHECKSUM'],
  ['zeros', new Uint8Array(20), 'ERR_ENVELOPE_MAGIC'],
];

/** Pointer and length; the memory has 262,144 bytes. */
const WILD: readonly (readonly [number, number])[] = [
  [PUPPET.memoryBytes, 1],
  [PUPPET.memoryBytes - 11, 12],
  [0, PUPPET.memoryBytes + 1],
  [1, PUPPET.memoryBytes],
  [2 ** 31 - 1, 12],
  [2 ** 31 - 1, 2 ** 32 - 1],
  [4_096, 2 ** 32 - 1],
  [4_096, 2 ** 31],
];

onEveryBackend('damaged results', (lab) => {
  test.each(DAMAGED)('%s', async (_, bytes, code) => {
    const puppet = await Puppet.make(lab, 'envelope');
    const { instance } = puppet;
    puppet.answer(bytes);
    for (const run of [
      () => instance.call('ok'),
      () => instance.callSync('ok'),
      () => instance.callRaw('ok', new Uint8Array(0)),
    ]) {
      expect(await lab.observe(instance, run)).toMatchObject({ code, state: 'idle' });
    }
    puppet.answer(GOOD);
    expect(instance.callSync('ok').text()).toBe('payload');
  });

  test.each(WILD)('%i with %i bytes is outside', async (ptr, len) => {
    for (const abi of ['envelope', 'bytes'] as const) {
      const puppet = await Puppet.make(lab, abi);
      puppet.answerAt(ptr, len);
      expect(await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'))).toMatchObject({
        code: 'ERR_GUEST_POINTER',
        details: { ptr, len, memory: PUPPET.memoryBytes },
        state: 'idle',
      });
    }
  });

  test.each(WILD)('%i with %i bytes of error is outside as well', async (ptr, len) => {
    const puppet = await Puppet.make(lab, 'envelope');
    puppet.answerAt(ptr, len, true);
    expect(await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'))).toMatchObject({
      code: 'ERR_GUEST_POINTER',
      state: 'idle',
    });
  });

  test('every single flipped bit of an envelope is found, the defined flags excepted', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    const codes: unknown[] = [];
    for (let bit = 0; bit < GOOD.length * 8; bit++) {
      const bytes = GOOD.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      puppet.answer(bytes);
      try {
        puppet.instance.callRaw('ok', new Uint8Array(0));
        codes.push('accepted');
        expect(bit).toBe(3 * 8 + 2);
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    }
    expect(lab.record(codes)).toHaveLength(GOOD.length * 8);
    expect(puppet.instance.state).toBe('idle');
  });

  test('either mark of an error is enough', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    const expected = { code: 'ERR_GUEST', details: { message: 'broken' }, state: 'idle' };
    puppet.answer(envelope.encode(Buffer.from('broken')), true);
    expect(await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'))).toMatchObject(expected);
    puppet.answer(envelope.encode(Buffer.from('broken'), { error: true }), false);
    expect(await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'))).toMatchObject(expected);
  });

  test('a structured error has kind, file and line', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    const file = Buffer.from('src/lib.rs');
    const head = Buffer.alloc(8);
    head.writeUInt8(3, 1);
    head.writeUInt32LE(42, 2);
    head.writeUInt16LE(file.length, 6);
    puppet.answer(envelope.encode(Buffer.concat([head, file, Buffer.from('went wrong')]), { error: true }), true);
    expect(await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'))).toMatchObject({
      code: 'ERR_GUEST',
      details: { message: 'went wrong', file: 'src/lib.rs', line: 42 },
    });
  });

  test('a guest’s text in a message is escaped and cut', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    puppet.answer(envelope.encode(Buffer.from(`\u001b[31mred\u0000\n${'x'.repeat(1_000)}`), { error: true }), true);
    const outcome = await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'));
    const { message } = failed(outcome);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
    expect(message).not.toMatch(/[\u0000-\u001f]/);
    expect(message.length).toBeLessThan(400);
  });

  test('a compressed result arrives whole', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    const payload = Buffer.from('abcdefgh'.repeat(5_000));
    const compressed = envelope.encode(payload, { compress: true });
    expect(compressed.length).toBeLessThan(payload.length);
    puppet.answer(compressed);
    expect(Buffer.from(puppet.instance.callRaw('ok', new Uint8Array(0))).equals(payload)).toBe(true);
  });

  test('a bomb is refused by the size it states, before anything is decompressed', async () => {
    const puppet = await Puppet.make(lab, 'envelope', { limits: { outputBytes: 1_000_000 } });
    puppet.answer(envelope.encode(new Uint8Array(20_000_000), { compress: true }));
    expect(await lab.observe(puppet.instance, () => puppet.instance.callSync('ok'))).toMatchObject({ state: 'idle' });
    expect(puppet.instance.state).toBe('idle');
  });

  test('any bytes at any place: a coded error or a result, never anything else', async () => {
    const puppet = await Puppet.make(lab, 'envelope');
    const codes: string[] = [];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.boolean(),
        (bytes, packed, wild) => {
          puppet.answer(bytes);
          if (wild) puppet.answerPacked(packed);
          try {
            puppet.instance.callRaw('ok', new Uint8Array(0));
            codes.push('returned');
          } catch (error) {
            codes.push((error as { code: string }).code);
            expect((error as { code: string }).code).toMatch(/^ERR_(GUEST|GUEST_POINTER|ENVELOPE_\w+|OUTPUT_LIMIT)$/);
          }
          expect(puppet.instance.state).toBe('idle');
        },
      ),
      { numRuns: 500, seed: 1 },
    );
    lab.record(codes);
  });
});
