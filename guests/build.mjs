// Builds every guest that is not committed: rust/* to build/*.wasm, wat/*.wat to build/wat/*.wasm, and the readings to build/readings.csv.
// What a build was made of is remembered as a digest, so that a second run only reads the sources.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { remapFlag, WASM_TARGET, wasmCargo } from '../scripts/wasm-toolchain.mjs';
import { makeReadings } from './data/make-readings.mjs';
import { assemble } from './wat.mjs';

const guests = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(guests, 'build');

/**
 * What is built, in this order. A part is built again when one of its `sources` (files or folders, from the repository's root) changes.
 *
 * @type {readonly { name: string, sources: readonly string[], build: (log: (line: string) => void) => Promise<void> }[]}
 */
const PARTS = [
  {
    name: 'rust',
    sources: [
      'guests/rust',
      'crates/types',
      'crates/codec',
      'crates/guest',
      'crates/guest-macros',
      'Cargo.toml',
      'scripts/wasm-toolchain.mjs',
    ],
    build: buildRust,
  },
  { name: 'wat', sources: ['guests/wat', 'guests/wat.mjs'], build: assembleAll },
  { name: 'readings', sources: ['guests/data'], build: writeReadings },
];

/**
 * Builds what is missing or out of date.
 *
 * @param {{ log?: (line: string) => void }} [options] `log` is told what is being built
 * @returns {Promise<string>} what was done, in a few words
 * @throws {Error} if there is no Rust for wasm32, or a source does not compile; the message carries the compiler's errors
 */
export async function buildGuests({ log = () => {} } = {}) {
  await mkdir(output, { recursive: true });
  const built = [];
  for (const { name, sources, build } of PARTS) {
    const stamp = join(output, `.${name}.digest`);
    const digest = await digestOf(['guests/build.mjs', ...sources]);
    if (digest === (await readFile(stamp, 'utf8').catch(() => undefined))) continue;
    log(`building ${name}`);
    await build(log);
    await writeFile(stamp, digest);
    built.push(name);
  }
  return built.length === 0 ? 'up to date' : `built ${built.join(', ')}`;
}

/** The paths of this machine are taken out of panic messages, so that the same sources give the same bytes everywhere. */
async function buildRust(log) {
  const target = join(root, 'target', 'guests');
  const cargoHome = process.env.CARGO_HOME ?? join(process.env.HOME ?? process.env.USERPROFILE ?? '', '.cargo');
  await wasmCargo({
    args: ['build', '--release', '--locked'],
    cwd: join(guests, 'rust'),
    env: { CARGO_TARGET_DIR: target },
    rustflags: [remapFlag(cargoHome), remapFlag(root)],
    log,
  });
  const built = join(target, WASM_TARGET, 'release');
  for (const file of (await readdir(built)).filter((name) => name.endsWith('.wasm'))) {
    await copyFile(join(built, file), join(output, file));
  }
}

async function assembleAll() {
  const folder = join(output, 'wat');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const sources = (await readdir(join(guests, 'wat'))).filter((name) => name.endsWith('.wat'));
  for (const source of sources) {
    await writeFile(join(folder, `${basename(source, '.wat')}.wasm`), await assemble(join(guests, 'wat', source)));
  }
}

async function writeReadings() {
  await writeFile(join(output, 'readings.csv'), makeReadings());
}

/** SHA-256 over names and contents of everything in `sources`. */
async function digestOf(sources) {
  const hash = createHash('sha256');
  for (const source of sources) {
    for (const file of await filesIn(join(root, source))) {
      hash.update(`${relative(root, file)}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex');
}

/** The files of a folder in a fixed order, those of build folders left out; or the file itself. */
async function filesIn(path) {
  const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (entries === undefined) return [path];
  const inside = entries.filter((entry) => entry.name !== 'target').sort((a, b) => (a.name < b.name ? -1 : 1));
  return (await Promise.all(inside.map((entry) => filesIn(join(path, entry.name))))).flat();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildGuests({ log: console.log }));
