// The software bill of materials of a release, as CycloneDX: the crates that are compiled into the addons and into the v8 backend's own
// WebAssembly, and the npm dependency.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';
import { WASM_TARGET } from './wasm-toolchain.mjs';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @typedef {{ name: string, version: string, purl: string, licenses: { expression: string }[] }} Component */

/**
 * The document for the addons of some targets.
 *
 * @param {readonly import('./targets.cjs').Target[]} targets
 * @returns {Promise<{ components: Component[] }>}
 */
export async function billOfMaterials(targets) {
  const { name, version, license, dependencies } = require('../package.json');
  const builds = [{ crate: 'aingle_wasm_fallback', triple: WASM_TARGET, engines: [] }];
  for (const { triple, engines } of targets) builds.push({ crate: 'aingle_wasm_node', triple, engines });
  const crates = new Map((await Promise.all(builds.map(cratesOf))).flat().map((crate) => [crate['bom-ref'], crate]));
  const packages = Object.keys(dependencies).map((dependency) => {
    const manifest = require(`${dependency}/package.json`);
    return component('npm', dependency, manifest.version, manifest.license);
  });
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: component('npm', name, version, license) },
    components: [...packages, ...crates.values()],
  };
}

/** Without those that only build scripts and macros use: they are not in the file. */
async function cratesOf({ crate, triple, engines }) {
  const features = ['--no-default-features', '--features', engines.join(',')];
  const edges = ['--edges', 'normal,no-proc-macro', '--prefix', 'none', '--no-dedupe', '--format', '{p}\t{l}'];
  const tree = await run('cargo', ['tree', '--locked', '-p', crate, '--target', triple, ...features, ...edges], {
    cwd: root,
  });
  return tree
    .trim()
    .split('\n')
    .map((line) => {
      const [, name, version, license] = /^(\S+) v(\S+)[^\t]*\t(.*)$/.exec(line);
      return component('cargo', name, version, license.replaceAll(/ ?\/ ?/g, ' OR '));
    });
}

/** @returns {Component} */
function component(kind, name, version, license) {
  const purl = `pkg:${kind}/${name}@${version}`;
  return { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression: license }] };
}
