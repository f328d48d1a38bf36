// A Rust toolchain with the standard library of a target, wherever it comes from: rustup on a laptop, Debian's sources on a bare Debian.
import { existsSync, readdirSync } from 'node:fs';
import { ask } from './process.mjs';
import { buildStandardLibrary, findDebianRust, installDebianRust, sysrootFor } from './standard-library.mjs';

/**
 * @typedef {object} Toolchain
 * @property {string} cargo
 * @property {string} rustc
 * @property {string[]} rustflags flags that every compilation needs, for example the folder of the standard library
 * @property {string} [linker] linker for WebAssembly to name explicitly; undefined where rustc brings its own
 */

/** @type {Map<string, Promise<Toolchain>>} */
const found = new Map();

/**
 * Finds, and if need be installs, a toolchain for a target. Asked once in a process.
 *
 * Tried in this order: the rustc on PATH; Debian's rustc-web if an earlier run made it ready; the rustc on PATH after
 * `rustup target add`; Debian's rustc-web with a standard library built from Debian's sources into target/.
 *
 * @param {string} target in Rust's words
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<Toolchain>}
 */
export function rustToolchain(target, { log = () => {} } = {}) {
  let toolchain = found.get(target);
  if (toolchain === undefined) {
    toolchain = findToolchain(target, log).catch((error) => {
      found.delete(target);
      throw error;
    });
    found.set(target, toolchain);
  }
  return toolchain;
}

/** What is there already comes before what has to be fetched: without a network, rustup takes long to give up. */
async function findToolchain(target, log) {
  const onPath = { cargo: 'cargo', rustc: 'rustc', rustflags: [] };
  if (await hasStandardLibrary('rustc', target)) return onPath;
  const ready = await readyDebianToolchain(target);
  if (ready !== undefined) return ready;
  if (await addTargetByRustup(target, log)) return onPath;
  const rust = await installDebianRust(target, log);
  await buildStandardLibrary(rust, target, sysrootFor(rust, target), log);
  return debianToolchain(rust, target);
}

async function hasStandardLibrary(rustc, target) {
  const folder = await ask(rustc, ['--print', 'target-libdir', '--target', target]);
  return (
    folder !== undefined && existsSync(folder) && readdirSync(folder).some((name) => /^libstd-.*\.rlib$/.test(name))
  );
}

async function readyDebianToolchain(target) {
  const rust = await findDebianRust();
  if (rust === undefined) return undefined;
  const own = await hasStandardLibrary(rust.rustc, target);
  return own || existsSync(sysrootFor(rust, target)) ? debianToolchain(rust, target) : undefined;
}

async function addTargetByRustup(target, log) {
  if ((await ask('rustup', ['--version'])) === undefined) return false;
  log(`rustup target add ${target}`);
  if ((await ask('rustup', ['target', 'add', target])) === undefined) return false;
  return hasStandardLibrary('rustc', target);
}

/** With the standard library that was built here, where there is one; else with the compiler's own. */
function debianToolchain(rust, target) {
  const sysroot = sysrootFor(rust, target);
  const rustflags = existsSync(sysroot) ? ['--sysroot', sysroot] : [];
  return { cargo: rust.cargo, rustc: rust.rustc, rustflags, linker: rust.linker };
}
