// `npm run pack:offline`: one tarball with every prebuild and the one dependency inside, for machines without a registry. It installs by
// `npm install ./aingle-wasm-….tgz --offline`.
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { prebuildName, prebuilds } from './prebuilds.mjs';
import { run } from './process.mjs';
import { stageMain } from './stage.mjs';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(root, 'target', 'offline');
const DEPENDENCY = 'node-gyp-build';

/**
 * Packs the tarball.
 *
 * @param {Map<import('./targets.cjs').Target, string>} [binaries] default: every prebuild that is there
 * @returns {Promise<string>} its path
 * @throws {Error} if there is no binary
 */
export async function packOffline(binaries = prebuilds()) {
  if (binaries.size === 0) throw new Error('there is no prebuild: "npm run prebuild:all" makes them');
  await rm(FOLDER, { recursive: true, force: true });
  const folder = join(FOLDER, 'package');
  await stageMain(folder);
  for (const [target, path] of binaries) {
    const place = join(folder, 'crates', 'node', prebuildName(target));
    await mkdir(dirname(place), { recursive: true });
    await cp(path, place);
  }
  await bundleDependency(folder);
  const output = await run('npm', ['pack', '--silent', '--pack-destination', FOLDER, folder], { cwd: FOLDER });
  const packed = join(FOLDER, output.trim());
  const offline = packed.replace(/\.tgz$/, '-offline.tgz');
  await rename(packed, offline);
  return offline;
}

async function bundleDependency(folder) {
  const source = dirname(require.resolve(`${DEPENDENCY}/package.json`));
  await cp(source, join(folder, 'node_modules', DEPENDENCY), { recursive: true });
  const path = join(folder, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  manifest.bundleDependencies = [DEPENDENCY];
  manifest.files.push('crates/node/prebuilds/**');
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

if (argv[1] === fileURLToPath(import.meta.url)) console.log(await packOffline());
