// Threads that run guests give way to the others of their process.
import { getPriority } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';
import { GUEST, moduleFile, runProgram } from './support';

interface Thread {
  readonly id: number;
  readonly name: string;
  /** Steps below the first thread. */
  readonly lower: number;
}

const GUESTS = 3;
const STEPS = 5;

let guest: string;

beforeAll(async () => {
  guest = await moduleFile('priorities', GUEST);
});

test.runIf(process.platform === 'linux').each(BACKENDS)('on %s, and nothing else does', async (backend) => {
  const { output, errors } = await runProgram('priorities', [backend, guest, `${GUESTS}`]);
  const { filtered, seen } = JSON.parse(output || '{}') as { filtered: boolean; seen: Thread[] };
  expect(errors).toBe('');
  const lowered = seen.filter(({ lower }) => lower !== 0);
  // Where a filter judges system calls nothing is tried.
  if (filtered) return expect(lowered).toEqual([]);
  const steps = Math.min(STEPS, 19 - getPriority());
  expect(new Set(lowered.map(({ lower }) => lower))).toEqual(new Set(steps === 0 ? [] : [steps]));
  if (steps === 0) return;
  // On v8 spare workers wait beside the guests'.
  expect(lowered.length).toBeGreaterThanOrEqual(GUESTS);
  expect(seen.length - lowered.length).toBeGreaterThan(4);
  expect(lowered.filter(({ name }) => name.startsWith('aingle-wasm-wat'))).toEqual([]);
  if (backend !== 'v8') expect(lowered.every(({ name }) => /^aingle-wasm-\d+$/.test(name))).toBe(true);
});
