// The main package as it would be published: which files, what its manifest says, whether every module system and TypeScript find it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stageMain } from '../../scripts/stage.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'aingle-wasm-main-'));
const folder = join(scratch, 'package');
let packed: { filename: string; size: number; files: { path: string }[] };

beforeAll(async () => {
  await stageMain(folder);
  const output = execFileSync('npm', ['pack', '--json', '--pack-destination', scratch], { cwd: folder });
  packed = JSON.parse(output.toString())[0];
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the files', () => {
  expect(packed.files.map(({ path }) => path).sort()).toMatchSnapshot();
});

test('the manifest: nothing that could run on installation, one dependency, no platform of its own', () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['node-gyp-build']);
  for (const field of ['scripts', 'devDependencies', 'os', 'cpu', 'libc', 'gypfile'])
    expect(manifest).not.toHaveProperty(field);
  expect(packed.files.map(({ path }) => path)).not.toContain('binding.gyp');
});

test('the size: a download that is no burden', () => {
  expect(packed.size).toBeLessThan(400_000);
});

test('publint has nothing to say', async () => {
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([]);
});

test('the types are not wrong', async () => {
  const tarball = createPackageFromTarballData(readFileSync(join(scratch, packed.filename)));
  const analysis = await checkPackage(tarball);
  expect(analysis.types).toEqual({ kind: 'included' });
  expect('problems' in analysis && analysis.problems).toEqual([]);
});
