// `npm run test:install`: installs what `npm run stage` laid out, from a registry on this machine, with every package manager, and runs a
// consumer's Express server in each. Says for each row what it ran on; the last line are the totals.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { packOffline } from './pack-offline.mjs';
import { localBuild, prebuilds } from './prebuilds.mjs';
import { run } from './process.mjs';
import { startRegistry } from './registry.mjs';
import { TARBALLS } from './stage.mjs';

const { version, devDependencies } = createRequire(import.meta.url)('../package.json');
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(root, '.setup', 'install-tests');
const GUEST = join(root, 'guests', 'build', 'echo.wasm');
const PACKAGE = `linux-${process.arch}-gnu`;
const SOURCE = `aingle_wasm.${PACKAGE}.node`;

/** Installers that are not here already, pinned. They are not among the package's own dependencies: only this test needs them. */
const INSTALLERS = { pnpm: '12.21.0', '@yarnpkg/cli-dist': '4.18.1', '@oven/bun-linux-x64': '1.4.5' };
const BIN = join(FOLDER, 'installers', 'node_modules');
const PNPM = [process.execPath, join(BIN, 'pnpm', 'bin', 'pnpm.mjs')];
const YARN = [process.execPath, join(BIN, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')];
const BUN = [join(BIN, '@oven', 'bun-linux-x64', 'bin', 'bun')];
const NPM = ['npm', 'install', '--no-audit', '--no-fund'];
const NODE = [process.execPath];
/** Of the guest's call: the same on every backend. */
const FUEL = '6296';
/** Folders that a later row took over, by its title. */
const moved = new Map();

const native = { kind: 'wasmer', source: SOURCE, packages: [PACKAGE] };
const fallback = { kind: 'v8', source: 'node', packages: [] };
/** A package for another platform can be installed, and is not loaded. */
const other = (name) => ({ ...fallback, packages: has(name) ? [name] : [] });

/**
 * What is run, in order, and what must come of it. `after` is a row whose folder is taken over, with its lock file.
 */
const ROWS = [
  { title: 'npm install', install: [NPM], expected: native },
  { title: 'npm ci', after: 'npm install', install: [['npm', 'ci', '--no-audit', '--no-fund']], expected: native },
  {
    title: "npm ci, offline, from npm's cache",
    after: 'npm ci',
    install: [['npm', 'ci', '--offline', '--no-audit', '--no-fund']],
    expected: native,
  },
  { title: 'npm install --ignore-scripts', install: [[...NPM, '--ignore-scripts']], expected: native },
  { title: 'npm install --omit=optional', install: [[...NPM, '--omit=optional']], expected: fallback },
  {
    title: 'npm install for ARM64',
    install: [[...NPM, '--os=linux', '--cpu=arm64', '--libc=glibc']],
    expected: other('linux-arm64-gnu'),
  },
  {
    title: 'npm install for 32-bit ARM',
    install: [[...NPM, '--os=linux', '--cpu=arm', '--libc=glibc']],
    expected: other('linux-arm-gnueabihf'),
  },
  {
    title: 'npm install for 32-bit ARM with musl',
    install: [[...NPM, '--os=linux', '--cpu=arm', '--libc=musl']],
    expected: fallback,
  },
  { title: 'npm install for musl', install: [[...NPM, '--libc=musl']], expected: other('linux-x64-musl') },
  { title: 'npm install for a processor without a package', install: [[...NPM, '--cpu=riscv64']], expected: fallback },
  {
    title: 'npm install of the offline tarball, without a registry',
    offline: true,
    install: [],
    expected: { kind: 'wasmer', source: `prebuilds/linux-${process.arch}/aingle-wasm.glibc.node`, packages: [] },
  },
  { title: 'pnpm install', install: [[...PNPM, 'install']], expected: native },
  {
    title: 'pnpm install --frozen-lockfile',
    after: 'pnpm install',
    install: [[...PNPM, 'install', '--frozen-lockfile']],
    expected: native,
  },
  {
    title: "Yarn with Plug'n'Play",
    install: [[...YARN, 'install']],
    node: [...YARN, 'node'],
    expected: { ...native, packages: undefined },
  },
  {
    title: 'Yarn, immutable',
    after: "Yarn with Plug'n'Play",
    install: [[...YARN, 'install', '--immutable']],
    node: [...YARN, 'node'],
    expected: { ...native, packages: undefined },
  },
  { title: 'Bun', needs: 'x64', install: [[...BUN, 'install']], expected: native },
].filter(({ needs }) => needs === undefined || needs === process.arch);

/** @returns {Promise<number>} 1 if the row failed */
async function report(row) {
  const begun = performance.now();
  const fault = await faultOf(row);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${fault === undefined ? '✓' : '✗'} ${row.title}: ${fault ?? describe(row.expected)} (${seconds} s)`);
  return fault === undefined ? 0 : 1;
}

function describe({ kind, packages }) {
  return packages?.length > 0 ? `${kind}, with ${packages.join(', ')}` : kind;
}

async function faultOf({ title, after, offline: plain, install, node = NODE, expected }) {
  const folder = folderOf(after ?? title);
  try {
    if (after === undefined) await writeProject(folder, plain);
    else if (title.includes('npm ci') || title.includes('frozen'))
      await rm(join(folder, 'node_modules'), { recursive: true });
    if (after !== undefined) moved.set(title, folder);
    const env = environment(plain);
    const commands = plain ? [[...NPM, '--offline', offline]] : install;
    for (const [file, ...args] of commands) await run(file, args, { cwd: folder, env });
    const [file, ...args] = [...node, join(folder, 'app.cjs'), GUEST, ...(plain ? ['plain'] : [])];
    const { kind, source, text, fuel } = JSON.parse(await run(file, args, { cwd: folder, env }));
    const found = { kind, source, text, fuel, packages: expected.packages && (await platformPackages(folder)) };
    const wanted = {
      kind: expected.kind,
      source: expected.source,
      text: 'Hello, Ada!',
      fuel: FUEL,
      packages: expected.packages,
    };
    return isDeepStrictEqual(found, wanted)
      ? undefined
      : `${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`;
  } catch (error) {
    return error.message;
  }
}

function folderOf(title) {
  return moved.get(title) ?? join(FOLDER, title.replaceAll(/\W+/g, '-'));
}

async function writeProject(folder, plain) {
  await mkdir(folder, { recursive: true });
  const dependencies = plain ? {} : { 'aingle-wasm': version, express: devDependencies.express };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, dependencies }));
  await copyFile(join(root, '__test__', 'install', 'app.cjs'), join(folder, 'app.cjs'));
  // A file of its own marks a project as one, for Yarn, which would else take it for a part of this checkout.
  await writeFile(join(folder, 'yarn.lock'), '');
  await writeFile(join(folder, '.yarnrc.yml'), yarnSettings());
  // pnpm reads no variable of npm's.
  await writeFile(join(folder, '.npmrc'), `registry=${registry.url}\nstore-dir=${join(FOLDER, 'pnpm-store')}\n`);
}

function yarnSettings() {
  const settings = {
    npmRegistryServer: registry.url,
    unsafeHttpWhitelist: ['127.0.0.1'],
    nodeLinker: 'pnp',
    enableTelemetry: false,
    enableImmutableInstalls: false,
    globalFolder: join(FOLDER, 'yarn'),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('');
}

/** Caches of their own, and none of this machine's settings. */
function environment(plain) {
  return {
    ...process.env,
    npm_config_registry: plain ? 'http://127.0.0.1:9' : registry.url,
    npm_config_cache: join(FOLDER, plain ? 'empty-cache' : 'npm-cache'),
    BUN_INSTALL_CACHE_DIR: join(FOLDER, 'bun-cache'),
    BUN_CONFIG_REGISTRY: registry.url,
    CI: '',
  };
}

/** Ends of the names of the platform packages that were installed, wherever the installer lays them. */
async function platformPackages(folder) {
  const found = [];
  for (const scope of [join(folder, 'node_modules'), join(folder, 'node_modules', '.pnpm', 'node_modules')]) {
    found.push(...(await readdir(join(scope, '@aingle-wasm')).catch(() => [])));
  }
  return found.map((name) => name.replace('binding-', ''));
}

async function fetchInstallers() {
  const folder = join(FOLDER, 'installers');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{}');
  const specs = Object.entries(INSTALLERS).map(([name, wanted]) => `${name}@${wanted}`);
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...specs], { cwd: folder });
}

function has(name) {
  return existsSync(join(TARBALLS, `aingle-wasm-binding-${name}-${version}.tgz`));
}

await rm(FOLDER, { recursive: true, force: true });
await mkdir(FOLDER, { recursive: true });
await fetchInstallers();
const offline = await packOffline(new Map([...prebuilds(), ...(argv.includes('--local') ? localBuild() : [])]));
const registry = await startRegistry(TARBALLS, join(FOLDER, 'registry'));
let failed = 0;
for (const row of ROWS) failed += await report(row);
await registry.close();
console.log(`${ROWS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
