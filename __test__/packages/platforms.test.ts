// The platform packages: their committed folders are those that the table of targets makes, and the documentation lists every row.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeNpmFolders } from '../../scripts/npm-folders.mjs';

const require = createRequire(import.meta.url);
const { TARGETS } = require('../../scripts/targets.cjs') as typeof import('../../scripts/targets.cjs');
const { version } = require('../../package.json');
const root = join(__dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'aingle-wasm-npm-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** All files below a folder with their contents. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.endsWith('.node'))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

test('the committed folders are those of the table', async () => {
  const made = join(scratch, 'npm');
  await writeNpmFolders(made);
  expect(contents(join(root, 'npm')), 'run "npm run npm-folders"').toEqual(contents(made));
});

test.each(TARGETS)('$name', ({ name, platform, arch, libc }) => {
  const manifest = require(`../../npm/${name}/package.json`);
  expect(manifest).toMatchObject({
    name: `@aingle-wasm/binding-${name}`,
    version,
    os: [platform],
    cpu: [arch],
    preferUnplugged: true,
    engines: { node: '>=20' },
  });
  expect(manifest.libc).toEqual(libc === undefined ? undefined : [libc]);
  expect(manifest).not.toHaveProperty('scripts');
});

test.each(TARGETS)('docs/platforms.md says how far $name is tested', ({ name, status, engines }) => {
  const row = readFileSync(join(root, 'docs', 'platforms.md'), 'utf8')
    .split('\n')
    .find((line) => line.includes(`\`${name}\``));
  expect(row).toContain(status);
  for (const engine of ['wasmer', 'wasmi'] as const) {
    expect(row!.includes(`\`${engine}\``), engine).toBe(engines.includes(engine));
  }
});
