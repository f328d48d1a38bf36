// What cargo needs in order to build for a row of `targets.cjs` on this machine: the standard library, a linker, the C library of the
// systems that are to load the result.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './debian.mjs';
import { rustToolchain } from './rust-toolchain.mjs';
import { fetchSysroot } from './sysroot.mjs';
import { remapFlag } from './wasm-toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Everything that builds of other targets write is below this folder. */
export const CROSS_FOLDER = join(root, 'target', 'cross');

/**
 * Gets ready to build for a target and resolves with the variables to run cargo with.
 *
 * @param {import('./targets.cjs').Target} target
 * @param {(line: string) => void} log
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function crossEnvironment(target, log) {
  const toolchain = await rustToolchain(target.triple, { log });
  const linking = target.sysroot === undefined ? [] : await linkAgainst(target, log);
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  // Paths of this machine stay out of panic messages, which are part of the file.
  const flags = [...toolchain.rustflags, remapFlag(root), remapFlag(cargoHome), ...(target.flags ?? []), ...linking];
  const env = {
    ...process.env,
    CARGO: toolchain.cargo,
    RUSTC: toolchain.rustc,
    CARGO_TARGET_DIR: CROSS_FOLDER,
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    // Windows starts no scripts: the addon made there is larger.
    ...(process.platform !== 'win32' && { RUSTC_WRAPPER: join(root, 'scripts', 'rustc-one-processor.sh') }),
    ...(target.gcc && {
      [`CARGO_TARGET_${target.triple.toUpperCase().replaceAll('-', '_')}_LINKER`]: `${target.gcc}-gcc`,
    }),
  };
  delete env.RUSTFLAGS;
  return env;
}

/**
 * The folder with the C library of a target's row, fetched if need be.
 *
 * @param {import('./targets.cjs').Target} target
 * @param {(line: string) => void} log
 */
export async function sysrootOf({ name, sysroot }, log) {
  // Another recipe is another folder.
  const recipe = createHash('sha256').update(JSON.stringify(sysroot)).digest('hex').slice(0, 8);
  const folder = join(CROSS_FOLDER, 'sysroot', `${name}-${recipe}`);
  await fetchSysroot(sysroot, folder, log);
  return folder;
}

/** Debian's gcc looks into its own folders first: `--sysroot` alone would silently link against this machine's C library. */
async function linkAgainst(target, log) {
  const { triple, gcc, libc, sysroot } = target;
  const compiler = gcc === 'x86_64-linux-gnu' && process.arch === 'x64' ? 'gcc' : `gcc-${gcc.replaceAll('_', '-')}`;
  await installPackages([compiler], `to link for ${triple} Debian's package ${compiler} is needed`, log);
  const folder = await sysrootOf(target, log);
  const libraries = join(folder, 'usr', 'lib', sysroot.libraries);
  return [
    `-Clink-arg=--sysroot=${folder}`,
    `-Clink-arg=-B${libraries}`,
    `-Clink-arg=-L${libraries}`,
    `-Clink-arg=-L${join(folder, 'lib', sysroot.libraries)}`,
    // A musl build is static unless told otherwise, and a static library cannot be an addon.
    ...(libc === 'musl' ? ['-Ctarget-feature=-crt-static'] : []),
  ];
}
