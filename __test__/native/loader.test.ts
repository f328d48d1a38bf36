// Which addon is loaded in which situation, and what is said when none can be.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { demanding, foreign, install, intact, type Layout, temporaryFolder, text, truncated } from './installed';
import { runProgram } from './support';

interface Described {
  readonly kind?: string;
  readonly version?: string;
  readonly source?: string;
  readonly attempts: readonly { source: string; reason: string }[];
  readonly code?: string;
  readonly message?: string;
  /** Texts of the warnings. */
  readonly fallback: readonly string[];
  readonly LIBC?: string;
}

const { TARGETS } = createRequire(import.meta.url)(
  '../../scripts/targets.cjs',
) as typeof import('../../scripts/targets.cjs');

const folder = temporaryFolder();
afterAll(folder.remove);

const MACHINE = `linux-${process.arch}`;
const PACKAGE = `${MACHINE}-gnu`;
const LOCAL = 'build/Release/aingle_wasm.node';
const BUNDLED = `prebuilds/${MACHINE}/aingle-wasm.glibc.node`;
const FROM_PACKAGE = `aingle_wasm.${PACKAGE}.node`;
const INSTALL = `not installed; run "npm install --include=optional --os=linux --cpu=${process.arch} --libc=glibc"`;
const FORBIDDEN =
  'this process may not load addons: start Node without --no-addons, and with --allow-addons under its permission model';
const NO_WEBASSEMBLY = 'this process has no WebAssembly: start Node without --jitless';
const NOT_EXECUTABLE = 'wasmer: this process may not make memory executable';
const none = (source: string, reason = 'none is there') => ({ source, reason });
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

/** Programs that set up what Node has no flag for, and run the rest of their arguments. */
const LAUNCHERS = {
  /** A file system that refuses to run what is on it, over the folder of this test. */
  noexec: [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount --bind "$0" "$0" && mount -o remount,bind,noexec "$0" && exec "$@"',
    folder.path,
  ],
  /** As systemd's MemoryDenyWriteExecute: prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN). */
  denyWriteExecute: [
    'python3',
    '-c',
    'import ctypes, os, sys\nif ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): sys.exit("no PR_SET_MDWE")\nos.execvp(sys.argv[1], sys.argv[1:])',
  ],
} as const;
type Launcher = keyof typeof LAUNCHERS;

/** Whether this machine has what a launcher needs: root for a mount, Linux 6.3 for the other. */
function works(launcher: Launcher): boolean {
  const [file, ...args] = LAUNCHERS[launcher];
  return spawnSync(file, [...args, process.execPath, '--jitless', '--version']).status === 0;
}

interface Situation {
  readonly title: string;
  /** Default: the built checkout itself. */
  readonly layout?: Layout;
  readonly backend?: string;
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly launcher?: Launcher;
  readonly machine?: {
    readonly platform?: string;
    readonly arch?: string;
    readonly machine?: string;
    readonly libc?: string;
  };
  readonly expected: Partial<Described>;
}

const NATIVE: readonly Situation[] = [
  {
    title: 'a build in the checkout',
    expected: { kind: 'wasmer', version: '6.1.0', source: LOCAL, attempts: [], fallback: [] },
  },
  {
    title: 'the other engine inside, by name',
    backend: 'wasmi',
    expected: { kind: 'wasmi', version: '2.0.0', source: LOCAL, attempts: [] },
  },
  {
    title: 'the variable, where nothing was asked for',
    env: { AINGLE_WASM_BACKEND: 'wasmi' },
    expected: { kind: 'wasmi' },
  },
  {
    title: 'the variable, where something was',
    backend: 'wasmer',
    env: { AINGLE_WASM_BACKEND: 'wasmi' },
    expected: { kind: 'wasmer' },
  },
  {
    title: 'a bundled prebuild, with a LIBC of another tool',
    layout: { builds: { [BUNDLED]: intact } },
    env: { LIBC: '/lib/libc.so.6' },
    expected: { kind: 'wasmer', source: BUNDLED, attempts: [], LIBC: '/lib/libc.so.6' },
  },
  {
    title: 'the platform package',
    layout: { packages: { [PACKAGE]: intact } },
    expected: { kind: 'wasmer', source: FROM_PACKAGE, attempts: [none('local build')], fallback: [] },
  },
  {
    title: 'a local build before the platform package',
    layout: { builds: { [LOCAL]: intact }, packages: { [PACKAGE]: intact } },
    expected: { source: LOCAL, attempts: [] },
  },
  {
    title: 'a damaged bundle beside an intact platform package',
    layout: { builds: { [BUNDLED]: truncated }, packages: { [PACKAGE]: intact } },
    expected: {
      source: FROM_PACKAGE,
      attempts: [
        none(BUNDLED, expect.stringMatching(/^it is damaged: 4096 bytes of \d+ are there, install it again$/)),
      ],
    },
  },
  {
    title: 'the platform package without node-gyp-build',
    layout: { packages: { [PACKAGE]: intact }, withoutLoader: true },
    expected: {
      source: FROM_PACKAGE,
      attempts: [none('local build', expect.stringContaining("Cannot find module 'node-gyp-build'"))],
    },
  },
  {
    title: 'both C libraries installed, on musl',
    layout: { packages: { [PACKAGE]: truncated, [`${MACHINE}-musl`]: intact } },
    machine: { libc: 'musl' },
    expected: { source: `aingle_wasm.${MACHINE}-musl.node` },
  },
  {
    title: 'a 32-bit Node on a 64-bit ARM kernel',
    layout: { packages: { 'linux-arm-gnueabihf': intact } },
    machine: { arch: 'arm', machine: 'aarch64' },
    expected: { source: 'aingle_wasm.linux-arm-gnueabihf.node' },
  },
  {
    title: 'a bundled prebuild on ARMv7, whatever Node was built for',
    layout: { builds: { 'prebuilds/linux-arm/aingle-wasm.armv7.glibc.node': intact } },
    machine: { arch: 'arm', machine: 'armv7l' },
    expected: { source: 'prebuilds/linux-arm/aingle-wasm.armv7.glibc.node' },
  },
  {
    title: '--jitless: the addon needs no JIT of V8',
    flags: ['--jitless'],
    expected: { kind: 'wasmer', attempts: [] },
  },
  {
    title: 'memory that may not be made executable: the interpreter',
    launcher: 'denyWriteExecute',
    flags: ['--jitless'],
    expected: { kind: 'wasmi', attempts: [none(LOCAL, NOT_EXECUTABLE)], fallback: [] },
  },
];

/** Attempts that leave v8, whose warning and whose error for a native backend both say them. */
const FALLBACKS: readonly (Omit<Situation, 'expected' | 'backend'> & { readonly attempts: Described['attempts'] })[] = [
  {
    title: 'a path that names nothing',
    env: { AINGLE_WASM_NATIVE_PATH: join(tmpdir(), 'nothing-here.node') },
    attempts: [none('nothing-here.node', 'there is no such file; AINGLE_WASM_NATIVE_PATH names it')],
  },
  {
    title: 'no optional dependencies',
    layout: {},
    attempts: [none('local build'), none('platform package', INSTALL)],
  },
  {
    title: '--no-addons',
    flags: ['--no-addons'],
    attempts: [none(LOCAL, FORBIDDEN)],
  },
  {
    title: 'the permission model',
    flags: [PERMISSION, '--allow-fs-read=*'],
    attempts: [none(LOCAL, FORBIDDEN)],
  },
  {
    title: 'a file system mounted noexec',
    layout: { packages: { [PACKAGE]: intact } },
    launcher: 'noexec',
    attempts: [
      none('local build'),
      none(
        FROM_PACKAGE,
        'this process may not run code from that file: its file system is mounted noexec, or a security policy forbids it',
      ),
    ],
  },
  {
    title: 'an addon for another processor',
    layout: { packages: { [PACKAGE]: foreign } },
    attempts: [
      none('local build'),
      none(
        FROM_PACKAGE,
        expect.stringMatching(`^it is damaged or for another machine than linux ${process.arch} glibc`),
      ),
    ],
  },
  {
    title: 'a truncated addon',
    layout: { packages: { [PACKAGE]: truncated } },
    attempts: [none('local build'), none(FROM_PACKAGE, expect.stringMatching('^it is damaged: 4096 bytes of'))],
  },
  {
    title: 'a file that is no addon',
    layout: { packages: { [PACKAGE]: text } },
    attempts: [none('local build'), none(FROM_PACKAGE, expect.stringMatching('^it is damaged or for another machine'))],
  },
  {
    title: 'an older C library than the addon needs',
    layout: { packages: { [PACKAGE]: demanding } },
    attempts: [
      none('local build'),
      none(FROM_PACKAGE, expect.stringMatching(/^it needs glibc 2\.99, this system has 2\.\d+$/)),
    ],
  },
  {
    title: 'an addon of another release',
    layout: { packages: { [PACKAGE]: intact }, version: '7.8.9' },
    attempts: [
      none('local build'),
      none(FROM_PACKAGE, 'it is of version 0.1.0, not 7.8.9: install both from one release'),
    ],
  },
  {
    title: 'ARMv6, where the addon would end the process',
    layout: { packages: { 'linux-arm-gnueabihf': intact } },
    machine: { arch: 'arm', machine: 'armv6l' },
    attempts: [none('arm', 'this processor is armv6l, the addon needs ARMv7 (Raspberry Pi 2 or newer)')],
  },
  {
    title: 'musl on 32-bit ARM',
    layout: { packages: { 'linux-arm-gnueabihf': intact } },
    machine: { arch: 'arm', machine: 'armv7l', libc: 'musl' },
    attempts: [none('local build'), none('platform package', 'none is made for linux arm musl')],
  },
  {
    title: 'a processor without a package',
    layout: {},
    machine: { arch: 'riscv64' },
    attempts: [none('local build'), none('platform package', 'none is made for linux riscv64 glibc')],
  },
  {
    title: 'a system without a package',
    layout: {},
    machine: { platform: 'freebsd' },
    attempts: [none('local build'), none('platform package', `none is made for freebsd ${process.arch}`)],
  },
];

let number = 0;

async function described(situation: Omit<Situation, 'expected' | 'title'>): Promise<Described> {
  const { layout, backend = 'auto', flags = [], env = {}, launcher, machine } = situation;
  const entry = layout === undefined ? [] : [install(join(folder.path, String(number++)), layout)];
  const preload = machine === undefined ? [] : ['--require', join(__dirname, 'programs', 'other-machine.cjs')];
  const { output, errors, status } = await runProgram('backend', [backend, ...entry], {
    launcher: launcher === undefined ? [] : LAUNCHERS[launcher],
    flags: [...preload, ...flags],
    env: { OTHER_MACHINE: JSON.stringify(machine), ...env },
  });
  expect(status, errors).toBe(0);
  return JSON.parse(output);
}

/** What the row needs is there: skipped where it is not, and said so by the runner. */
const can = ({ launcher }: { launcher?: Launcher }) => launcher === undefined || works(launcher);

describe('native', () => {
  for (const situation of NATIVE) {
    test.runIf(can(situation))(situation.title, async () => {
      expect(await described(situation)).toMatchObject(situation.expected);
    });
  }
});

describe('v8 with one warning, or an error for who insists', () => {
  for (const { attempts, ...situation } of FALLBACKS) {
    test.runIf(can(situation))(situation.title, async () => {
      const found = await described(situation);
      expect(found).toMatchObject({ kind: 'v8', source: 'node', attempts });
      expect(found.fallback).toHaveLength(1);
      const forced = await described({ ...situation, backend: 'wasmi' });
      expect(forced).toMatchObject({ code: 'ERR_ENGINE_UNAVAILABLE', backend: 'wasmi', attempts, fallback: [] });
      for (const { source, reason } of found.attempts) {
        for (const said of [found.fallback[0], forced.message]) expect(said).toContain(`${source}: ${reason}`);
        expect(reason).not.toMatch(/[/\\](tmp|home|root|usr)\b|\n/);
      }
    });
  }
});

test('v8 by name is nothing to warn of', async () => {
  expect(await described({ backend: 'v8', flags: ['--no-addons'] })).toMatchObject({ kind: 'v8', fallback: [] });
});

test('v8 by name without WebAssembly is an error', async () => {
  const found = await described({ backend: 'v8', flags: ['--jitless'] });
  expect(found).toMatchObject({ code: 'ERR_ENGINE_UNAVAILABLE', attempts: [none('node', NO_WEBASSEMBLY)] });
});

test('with neither an addon nor WebAssembly there is no engine', async () => {
  const found = await described({ flags: ['--jitless', '--no-addons'] });
  const attempts = [none(LOCAL, FORBIDDEN), none('node', NO_WEBASSEMBLY)];
  expect(found).toMatchObject({ code: 'ERR_ENGINE_UNAVAILABLE', attempts, fallback: [] });
  expect(found.message).toMatch(/^No backend can run here \(build/);
});

test.runIf(works('denyWriteExecute'))(
  'wasmer by name where memory may not be made executable is an error',
  async () => {
    const found = await described({ backend: 'wasmer', launcher: 'denyWriteExecute', flags: ['--jitless'] });
    expect(found).toMatchObject({
      code: 'ERR_ENGINE_UNAVAILABLE',
      attempts: [none(LOCAL, NOT_EXECUTABLE), none(LOCAL, 'it contains wasmi, not wasmer')],
    });
  },
);

test('the packages that the loader knows are those of the table', async () => {
  for (const { name, platform, arch, libc, armv } of TARGETS) {
    const packages = { [name]: intact };
    const machine = { platform, arch, machine: armv === undefined ? arch : `armv${armv}l`, ...(libc && { libc }) };
    expect(await described({ layout: { packages }, machine }), name).toMatchObject({
      source: `aingle_wasm.${name}.node`,
    });
  }
});
