// The checksum: tables, words and Node's own must agree, at every alignment.
import { crc32 as nodeCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32, crc32Words, WORDS_USABLE } from '../../src/wire/crc32';

test.each([
  ['', 0],
  ['123456789', 0xcbf43926],
  ['hello world', 0x0d4a1185],
])('%j', (text, expected) => {
  const bytes = new TextEncoder().encode(text);
  expect(crc32(bytes, undefined, 0, bytes.length)).toBe(expected);
});

test('all ways agree for every start and end', () => {
  const bytes = Uint8Array.from({ length: 1024 }, (_, index) => (index * 167) ^ (index >> 3));
  const words = new Int32Array(bytes.buffer);
  expect(WORDS_USABLE).toBe(true);
  fc.assert(
    fc.property(fc.nat(1024), fc.nat(1024), (a, b) => {
      const [start, end] = a < b ? [a, b] : [b, a];
      const expected = nodeCrc32(bytes.subarray(start, end));
      expect(crc32(bytes, words, start, end)).toBe(expected);
      expect(crc32(bytes, undefined, start, end)).toBe(expected);
      expect(crc32Words(bytes, words, start, end)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test('short ranges end before the first whole word', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => index + 1);
  const words = new Int32Array(bytes.buffer);
  for (let start = 0; start <= 16; start++) {
    for (let end = start; end <= 32; end++) {
      expect(crc32Words(bytes, words, start, end)).toBe(nodeCrc32(bytes.subarray(start, end)));
    }
  }
});
