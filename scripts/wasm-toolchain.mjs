// A Rust toolchain that can build for wasm32-unknown-unknown, wherever it comes from. Everything here that compiles to WebAssembly
// (the fallback, the guests) goes through `wasmCargo`, so that it builds the same way on a laptop with rustup and on a bare Debian.
import { sep } from 'node:path';
import { run } from './process.mjs';
import { rustToolchain } from './rust-toolchain.mjs';

export const WASM_TARGET = 'wasm32-unknown-unknown';

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
  const toolchain = await rustToolchain(WASM_TARGET, { log });
  const [command, ...rest] = args;
  return run(toolchain.cargo, [command, '--target', WASM_TARGET, ...rest], {
    cwd,
    env: { ...cargoEnvironment(toolchain, rustflags), ...env },
  });
}

/**
 * Flags go through CARGO_ENCODED_RUSTFLAGS: with `--target`, cargo keeps them away from build scripts and procedural macros.
 *
 * @param {import('./rust-toolchain.mjs').Toolchain} toolchain
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
