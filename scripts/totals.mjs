// How many tests passed and failed, from what the test runners print.

/** @typedef {{ passed: number, failed: number }} Totals */

/**
 * The sums of all `test result:` lines that `cargo test` wrote.
 *
 * @param {string} output
 * @returns {Totals}
 */
export function cargoTotals(output) {
  const totals = { passed: 0, failed: 0 };
  for (const [, passed, failed] of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)) {
    totals.passed += Number(passed);
    totals.failed += Number(failed);
  }
  return totals;
}

/**
 * The totals of vitest's JSON report; nothing if there is no report, because vitest did not come so far.
 *
 * @param {string | undefined} report
 * @returns {Totals}
 */
export function vitestTotals(report) {
  const { numPassedTests = 0, numFailedTests = 0 } = JSON.parse(report ?? '{}');
  return { passed: numPassedTests, failed: numFailedTests };
}

/**
 * A runner that fails without a failing test (a file that does not compile, a crash, an unhandled error) counts as one failure; one
 * that found no test at all does too.
 *
 * @param {Totals} totals
 * @param {number | null} status of the runner's process; null if a signal ended it
 * @returns {Totals}
 */
export function countCrash({ passed, failed }, status) {
  const broken = failed === 0 && (status !== 0 || passed === 0);
  return { passed, failed: broken ? 1 : failed };
}

/**
 * @param {readonly Totals[]} totals
 * @returns {Totals}
 */
export function sum(totals) {
  const add = (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed });
  return totals.reduce(add, { passed: 0, failed: 0 });
}

/** The line that ends a test run. @param {Totals} totals */
export function line({ passed, failed }) {
  return `${passed} passed, ${failed} failed`;
}
