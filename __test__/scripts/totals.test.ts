// The last line of `npm test` is what people and machines believe: it must count everything, and never call a crash a success.
import { expect, test } from 'vitest';
import { cargoTotals, countCrash, line, sum, vitestTotals } from '../../scripts/totals.mjs';

const CARGO = `
     Running unittests src/lib.rs (target/release/deps/aingle_wasm_codec-0)

running 2 tests
test header::tests::golden ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

test result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

   Doc-tests aingle_wasm_host

test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
`;

test('all results of cargo are summed', () => {
  expect(cargoTotals(CARGO)).toEqual({ passed: 17, failed: 3 });
  expect(cargoTotals('error: could not compile')).toEqual({ passed: 0, failed: 0 });
});

test('a line that a test prints is not taken for a result', () => {
  expect(cargoTotals('  test result: ok. 9 passed; 0 failed')).toEqual({ passed: 0, failed: 0 });
});

test('vitest’s report is read, and its absence is no success', () => {
  expect(vitestTotals('{"numPassedTests":4,"numFailedTests":1}')).toEqual({ passed: 4, failed: 1 });
  expect(vitestTotals(undefined)).toEqual({ passed: 0, failed: 0 });
});

test.each([
  [{ passed: 5, failed: 0 }, 0, 0],
  [{ passed: 5, failed: 2 }, 1, 2],
  [{ passed: 5, failed: 0 }, 101, 1],
  [{ passed: 5, failed: 0 }, null, 1],
  [{ passed: 0, failed: 0 }, 0, 1],
  [{ passed: 0, failed: 0 }, 1, 1],
])('%j with status %s counts failures: %i', (totals, status, failed) => {
  expect(countCrash(totals, status).failed).toBe(failed);
});

test('the line', () => {
  const totals = sum([
    { passed: 17, failed: 3 },
    { passed: 4, failed: 1 },
  ]);
  expect(line(totals)).toBe('21 passed, 4 failed');
  expect(line(sum([]))).toBe('0 passed, 0 failed');
});
