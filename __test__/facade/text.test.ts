// Foreign text in messages: one line, nothing hidden, at most 200 characters.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describe as describeValue, MAX_TEXT, quoteAll, safeText } from '../../src/errors/text';

describe('safeText', () => {
  test.each([
    ['plain ünïcode 漢字 🦀', 'plain ünïcode 漢字 🦀'],
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\u001b[31mred', '\\u{1b}[31mred'],
    ['evil\u202etxt', 'evil\\u{202e}txt'],
    ['\ufeffmark\u2028', '\\u{feff}mark\\u{2028}'],
    ['lone \ud800 half', 'lone \\u{d800} half'],
    ['', ''],
  ])('%j', (given, expected) => {
    expect(safeText(given)).toBe(expected);
  });

  test('cuts by characters, not by halves of them', () => {
    expect(safeText('🦀'.repeat(MAX_TEXT))).toBe('🦀'.repeat(MAX_TEXT));
    expect(safeText('🦀'.repeat(MAX_TEXT + 1))).toBe(`${'🦀'.repeat(MAX_TEXT)}…`);
    expect(safeText('x'.repeat(10_000_000))).toHaveLength(MAX_TEXT + 1);
  });

  test('is one printable line of bounded length for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const safe = safeText(text);
        expect(safe).not.toMatch(/[\p{Cc}\p{Surrogate}\u2028\u2029\u202a-\u202e]/u);
        expect(Array.from(safe).length).toBeLessThanOrEqual(MAX_TEXT * '\\u{10ffff}'.length + 1);
      }),
    );
  });
});

test.each([
  ['text', '"text"'],
  [12n, '12n'],
  [-0, '0'],
  [undefined, 'undefined'],
  [null, 'null'],
  [[1], 'an array'],
  [{}, 'an object'],
  [Object.create(null), 'an object'],
  [new Date(0), 'an instance of Date'],
  [() => 1, 'a function'],
  [Symbol('secret'), 'a symbol'],
])('describe %#', (value, expected) => {
  expect(describeValue(value)).toBe(expected);
});

test('quoteAll escapes every name', () => {
  expect(quoteAll(['a', 'b\n'])).toBe('"a", "b\\n"');
});
