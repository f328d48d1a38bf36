// What a published addon must be: for the right machine, loadable on the oldest system promised, never unloaded, without names or paths
// of the machine that built it, and small. All of it is read from the file.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';
import { sizeFaults, sizeOf } from './sizes.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Libraries that are part of every system with that C library; Node itself needs libgcc. */
const LIBRARIES = {
  glibc: /^(lib(c|m|dl|pthread|rt)\.so\.\d|libgcc_s\.so\.1|ld-linux[-\w]*\.so\.\d)$/,
  musl: /^(libc\.so|libc\.musl-\w+\.so\.1|libgcc_s\.so\.1)$/,
};
/** 32-bit ARM that every board since the Raspberry Pi 2 has: no NEON, no more than VFPv3. */
const ARM_ATTRIBUTES = {
  Tag_CPU_arch: /^v7$/,
  Tag_FP_arch: /^VFPv3/,
  Tag_ABI_VFP_args: /^VFP registers$/,
  Tag_Advanced_SIMD_arch: undefined,
};
const ENTRY = 'napi_register_module_v1';
/** What Node calls, and functions of wasmer that it declares as visible; nothing else looks for them. */
const EXPORTS = /^(napi_register_module_v1|wasmer_(vm|eh)_\w+|WASMER_VM_PROBESTACK)$/;

/**
 * Checks one file and throws an error that lists all that is wrong with it.
 *
 * @param {import('./targets.cjs').Target} target
 * @param {string} file
 * @returns {Promise<import('./sizes.mjs').Size>}
 */
export async function checkBinary(target, file) {
  const content = await readFile(file);
  const size = sizeOf(content);
  const faults = [
    ...(await sizeFaults(target, size)),
    ...foreignPaths(content),
    ...(target.platform === 'linux' ? await elfFaults(target, file) : []),
  ];
  if (faults.length > 0)
    throw new Error(`${target.name}: the addon\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
  return size;
}

/** Folders of the machine that built it, which panic messages would show to every user. */
function foreignPaths(content) {
  const text = content.toString('latin1');
  return [root, homedir(), '/home/', '/Users/']
    .filter((path) => path.length > 1 && text.includes(path))
    .map((path) => `contains the path ${path}`);
}

async function elfFaults(target, file) {
  const about = await run(
    'readelf',
    ['--wide', '--file-header', '--dynamic', '--dyn-syms', '--version-info', '--arch-specific', '--notes', file],
    {
      env: { ...process.env, LC_ALL: 'C' },
    },
  );
  return [
    ...expect('machine', /^ +Machine: +(.*)$/m.exec(about)?.[1], target.machine),
    ...exports(about),
    ...(/\(FLAGS_1\).*\bNODELETE\b/.test(about) ? [] : ['may be unloaded: -z nodelete is missing']),
    ...neededLibraries(about, target),
    ...libraryVersions(about, target),
    ...processor(about, target),
  ];
}

function expect(what, found, wanted) {
  return found === wanted ? [] : [`has ${what} "${found}", not "${wanted}"`];
}

/** Symbols that other libraries could see. */
function exports(about) {
  const symbols = about.matchAll(/^ +\d+: [0-9a-f]+ +\w+ +\w+ +(?:GLOBAL|WEAK) +DEFAULT +(?!UND)\w+ ([^@\s]+)/gm);
  const names = [...symbols].map(([, name]) => name);
  const entry = names.includes(ENTRY) ? [] : [`does not export ${ENTRY}`];
  return [...entry, ...names.filter((name) => !EXPORTS.test(name)).map((name) => `exports ${name}`)];
}

function neededLibraries(about, { libc }) {
  const names = [...about.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  // Without it the C library is inside, and its heap is not the process's.
  const shared = names.some((name) => name.startsWith('libc.')) ? [] : ['does not need the C library: it is linked in'];
  return [...shared, ...names.filter((name) => !LIBRARIES[libc].test(name)).map((name) => `needs the library ${name}`)];
}

/** glibc refuses to load what names a version that it does not have; musl looks at names only. */
function libraryVersions(about, { glibc }) {
  if (glibc === undefined) return [];
  const versions = new Set([...about.matchAll(/\bGLIBC_([\d.]+)/g)].map(([, version]) => version));
  return [...versions]
    .filter((version) => newer(version, glibc))
    .map((version) => `needs glibc ${version}, ${glibc} is promised`);
}

function newer(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  return a[0] !== b[0] ? a[0] > b[0] : (a[1] ?? 0) > (b[1] ?? 0);
}

function processor(about, { arch }) {
  if (arch === 'x64') {
    const needed = /x86 ISA needed: (.*)/.exec(about)?.[1];
    return needed === undefined ? [] : expect('instruction set', needed, 'x86-64-baseline');
  }
  if (arch !== 'arm') return [];
  return Object.entries(ARM_ATTRIBUTES).flatMap(([name, wanted]) => {
    const found = new RegExp(`^ +${name}: (.*)$`, 'm').exec(about)?.[1];
    const fits = wanted === undefined ? found === undefined : found !== undefined && wanted.test(found);
    return fits ? [] : [`has ${name} "${found}"`];
  });
}
