// Compiles the native addon (crates/node) with cargo and lays it where the loader looks for a local build. Cargo decides what is up to
// date, so a second run takes a second.
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { LOCAL_BUILD } from './prebuilds.mjs';
import { run } from './process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CRATE = 'aingle_wasm_node';

/**
 * Builds the addon for this machine and copies it to where node-gyp-build looks first.
 *
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<string>} the file's name, and whether it changed
 * @throws {Error} if cargo is missing or the build fails; the message carries the compiler's errors
 */
export async function buildAddon({ log = () => {} } = {}) {
  log('cargo build (minutes the first time, seconds after)');
  const built = await compile();
  if (await same(built, LOCAL_BUILD)) return `${basename(LOCAL_BUILD)}, up to date`;
  await mkdir(dirname(LOCAL_BUILD), { recursive: true });
  // A running process may have the old file mapped: a rename leaves its pages alone, writing over them would not.
  await copyFile(built, `${LOCAL_BUILD}.new`);
  await rename(`${LOCAL_BUILD}.new`, LOCAL_BUILD);
  return basename(LOCAL_BUILD);
}

/** Runs cargo and returns the path of the library it made, as cargo itself reports it (target directories can be configured). */
async function compile() {
  const args = ['build', '--release', '--locked', '-p', CRATE, '--message-format=json-render-diagnostics'];
  const output = await run('cargo', args, { cwd: root });
  const artifact = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .findLast(
      (message) =>
        message.reason === 'compiler-artifact' &&
        message.target.name === CRATE &&
        message.target.kind.includes('cdylib'),
    );
  const library = artifact?.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
  if (library === undefined) throw new Error(`cargo built ${CRATE} but named no library`);
  return library;
}

async function same(left, right) {
  const [a, b] = await Promise.all([readFile(left), readFile(right).catch(() => undefined)]);
  return b !== undefined && a.equals(b);
}

if (argv[1] === fileURLToPath(import.meta.url)) console.log(await buildAddon({ log: console.log }));
