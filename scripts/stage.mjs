// `npm run stage`: lays out in target/stage what a release would publish, from the prebuilds that are there: the main package, one package
// for each platform, their tarballs, the SHA-256 sums of these and of the addons in them, and a bill of materials. With `--local` the package
// for this machine has the development build.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { reachedDeclarations } from './declarations.mjs';
import { napi, napiConfig } from './napi.mjs';
import { localBuild, prebuilds } from './prebuilds.mjs';
import { run } from './process.mjs';
import { billOfMaterials } from './sbom.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const STAGE = join(root, 'target', 'stage');
/** Inside of {@link STAGE}. */
export const TARBALLS = join(STAGE, 'tarballs');
/** Inside of {@link STAGE} too: the addons, as they are called when they are installed. */
const ADDONS = join(STAGE, 'artifacts');
/** What only a checkout has a use for. Without scripts nothing can run when the package is installed. */
const PRIVATE_FIELDS = ['scripts', 'devDependencies'];

/**
 * Lays everything out anew.
 *
 * @param {{ local?: boolean }} [options] `local`: for this machine the development build
 * @returns {Promise<readonly string[]>} the tarballs' names
 * @throws {Error} if there is no binary at all
 */
export async function stage({ local = false } = {}) {
  const binaries = new Map([...prebuilds(), ...(local ? localBuild() : [])]);
  if (binaries.size === 0) throw new Error('there is no prebuild: "npm run prebuild:all" makes them');
  await rm(STAGE, { recursive: true, force: true });
  await stageMain(STAGE);
  await stagePlatforms(binaries);
  await writeFile(join(STAGE, 'sbom.cdx.json'), JSON.stringify(await billOfMaterials([...binaries.keys()]), null, 2));
  await pack([STAGE, ...[...binaries.keys()].map(({ name }) => join(STAGE, 'npm', name))]);
  await noteSums([TARBALLS, ADDONS]);
  return (await readdir(TARBALLS)).sort();
}

/**
 * Copies what the manifest's `files` name but declarations that nobody reads, with the manifest that is published.
 *
 * @param {string} folder
 */
export async function stageMain(folder) {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const declarations = await reachedDeclarations(join(root, manifest.types));
  const filter = (path) => !path.endsWith('.d.ts') || declarations.has(path);
  await mkdir(folder, { recursive: true });
  for (const name of manifest.files) {
    const source = join(root, name);
    if (existsSync(source)) await cp(source, join(folder, name), { recursive: true, filter });
  }
  for (const field of PRIVATE_FIELDS) delete manifest[field];
  // Saves Node a guess. Not in the checkout, whose TypeScript is written as modules.
  manifest.type = 'commonjs';
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** napi-rs puts the binaries into their packages and writes these, with exact versions, into the main manifest. */
async function stagePlatforms(binaries) {
  await writeFile(join(STAGE, 'napi.json'), JSON.stringify(napiConfig([...binaries.keys()])));
  await mkdir(ADDONS);
  for (const [{ name }, path] of binaries) {
    await cp(join(root, 'npm', name), join(STAGE, 'npm', name), { recursive: true });
    await copyFile(join(root, 'LICENSE'), join(STAGE, 'npm', name, 'LICENSE'));
    await copyFile(path, join(ADDONS, `aingle_wasm.${name}.node`));
  }
  await napi(STAGE, ['version']);
  await napi(STAGE, ['artifacts', '--output-dir', basename(ADDONS)]);
  await napi(STAGE, ['pre-publish', '--tag-style', 'npm', '--skip-optional-publish', '--no-gh-release']);
}

/** Packs folders as `npm publish` would. */
async function pack(folders) {
  await mkdir(TARBALLS);
  for (const folder of folders)
    await run('npm', ['pack', '--silent', '--pack-destination', TARBALLS, folder], { cwd: STAGE });
}

/** As `sha256sum --check SHA256SUMS` wants it in {@link STAGE}. */
async function noteSums(folders) {
  const lines = [];
  for (const folder of folders) {
    for (const name of (await readdir(folder)).sort()) {
      lines.push(`${await sha256(join(folder, name))}  ${basename(folder)}/${name}\n`);
    }
  }
  await writeFile(join(STAGE, 'SHA256SUMS'), lines.join(''));
}

async function sha256(path) {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const names = await stage({ local: argv.includes('--local') });
  console.log(`${names.join('\n')}\nin ${TARBALLS}`);
}
