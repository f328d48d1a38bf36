// What the server is promised: whatever guests do, it goes on, and what was cancelled leaves nothing wrong behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { GUEST, moduleFile, runProgram } from './support';

let guest: string;

beforeAll(async () => {
  guest = await moduleFile('stops', GUEST);
});

test.each(['wasmer', 'wasmi'])(
  'eight endless guests on %s leave the event loop and the file system alone',
  async (backend) => {
    const { output, errors } = await runProgram('fairness', [guest, backend]);
    const seen = JSON.parse(output || '{}');
    expect(seen.codes, errors).toEqual(Array.from({ length: 8 }, () => 'ERR_TIMEOUT'));
    expect(seen.threads[1]).toBeLessThanOrEqual(seen.threads[0]);
    // The figures themselves are a matter of the bench; these bounds tell a loop that stands still from a machine that is busy.
    expect(seen.ms).toBeLessThan(5_000);
    expect(seen.reads).toBeGreaterThan(20);
  },
);

// A larger number by hand: node __test__/native/programs/cancels.mjs guest.wasm 100000 wasmer
test.each([
  ['wasmer', 1_500],
  ['wasmi', 1_500],
])(
  'on %s, %i cancels at random points leave clean or poisoned instances',
  async (backend, count) => {
    const { output, errors, signal } = await runProgram('cancels', [guest, `${count}`, backend]);
    expect({ signal, errors }).toEqual({ signal: null, errors: '' });
    const { clean, poisoned, wrong, instances } = JSON.parse(output);
    expect(wrong).toEqual([]);
    expect(clean + poisoned).toBe(count);
    expect(clean).toBeGreaterThan(0);
    expect(poisoned).toBeGreaterThan(0);
    expect(instances).toBe(0);
  },
  120_000,
);

test('forks, clusters and two copies of the package run and stop guests', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aingle-wasm-copy-'));
  try {
    const { output, errors, signal } = await runProgram('processes', [guest, folder]);
    expect({ signal, errors }).toEqual({ signal: null, errors: '' });
    const right = 'ERR_TIMEOUT 42';
    const child = `${right} 0 null`;
    expect(output).toBe([right, child, child, child, right, right].join('; '));
  } finally {
    await rm(folder, { recursive: true });
  }
});
