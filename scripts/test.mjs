// `npm test`: sets up, runs every test of the project, Rust and TypeScript, and ends with one line of totals.
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';
import { cargoTotals, countCrash, line, sum, vitestTotals } from './totals.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await setUpOrExit();
const suites = { 'cargo test': await cargoTests(), vitest: await vitestTests() };
const totals = sum(Object.values(suites));

console.log();
for (const [name, result] of Object.entries(suites)) console.log(`${name}: ${line(result)}`);
console.log(line(totals));
process.exitCode = totals.failed === 0 ? 0 : 1;

/** `--release`, like the addon: wasmer is compiled once for both. `--no-fail-fast`: one failing crate must not hide the others. */
async function cargoTests() {
  const { status, output } = await tee('cargo', [
    'test',
    '--release',
    '--workspace',
    '--all-features',
    '--no-fail-fast',
  ]);
  return countCrash(cargoTotals(output), status);
}

async function vitestTests() {
  const report = join(root, '.setup', 'vitest.json');
  await rm(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = await tee(process.execPath, [vitest, ...args]);
  return countCrash(vitestTotals(await readFile(report, 'utf8').catch(() => undefined)), status);
}

/**
 * Runs a program, shows its standard output while it comes, and keeps it.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @returns {Promise<{ status: number | null, output: string }>}
 */
function tee(file, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (signal !== null) console.error(`${[file, ...args].join(' ')} was stopped by ${signal}`);
      resolve({ status, output });
    });
  });
}
