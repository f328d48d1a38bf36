// Several processes and several copies of the package: each runs and stops its own guests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GUEST, moduleFile, runProgram } from './support';

test('forks, clusters and two copies of the package run and stop guests', async () => {
  const guest = await moduleFile('stops', GUEST);
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
