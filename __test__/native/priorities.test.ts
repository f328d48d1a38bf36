// Threads that run guests give way to the others of their process.
import { availableParallelism, constants, getPriority } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';
import { GUEST, moduleFile, runProgram } from './support';

interface Thread {
  readonly id: number;
  readonly name: string;
  /** Steps below the first thread. */
  readonly lower: number;
}

const STEPS = 5;
/** Further ones where more guests run for long than there are processors. */
const LONG_STEPS = 12;

let guest: string;

beforeAll(async () => {
  guest = await moduleFile('priorities', GUEST);
});

const CASES = BACKENDS.flatMap((backend) => [
  { backend, name: 'a processor for each', guests: 1, steps: STEPS },
  { backend, name: 'more than processors', guests: availableParallelism() + 1, steps: STEPS + LONG_STEPS },
]);

test.runIf(process.platform === 'linux').each(CASES)('on $backend with $name', async ({ backend, guests, steps }) => {
  const { output, errors } = await runProgram('priorities', [backend, guest, `${guests}`, `${below(steps)}`]);
  const { filtered, seen } = JSON.parse(output || '{}') as { filtered: boolean; seen: Thread[] };
  expect(errors).toBe('');
  const lowered = seen.filter(({ lower }) => lower !== 0);
  // Where a filter judges system calls nothing is tried.
  if (filtered || below(1) === 0) return expect(lowered).toEqual([]);
  expect(lowered.filter(({ lower }) => lower === below(steps)).length).toBeGreaterThanOrEqual(guests);
  // On v8 spare workers wait beside the guests'.
  const allowed = backend === 'v8' ? [below(STEPS), below(steps)] : [below(steps)];
  expect(allowed).toEqual(expect.arrayContaining(lowered.map(({ lower }) => lower)));
  expect(seen.length - lowered.length).toBeGreaterThan(4);
  expect(lowered.filter(({ name }) => name.startsWith('aingle-wasm-wat'))).toEqual([]);
  if (backend !== 'v8') expect(lowered.every(({ name }) => /^aingle-wasm-\d+$/.test(name))).toBe(true);
});

/** So many steps, or as many as there are below this process. */
function below(steps: number): number {
  return Math.min(steps, constants.priority.PRIORITY_LOW - getPriority());
}
