// What the package shows: the same names to require and to import, the version of its manifest, and no script that runs on install.
import { createRequire } from 'node:module';
import * as esm from 'aingle-wasm';
import { expect, test } from 'vitest';

const require = createRequire(import.meta.url);
const manifest = require('../../package.json');

test('both entries export the same', () => {
  const cjs = require('../../index.js');
  expect(Object.keys(esm).sort()).toEqual([
    'AingleWasmError',
    'Engine',
    'Global',
    'Instance',
    'Memory',
    'Module',
    'Table',
    'envelope',
    'hostFunction',
    'version',
  ]);
  expect(Object.keys(cjs).sort()).toEqual(Object.keys(esm).sort());
  for (const [name, value] of Object.entries(esm)) expect(cjs[name]).toBe(value);
});

test('the version is the one of the manifest', () => {
  expect(esm.version).toBe(manifest.version);
});

test('nothing runs when the package is installed', () => {
  const scripts = Object.keys(manifest.scripts);
  expect(scripts.filter((name) => /^(pre|post)?(install|prepare|publish|pack)/.test(name))).toEqual([]);
  expect(manifest.dependencies).toBe(undefined);
});
