// The bill of materials: what is inside of what is published, and nothing that only the build uses.
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { billOfMaterials } from '../../scripts/sbom.mjs';

const { TARGETS } = createRequire(import.meta.url)(
  '../../scripts/targets.cjs',
) as typeof import('../../scripts/targets.cjs');

/** Names of the components for the addon of one target. */
async function namesFor(target: string): Promise<string[]> {
  const { components } = await billOfMaterials(TARGETS.filter(({ name }) => name === target));
  for (const { name, version, purl, licenses } of components) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+/);
    expect(purl, name).toMatch(new RegExp(`^pkg:(cargo|npm)/${name}@`));
    expect(licenses[0]?.expression, name).not.toBe('');
  }
  expect(new Set(components.map(({ purl }) => purl)).size).toBe(components.length);
  return components.map(({ name }) => name);
}

test('of an addon with both engines', async () => {
  const names = await namesFor('linux-x64-gnu');
  expect(names).toEqual(expect.arrayContaining(['node-gyp-build', 'aingle_wasm_fallback', 'wasmer', 'wasmi', 'napi']));
  for (const name of ['napi-build', 'napi-derive', 'proptest', 'wat']) expect(names).not.toContain(name);
});

test('of an addon with one', async () => {
  const names = await namesFor('linux-arm-gnueabihf');
  expect(names).toContain('wasmi');
  expect(names).not.toContain('wasmer');
});
