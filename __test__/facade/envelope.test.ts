// The codec by itself: golden vectors, one error a cause, every flipped bit found.
import { envelope } from 'aingle-wasm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const text = (value: string) => new TextEncoder().encode(value);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A cipher that is none: enough to see what is sealed, opened and authenticated. */
const reversing = {
  headers: [] as string[],
  seal(payload: Uint8Array, header: Uint8Array) {
    this.headers.push(hex(header));
    return Uint8Array.from([...payload].reverse());
  },
  open(sealed: Uint8Array, header: Uint8Array) {
    return this.seal(sealed, header);
  },
};

describe('golden vectors', () => {
  test.each([
    ['', {}, '494101000000000000000000'],
    ['hello world', {}, '494101000b00000085114a0d'],
    ['123456789', { expectsResponse: true }, '49410104090000002639f4cb'],
    ['failed to decode input', { error: true }, '49410108160000007bdaa7ee'],
  ])('%j', (payload, options, header) => {
    const bytes = envelope.encode(text(payload), options);
    expect(hex(bytes)).toBe(header + hex(text(payload)));
    expect(envelope.decode(bytes).payload).toEqual(text(payload));
  });
});

test('what is encoded comes back, whatever the options', () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ minLength: 1_024, maxLength: 3_000, max: 3 }),
  );
  fc.assert(
    fc.property(
      payload,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (bytes, compress, expectsResponse, error, seal) => {
        const cipher = seal ? { cipher: reversing } : {};
        const encoded = envelope.encode(bytes, { compress, expectsResponse, error, ...cipher });
        const { payload: decoded, flags } = envelope.decode(encoded, cipher);
        expect(decoded).toEqual(bytes);
        expect(flags & 0b1110).toBe((seal ? 2 : 0) | (expectsResponse ? 4 : 0) | (error ? 8 : 0));
      },
    ),
  );
});

test('compression is used where it helps', () => {
  const long = new Uint8Array(4_096).fill(7);
  expect(envelope.encode(long, { compress: true }).length).toBeLessThan(100);
  expect(envelope.decode(envelope.encode(long, { compress: true }))).toEqual({ payload: long, flags: 1 });
  expect(envelope.encode(long.subarray(0, 1_023), { compress: true }).length).toBe(1_035);
});

describe('every single-bit flip', () => {
  test.each([0, 1, 7, 8, 64, 255, 256])('of an envelope of %i bytes is found', (size) => {
    const payload = Uint8Array.from({ length: size }, (_, index) => index * 31);
    const good = envelope.encode(payload);
    for (let bit = 0; bit < good.length * 8; bit++) {
      // The four flags that exist say something else, they are no damage; two of them need what is not there.
      if (bit === 26 || bit === 27) continue;
      const bad = good.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => envelope.decode(bad), `bit ${bit}`).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_ENVELOPE_/) }),
      );
    }
  });
});

describe('one error a cause, in the order of the checks', () => {
  const good = envelope.encode(text('abc'));
  const change = (at: number, to: number) => good.map((byte, index) => (index === at ? to : byte));
  test.each([
    ['short', good.subarray(0, 11), 'ERR_ENVELOPE_LENGTH', { expected: 12, actual: 11 }],
    ['magic', change(0, 0), 'ERR_ENVELOPE_MAGIC', { expected: 0x4149, actual: 0x4100 }],
    [
      'swapped',
      Uint8Array.from([0x41, 0x49, ...good.subarray(2)]),
      'ERR_ENVELOPE_MAGIC',
      { expected: 0x4149, actual: 0x4941 },
    ],
    ['version', change(2, 2), 'ERR_ENVELOPE_VERSION', { expected: 1, actual: 2 }],
    ['flags', change(3, 0x10), 'ERR_ENVELOPE_FLAGS', { expected: 15, actual: 16 }],
    ['too few bytes', good.subarray(0, 14), 'ERR_ENVELOPE_LENGTH', { expected: 3, actual: 2 }],
    ['trailing bytes', Uint8Array.from([...good, 0]), 'ERR_ENVELOPE_LENGTH', { expected: 3, actual: 4 }],
    ['length of 4 GiB', change(7, 255), 'ERR_ENVELOPE_LENGTH', { expected: 0xff000003, actual: 3 }],
    ['checksum', change(12, 0), 'ERR_ENVELOPE_CHECKSUM', { expected: 0x352441c2 }],
    ['encrypted', change(3, 2), 'ERR_ENVELOPE_ENCRYPTION', undefined],
    ['compressed', change(3, 1), 'ERR_ENVELOPE_COMPRESSION', {}],
  ])('%s', (_, bytes, code, details) => {
    const error = (() => {
      try {
        return envelope.decode(bytes);
      } catch (thrown) {
        return thrown;
      }
    })() as { code: string; phase: string; details: unknown };
    expect(error).toMatchObject({ code, phase: 'decode', ...(details && { details }) });
  });

  test('the swapped magic number has a message of its own', () => {
    expect(() => envelope.decode(Uint8Array.from([0x41, 0x49, ...good.subarray(2)]))).toThrow(/swapped/);
  });
});

test('a limit holds before and after decompression', () => {
  const long = new Uint8Array(100_000);
  for (const compress of [false, true]) {
    const encoded = envelope.encode(long, { compress });
    expect(() => envelope.decode(encoded, { maxBytes: 99_999 })).toThrow(
      expect.objectContaining({
        code: 'ERR_ENVELOPE_LIMIT',
        details: expect.objectContaining({ expected: 99_999, actual: 100_000 }),
      }),
    );
    expect(envelope.decode(encoded, { maxBytes: 100_000 }).payload).toEqual(long);
  }
});

test('trailing bytes can be allowed', () => {
  const bytes = Uint8Array.from([...envelope.encode(text('abc')), 1, 2, 3]);
  expect(envelope.decode(bytes, { allowTrailing: true }).payload).toEqual(text('abc'));
});

test('a cipher authenticates the first four bytes as sent', () => {
  reversing.headers.length = 0;
  const encoded = envelope.encode(new Uint8Array(2_000), { compress: true, expectsResponse: true, cipher: reversing });
  envelope.decode(encoded, { cipher: reversing });
  expect(reversing.headers).toEqual(['49410107', '49410107']);
});

test('what a cipher throws is the cause', () => {
  const thrown = new Error('not authentic');
  const cipher = {
    seal: (payload: Uint8Array) => payload,
    open: () => {
      throw thrown;
    },
  };
  const encoded = envelope.encode(text('abc'), { cipher });
  expect(() => envelope.decode(encoded, { cipher })).toThrow(
    expect.objectContaining({ code: 'ERR_ENVELOPE_ENCRYPTION', cause: thrown }),
  );
});

test('the result is a copy', () => {
  const encoded = envelope.encode(text('abc'));
  const { payload } = envelope.decode(encoded);
  encoded.fill(0);
  expect(payload).toEqual(text('abc'));
});

test.each([
  [() => envelope.encode('text' as unknown as Uint8Array), 'ERR_INVALID_ARG_TYPE'],
  [() => envelope.encode(new Uint8Array(1), { compres: true } as object), 'ERR_INVALID_ARG_VALUE'],
  [() => envelope.encode(new Uint8Array(1), { compress: 1 } as object), 'ERR_INVALID_ARG_TYPE'],
  [() => envelope.encode(new Uint8Array(1), { cipher: {} } as object), 'ERR_INVALID_ARG_TYPE'],
  [() => envelope.decode(new Uint8Array(12), { maxBytes: -1 }), 'ERR_OUT_OF_RANGE'],
])('a mistake of the caller %#', (run, code) => {
  expect(run).toThrow(expect.objectContaining({ code }));
});
