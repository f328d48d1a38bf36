// Which addon is loaded, and what is said when none can be.
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from './support';

interface Backend {
  kind: string;
  version: string;
  source: string;
  attempts: { source: string; reason: string }[];
}

async function backend(
  options: string,
  settings?: Parameters<typeof runProgram>[2],
): Promise<Backend & { code?: string }> {
  const { output, errors, status } = await runProgram('backend', [options], settings);
  expect(status, errors).toBe(0);
  return JSON.parse(output);
}

test('the local build is found, from any directory', async () => {
  const found = await backend('auto');
  expect(found).toMatchObject({ kind: 'wasmer', attempts: [] });
  expect(found.source).toMatch(/^aingle_wasm\.[a-z0-9-]+\.node$/);
});

test('both engines are inside, and the variable chooses where nothing was asked for', async () => {
  const { source } = await backend('auto');
  expect(await backend('wasmi')).toMatchObject({ kind: 'wasmi', version: '2.0.0', source, attempts: [] });
  const env = { AINGLE_WASM_BACKEND: 'wasmi' };
  expect(await backend('auto', { env })).toMatchObject({ kind: 'wasmi' });
  expect(await backend('wasmer', { env })).toMatchObject({ kind: 'wasmer', version: '6.1.0' });
});

test('a path that names nothing leaves the fallback, and says so', async () => {
  const env = { AINGLE_WASM_NATIVE_PATH: join(tmpdir(), 'nothing-here.node') };
  const found = await backend('auto', { env });
  expect(found.kind).toBe('v8');
  expect(found.attempts).toEqual([{ source: 'nothing-here.node', reason: expect.stringContaining('no such file') }]);
  const asked = await backend('wasmer', { env });
  expect(asked).toMatchObject({ code: 'ERR_ENGINE_UNAVAILABLE', attempts: [{ source: 'nothing-here.node' }] });
});

test('a file that is no addon leaves the fallback, without a path in the reason', async () => {
  const file = join(tmpdir(), `aingle-wasm-${process.pid}-text.node`);
  await writeFile(file, 'not an addon');
  const { kind, attempts } = await backend('auto', { env: { AINGLE_WASM_NATIVE_PATH: file } });
  expect(kind).toBe('v8');
  expect(attempts).toHaveLength(1);
  expect(attempts[0]!.reason).not.toContain(tmpdir());
});

test('without addons the fallback runs', async () => {
  const { kind, attempts } = await backend('auto', { flags: ['--no-addons'] });
  expect(kind).toBe('v8');
  expect(attempts.map((attempt) => attempt.reason).join()).toMatch(/addon/i);
});
