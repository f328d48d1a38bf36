// The sizes of the published addons, committed in bench/sizes.json: what grows shows in a diff. `npm run sizes` notes those of the prebuilds
// that are there.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { prebuilds } from './prebuilds.mjs';

const FILE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'bench', 'sizes.json');
/** Growth that is no news: another compiler, another version of a dependency. */
const TOLERANCE = 1.03;

/**
 * @typedef {object} Size
 * @property {number} bytes of the file
 * @property {number} packed of the file compressed as npm does it
 */

/** @returns {Promise<Record<string, Size>>} by target */
async function notedSizes() {
  return JSON.parse(await readFile(FILE, 'utf8').catch(() => '{}'));
}

/**
 * @param {Buffer} content
 * @returns {Size}
 */
export function sizeOf(content) {
  return { bytes: content.length, packed: gzipSync(content, { level: 9 }).length };
}

/**
 * What is wrong with the size of a target's addon, if anything.
 *
 * @param {import('./targets.cjs').Target} target
 * @param {Size} size
 * @returns {Promise<string[]>}
 */
export async function sizeFaults({ name, packed: allowed }, { packed }) {
  const noted = (await notedSizes())[name]?.packed;
  return [
    ...(packed > allowed ? [`is ${packed} bytes compressed, ${allowed} are allowed`] : []),
    ...(noted !== undefined && packed > noted * TOLERANCE
      ? [`is ${packed} bytes compressed, ${noted} are noted: look why, then run "npm run sizes"`]
      : []),
  ];
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await notedSizes();
  for (const [{ name }, path] of prebuilds()) sizes[name] = sizeOf(await readFile(path));
  await writeFile(FILE, `${JSON.stringify(sizes, null, 2)}\n`);
}
