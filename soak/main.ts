// `npm run soak`: every part on every backend, each in a process of its own, and a line for each. Status 1 if one fails.
// `--only=<part>`, `--backend=<kind>`, `--share=<0 … 1>` for a part of the rounds, `--short` for CI's form.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { BackendKind } from 'aingle-wasm';
import type { Part, Run } from './part';
import { PARTS } from './parts/index';

const BACKENDS: readonly BackendKind[] = ['wasmer', 'wasmi', 'v8'];
const SHOWN_FAULTS = 10;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: PARTS.map(({ name }) => name) },
      backend: { type: 'string', multiple: true, default: [...BACKENDS] },
      short: { type: 'boolean', default: false },
      share: { type: 'string', default: '1' },
    },
  });
  const parts = values.only.map((name) => known(PARTS, (part) => part.name, name, '--only'));
  const backends = values.backend.map((name) => known(BACKENDS, (kind) => kind, name, '--backend'));
  const share = Number(values.share);
  if (!(share > 0 && share <= 1)) throw new Error(`--share must be above 0 and at most 1, not ${values.share}`);
  const runs = parts.flatMap((part) =>
    backends.map((backend) => ({ part, run: { backend, short: values.short, share } })),
  );
  const alone = runs.length === 1;
  for (const { part, run } of runs) {
    if (!(await (alone ? inThisProcess(part, run) : inAnother(part, run)))) process.exitCode = 1;
  }
}

function known<T>(all: readonly T[], nameOf: (each: T) => string, name: string, option: string): T {
  const found = all.find((each) => nameOf(each) === name);
  if (found === undefined) throw new Error(`${option} must be one of ${all.map(nameOf).join(', ')}, not ${name}`);
  return found;
}

async function inThisProcess(part: Part, run: Run): Promise<boolean> {
  const begun = performance.now();
  const { figures, faults } = await part
    .run(run)
    .catch((error) => ({ figures: 'broke off', faults: [`${error.stack}`] }));
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  const verdict = faults.length === 0 ? 'PASS' : 'FAIL';
  console.log(`${part.name} on ${run.backend}: ${figures}; ${seconds} s: ${verdict}`);
  for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(`  ${fault}`);
  if (faults.length > SHOWN_FAULTS) console.log(`  and ${faults.length - SHOWN_FAULTS} more`);
  return faults.length === 0;
}

/** A part that crashes its process has failed, and the others still run. */
function inAnother(part: Part, { backend, short, share }: Run): Promise<boolean> {
  const options = [`--only=${part.name}`, `--backend=${backend}`, `--share=${share}`, ...(short ? ['--short'] : [])];
  const child = spawn(process.execPath, [...process.execArgv, __filename, ...options], { stdio: 'inherit' });
  return new Promise((resolve) => {
    child.on('exit', (status, signal) => {
      if (signal !== null) console.log(`${part.name} on ${backend}: the process was ended by ${signal}: FAIL`);
      resolve(status === 0);
    });
  });
}

void main();
