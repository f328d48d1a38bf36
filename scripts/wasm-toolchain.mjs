// A Rust toolchain that can build for wasm32-unknown-unknown, wherever it comes from. Everything here that compiles to WebAssembly
// (the fallback, the guests) goes through `wasmCargo`, so that it builds the same way on a laptop with rustup and on a bare Debian.
import { existsSync, readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { ask, run } from './process.mjs';
import { buildStandardLibrary, findDebianRust, installDebianRust, sysrootFor } from './wasm-std.mjs';

export const WASM_TARGET = 'wasm32-unknown-unknown';

/**
 * @typedef {object} Toolchain
 * @property {string} cargo
 * @property {string} rustc
 * @property {string[]} rustflags flags that every compilation needs, for example the folder of the standard library
 * @property {string} [linker] linker to name explicitly; undefined where rustc brings its own
 */

/** @type {Promise<Toolchain> | undefined} */
let found;

/**
 * Runs cargo for wasm32-unknown-unknown, after making sure that a compiler with that standard library is there.
 *
 * @param {object} options
 * @param {readonly string[]} options.args cargo's arguments without `--target`, for example `['build', '--release', '-p', 'x']`
 * @param {NodeJS.ProcessEnv} [options.env] variables added to this process's own (`CARGO_TARGET_DIR`, …); RUSTFLAGS is not read
 * @param {readonly string[]} [options.rustflags] flags for the wasm32 compilations only, one string each
 * @param {string} [options.cwd] folder to run in
 * @param {(line: string) => void} [options.log] told what is installed or built besides
 * @returns {Promise<string>} what cargo wrote to its standard output
 */
export async function wasmCargo({ args, env = {}, rustflags = [], cwd, log = () => {} }) {
  const toolchain = await wasmToolchain({ log });
  const [command, ...rest] = args;
  return run(toolchain.cargo, [command, '--target', WASM_TARGET, ...rest], {
    cwd,
    env: { ...cargoEnvironment(toolchain, rustflags), ...env },
  });
}

/**
 * Finds, and if need be installs, a toolchain for wasm32-unknown-unknown. Asked once in a process.
 *
 * Tried in this order: the rustc on PATH; Debian's rustc-web if an earlier run made it ready; the rustc on PATH after
 * `rustup target add`; Debian's rustc-web with a standard library built from Debian's sources into target/.
 *
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<Toolchain>}
 */
export function wasmToolchain({ log = () => {} } = {}) {
  found ??= findToolchain(log).catch((error) => {
    found = undefined;
    throw error;
  });
  return found;
}

/** What is there already comes before what has to be fetched: without a network, rustup takes long to give up. */
async function findToolchain(log) {
  const onPath = { cargo: 'cargo', rustc: 'rustc', rustflags: [] };
  if (await hasStandardLibrary('rustc')) return onPath;
  const ready = await readyDebianToolchain();
  if (ready !== undefined) return ready;
  if (await addTargetByRustup(log)) return onPath;
  const rust = await installDebianRust(log);
  await buildStandardLibrary(rust, WASM_TARGET, sysrootFor(rust, WASM_TARGET), log);
  return debianToolchain(rust);
}

/** @param {string} rustc */
async function hasStandardLibrary(rustc) {
  const folder = await ask(rustc, ['--print', 'target-libdir', '--target', WASM_TARGET]);
  return (
    folder !== undefined && existsSync(folder) && readdirSync(folder).some((name) => /^libstd-.*\.rlib$/.test(name))
  );
}

async function readyDebianToolchain() {
  const rust = await findDebianRust();
  if (rust === undefined) return undefined;
  const own = await hasStandardLibrary(rust.rustc);
  return own || existsSync(sysrootFor(rust, WASM_TARGET)) ? debianToolchain(rust) : undefined;
}

async function addTargetByRustup(log) {
  if ((await ask('rustup', ['--version'])) === undefined) return false;
  log(`rustup target add ${WASM_TARGET}`);
  if ((await ask('rustup', ['target', 'add', WASM_TARGET])) === undefined) return false;
  return hasStandardLibrary('rustc');
}

/** With the standard library that was built here, where there is one; else with the compiler's own. */
function debianToolchain(rust) {
  const sysroot = sysrootFor(rust, WASM_TARGET);
  const rustflags = existsSync(sysroot) ? ['--sysroot', sysroot] : [];
  return { cargo: rust.cargo, rustc: rust.rustc, rustflags, linker: rust.linker };
}

/**
 * Flags go through CARGO_ENCODED_RUSTFLAGS: with `--target`, cargo keeps them away from build scripts and procedural macros.
 *
 * @param {Toolchain} toolchain
 * @param {readonly string[]} rustflags
 */
function cargoEnvironment(toolchain, rustflags) {
  const env = {
    ...process.env,
    RUSTC: toolchain.rustc,
    CARGO_ENCODED_RUSTFLAGS: [...toolchain.rustflags, ...rustflags].join('\x1f'),
  };
  delete env.RUSTFLAGS;
  if (toolchain.linker !== undefined)
    env[`CARGO_TARGET_${WASM_TARGET.toUpperCase().replaceAll('-', '_')}_LINKER`] = toolchain.linker;
  return env;
}

/**
 * The rustc flag that keeps a folder's path out of what is built: panic messages then name files relative to it.
 *
 * @param {string} folder
 */
export function remapFlag(folder) {
  return `--remap-path-prefix=${folder.endsWith(sep) ? folder : folder + sep}=`;
}
