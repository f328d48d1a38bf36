// Near names: helpful for slips, silent for what is only another word.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, suggest } from '../../src/suggest';

test.each([
  ['meterLimit', ['meteringLimit', 'backend', 'limits'], ['meteringLimit']],
  ['metering_limit', ['meteringLimit'], ['meteringLimit']],
  ['FIB', ['fib', 'fab'], ['fib']],
  ['sumarize', ['summarize', 'summary', 'echo'], ['summarize']],
  ['gret', ['greet', 'get', 'grep', 'great', 'regret'], ['greet', 'get', 'grep']],
  ['a', ['b', 'c'], []],
  ['completely', ['different'], []],
  ['', ['x'], []],
  ['x'.repeat(100), ['x'.repeat(99)], []],
])('%s', (name, candidates, expected) => {
  expect(suggest(name, candidates)).toEqual(expected);
});

test('a module with very many exports does not take long', () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `export_number_${index}_${'x'.repeat(40)}`);
  const begun = performance.now();
  suggest('export_number_7'.padEnd(60, 'x'), names);
  expect(performance.now() - begun).toBeLessThan(2_000);
});

test('the distance is a metric on short words', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});

test('a swap of neighbours is one edit', () => {
  expect(editDistance('form', 'from')).toBe(1);
});
