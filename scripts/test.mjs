// `npm test`: sets up, runs every test of the project, Rust and TypeScript, and ends with one line of totals.
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @typedef {{ passed: number, failed: number }} Totals */

await setUpOrExit();
const suites = [
  { name: 'cargo test', totals: await cargoTests() },
  { name: 'vitest', totals: await vitestTests() },
];
report(suites);

/**
 * `--release`, like the addon: wasmer is compiled once for both. `--no-fail-fast`: one failing crate must not hide the others.
 *
 * @returns {Promise<Totals>}
 */
async function cargoTests() {
  const { status, out } = await tee('cargo', ['test', '--release', '--workspace', '--all-features', '--no-fail-fast']);
  const totals = { passed: 0, failed: 0 };
  for (const [, passed, failed] of out.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)) {
    totals.passed += Number(passed);
    totals.failed += Number(failed);
  }
  return countCrash(totals, status);
}

/** @returns {Promise<Totals>} */
async function vitestTests() {
  const file = join(root, '.setup', 'vitest.json');
  await rm(file, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = await tee(process.execPath, [
    vitest,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  const result = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  return countCrash({ passed: result.numPassedTests ?? 0, failed: result.numFailedTests ?? 0 }, status);
}

/**
 * A runner that fails without a failing test (a file that does not compile, a crash, an unhandled error) counts as one failure; one that
 * found no test at all does too.
 *
 * @param {Totals} totals
 * @param {number | null} status
 * @returns {Totals}
 */
function countCrash({ passed, failed }, status) {
  const broken = failed === 0 && (status !== 0 || passed === 0);
  return { passed, failed: broken ? 1 : failed };
}

/** Runs a program, shows its standard output while it comes, and keeps it. */
function tee(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out }));
  });
}

/** @param {readonly { name: string, totals: Totals }[]} results */
function report(results) {
  const sum = { passed: 0, failed: 0 };
  console.log();
  for (const { name, totals } of results) {
    console.log(`${name}: ${totals.passed} passed, ${totals.failed} failed`);
    sum.passed += totals.passed;
    sum.failed += totals.failed;
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}
