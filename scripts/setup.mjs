// Makes this checkout ready to run: checks the tools, installs the npm packages, builds the addon, the fallback, the guests and the
// TypeScript. Safe to run again at any time; what is up to date is left alone.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ask, run } from './process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const MIN_NODE = 20;
const MIN_RUST = [1, 88];

const ADDON = 'native addon';

/** What is missing on the machine, in words for the person who runs the script. Not our failure, so no stack is shown. */
class Missing extends Error {}

/**
 * The steps in order. Each returns what it found or did, in a few words.
 *
 * @type {readonly { name: string, run: (log: (line: string) => void) => Promise<string> }[]}
 */
const STEPS = [
  { name: 'Node', run: checkNode },
  { name: 'Rust', run: checkRust },
  { name: 'npm packages', run: installPackages },
  { name: ADDON, run: (log) => build('build-addon.mjs', 'buildAddon', log) },
  { name: 'v8 fallback', run: (log) => build('build-fallback.mjs', 'buildFallback', log) },
  { name: 'TypeScript', run: compileTypeScript },
  { name: 'guests', run: (log) => build('../guests/build.mjs', 'buildGuests', log) },
];

/**
 * Runs the steps and prints one line for each: what it did and how long it took.
 *
 * @param {{ addon?: boolean }} [options] `addon: false` leaves the development build out, the longest step
 * @throws {Error} of the first step that fails
 */
export async function setUp({ addon = true } = {}) {
  for (const { name, run: step } of STEPS.filter((one) => addon || one.name !== ADDON)) {
    const begun = performance.now();
    const result = await step((line) => console.log(`  ${name}: ${line}`));
    console.log(`✓ ${name}: ${result} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  }
}

async function checkNode() {
  if (Number(process.versions.node.split('.')[0]) < MIN_NODE) {
    throw new Missing(
      `Node ${process.versions.node} is too old: version ${MIN_NODE} or newer is needed.\nGet it from https://nodejs.org.`,
    );
  }
  return process.versions.node;
}

async function checkRust() {
  // rustup puts its folder on the PATH of new login shells only.
  process.env.PATH = [process.env.PATH, join(homedir(), '.cargo', 'bin')].join(delimiter);
  const wanted = MIN_RUST.join('.');
  const [cargo, rustc] = await Promise.all([ask('cargo', ['--version']), ask('rustc', ['--version'])]);
  if (cargo === undefined || rustc === undefined) {
    throw new Missing(
      `Rust is missing (${cargo === undefined ? 'cargo' : 'rustc'} was not found): the native addon and the guests are compiled here, by version ${wanted} or newer.\n` +
        'Get it from https://rustup.rs (on Debian also: apt-get install rustc-web cargo-web), then run this command again.',
    );
  }
  const version = rustc.split(' ')[1];
  const [major, minor] = version.split('.').map(Number);
  if (major < MIN_RUST[0] || (major === MIN_RUST[0] && minor < MIN_RUST[1])) {
    throw new Missing(
      `Rust ${version} is too old: version ${wanted} or newer is needed.\nRun "rustup update", then this command again.`,
    );
  }
  return version;
}

/** Installed packages are those of the lock file if its digest, kept beside them, is still the same. */
async function installPackages() {
  const stamp = join(root, '.setup', 'packages');
  const digest = createHash('sha256')
    .update(await readFile(join(root, 'package-lock.json')))
    .update(process.versions.modules)
    .digest('hex');
  if (existsSync(join(root, 'node_modules')) && (await readFile(stamp, 'utf8').catch(() => '')) === digest)
    return 'up to date';
  // No package here needs an install script to run.
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root });
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, digest);
  return 'installed';
}

async function compileTypeScript() {
  await run('npm', ['run', '--silent', 'build:ts'], { cwd: root });
  return 'dist/';
}

/** The builders are imported late: they may use packages that an earlier step installs. */
async function build(file, name, log) {
  const module = await import(new URL(file, import.meta.url).href);
  const result = await module[name]({ log });
  return typeof result === 'string' ? result : 'built';
}

/**
 * Runs {@link setUp} for a command: on failure says why and ends the process with status 1.
 *
 * @param {{ addon?: boolean }} [options]
 */
export async function setUpOrExit(options) {
  try {
    await setUp(options);
  } catch (error) {
    console.error(error instanceof Missing ? error.message : error);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await setUpOrExit();
