// A target's standard library where rustup cannot fetch it: Debian's rustc-web, and `std` compiled from Debian's rust-web-src into
// target/. Besides the apt packages nothing outside the checkout is written.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './debian.mjs';
import { run } from './process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CARGO = '/usr/bin/cargo';
const RUSTC = '/usr/bin/rustc';

/**
 * @typedef {object} DebianRust
 * @property {string} cargo
 * @property {string} rustc
 * @property {string} version of rustc, for example 1.96.0
 * @property {string} llvm major version of the LLVM that rustc was built with
 * @property {string} linker wasm-ld of that LLVM
 * @property {string} library sources of the standard library, with its dependencies vendored
 */

/**
 * Makes sure that Debian's rustc-web, its library sources and the matching linker are installed.
 *
 * @param {string} target that there is no standard library for, for the error
 * @param {(line: string) => void} log
 * @returns {Promise<DebianRust>}
 * @throws {Error} if this is no Debian, or neither root nor passwordless sudo is available for the packages that are missing
 */
export async function installDebianRust(target, log) {
  const otherwise = `no Rust standard library for ${target}: run "rustup target add ${target}" (rustup comes from https://rustup.rs)`;
  await installPackages(['rustc-web', 'cargo-web', 'rust-web-src'], otherwise, log);
  const rust = await describeRust();
  await installPackages([`lld-${rust.llvm}`], otherwise, log);
  return rust;
}

/**
 * Debian's Rust if all of it is installed already.
 *
 * @returns {Promise<DebianRust | undefined>}
 */
export async function findDebianRust() {
  const rust = existsSync(RUSTC) ? await describeRust() : undefined;
  return rust && [rust.cargo, rust.linker, rust.library].every((path) => existsSync(path)) ? rust : undefined;
}

/** @returns {Promise<DebianRust>} */
async function describeRust() {
  const about = await run(RUSTC, ['-vV']);
  const version = field(about, 'release');
  const llvm = field(about, 'LLVM version').split('.')[0];
  const library = `/usr/src/rustc-${version}/library`;
  return { cargo: CARGO, rustc: RUSTC, version, llvm, linker: `/usr/bin/wasm-ld-${llvm}`, library };
}

function field(about, name) {
  const line = about.split('\n').find((text) => text.startsWith(`${name}: `));
  if (line === undefined) throw new Error(`${RUSTC} -vV does not say its "${name}":\n${about}`);
  return line.slice(name.length + 2);
}

/**
 * Where the standard library of this compiler and target is kept: it must be rebuilt when the compiler changes.
 *
 * @param {DebianRust} rust
 * @param {string} target
 */
export function sysrootFor(rust, target) {
  return join(root, 'target', 'rust-sysroot', `${rust.version}-${target}`);
}

/**
 * Compiles `std` for `target` into `sysroot`, which can then be given to rustc as `--sysroot`. Does nothing if it is there.
 *
 * @param {DebianRust} rust
 * @param {string} target
 * @param {string} sysroot
 * @param {(line: string) => void} log
 */
export async function buildStandardLibrary(rust, target, sysroot, log) {
  if (existsSync(sysroot)) return;
  log(`compiling Rust ${rust.version}'s standard library for ${target} (once, about a minute)`);
  const work = await mkdtemp(join(tmpdir(), 'aingle-wasm-std-'));
  try {
    await writeStubPackage(work, rust);
    await run(
      rust.cargo,
      ['build', '-q', '--release', '--target', target, `-Zbuild-std=std,${panicStrategy(target)}`, '--offline'],
      {
        cwd: work,
        env: stdEnvironment(rust, work),
      },
    );
    await collect(join(work, 'target', target, 'release', 'deps'), target, sysroot);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** WebAssembly has no unwinding; everywhere else a panic of the core is caught and becomes an error. */
function panicStrategy(target) {
  return target.startsWith('wasm') ? 'panic_abort' : 'panic_unwind';
}

/** `-Zbuild-std` needs a package to build for; the vendored sources replace the registry, so nothing is downloaded. */
async function writeStubPackage(work, rust) {
  await mkdir(join(work, 'src'));
  await mkdir(join(work, '.cargo'));
  await writeFile(join(work, 'src', 'lib.rs'), '#![no_std]\n');
  await writeFile(
    join(work, 'Cargo.toml'),
    '[package]\nname = "stub"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\ncodegen-units = 1\n[workspace]\n',
  );
  await writeFile(
    join(work, '.cargo', 'config.toml'),
    `[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "${rust.library}/vendor"\n`,
  );
}

/** RUSTC_BOOTSTRAP: a released compiler takes `-Z` flags only so. An own CARGO_HOME keeps the user's configuration out. */
function stdEnvironment(rust, work) {
  const env = {
    ...process.env,
    RUSTC: rust.rustc,
    RUSTC_BOOTSTRAP: '1',
    // Bitcode for link-time optimisation; the sources' folder stays out of panic messages.
    RUSTFLAGS: `-Cembed-bitcode=yes --remap-path-prefix=${rust.library}/=std/`,
    CARGO_HOME: join(work, 'home'),
    CARGO_TARGET_DIR: join(work, 'target'),
  };
  delete env.RUSTUP_TOOLCHAIN;
  delete env.CARGO_ENCODED_RUSTFLAGS;
  return env;
}

/** Lays the libraries out as rustc expects them; renamed into place whole, so that a half-written folder is never taken for a library. */
async function collect(deps, target, sysroot) {
  const part = `${sysroot}.${process.pid}.part`;
  const library = join(part, 'lib', 'rustlib', target, 'lib');
  await rm(part, { recursive: true, force: true });
  await mkdir(library, { recursive: true });
  for (const name of await readdir(deps)) {
    if (name.endsWith('.rlib') && !name.startsWith('libstub-')) await copyFile(join(deps, name), join(library, name));
  }
  await rename(part, sysroot);
}
