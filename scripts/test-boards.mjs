// `npm run test:boards -- NAME…`: the smoke tests and the conformance suite on rows of targets.cjs, with the packages that `npm run stage`
// laid out, and a comparison of all that the conformance suite noted with the same on this machine: results, codes, messages and fuel.
// `--only=calls,fuel` runs these files of the conformance suite alone.
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { exit } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { prepareBoard, runOn } from './boards.mjs';
import { run } from './process.mjs';
import { TARBALLS } from './stage.mjs';

const require = createRequire(import.meta.url);
const { TARGETS } = require('./targets.cjs');
const { version } = require('../package.json');
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(root, '.setup', 'board-tests');
const SMOKE = join(root, '__test__', 'smoke');
const SUITE = join(root, '__test__', 'conformance');

/** What is of the machine, by its processor or its C library: tests that cannot pass there, and notes that may differ. */
const OWN = {
  // V8 on 32-bit ARM makes other NaNs where they are not made equal; the default memory limit is smaller on 32 bits.
  arm: { tests: 'leaves what the machine makes', notes: /may not begin above the limit of the instance/ },
  // A trap that comes as a signal has its innermost frame only: musl describes the signal's own frame to nobody.
  musl: { tests: 'frames.* on wasmer|on wasmer > frames of', notes: /^wasmer .*frames/ },
};
/** Of what is wrong, so many are shown: often one fault has them all. */
const SHOWN = 20;
/** The package's one dependency, and the assembler, which cannot be bundled. */
const COPIED = ['node-gyp-build', 'wabt'];
/** They start processes or workers from the checkout, which an emulated Node cannot; the smoke tests have their own. */
const LEFT_OUT = ['process.test.ts'];
/** A thousand rounds take an hour under emulation; a native backend without addons needs a process; the third may be over on a busy machine. */
const SKIPPED = 'times in one process|where addons are forbidden|rejects what waits';

/** Tests find the repository's files from their own address, which is not that of the bundle. */
const keepAddresses = {
  name: 'keep-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /__test__.*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
      loader: 'ts',
    }));
  },
};

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const targets = chosen(positionals);
const reference = TARGETS.find(
  ({ platform, arch, emulator }) => platform === process.platform && arch === process.arch && emulator === undefined,
);
const programs = await bundleSuite();
const { notes: expected, failed: unexpected } = await testOn(reference);
if (unexpected.length > 0) {
  console.error(`nothing to compare with, on ${reference.name} itself this failed:\n${unexpected.join('\n')}`);
  exit(1);
}
let failures = 0;
for (const target of targets) failures += await report(target);
process.exitCode = failures === 0 ? 0 : 1;

function chosen(names) {
  const staged = TARGETS.filter((target) => existsSync(tarball(target)));
  const found = names.join() === 'all' ? staged : names.map((name) => staged.find((target) => target.name === name));
  if (found.length > 0 && found.every((target) => target !== undefined)) return found;
  const usage = 'usage: npm run test:boards -- all | NAME… [--only=FILE,…]; "npm run stage" comes before it';
  console.error(`${usage}\nstaged: ${staged.map(({ name }) => name).join(', ') || 'none'}`);
  return exit(1);
}

/** @returns {Promise<number>} how much was wrong */
async function report(target) {
  const begun = performance.now();
  const { passed, failed, skipped, notes } = await testOn(target);
  const differences = differencesOf(notes, target);
  for (const line of [...failed, ...differences].slice(0, SHOWN)) console.log(`  ${line}`);
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(
    `${target.name}: ${passed} passed, ${failed.length} failed, ${skipped} skipped; ` +
      `${notesOf(notes).length} notes, ${differences.length} differ from ${reference.name}'s (${seconds} s)`,
  );
  return failed.length + differences.length;
}

/** Installs the packages for a target in a folder of its own and runs everything on its board. */
async function testOn(target) {
  const home = await install(target);
  const board = await prepareBoard(target, console.log);
  const backends = [...target.engines, 'v8'].join(',');
  const env = {
    AINGLE_WASM_SMOKE_HOME: home,
    AINGLE_WASM_SMOKE_BACKENDS: backends,
    AINGLE_WASM_TEST_BACKENDS: backends,
    ...(target.emulator?.program && { AINGLE_WASM_TEST_STATIC_MEMORY_BOUND: '0' }),
    AINGLE_WASM_TEST_SKIP: [SKIPPED, ...ownOf(target).map(({ tests }) => tests)].join('|'),
  };
  const files = values.only === undefined ? await smokeTests() : [];
  for (const program of programs) {
    // The package is found from where a program lies.
    const copy = join(home, basename(program));
    await cp(program, copy);
    files.push(copy);
  }
  const totals = { passed: 0, failed: [], skipped: 0, notes: {} };
  for (const file of files) {
    const log = join(home, `${basename(file)}.log`);
    const records = join(home, `${basename(file)}.json`);
    const own = { ...env, AINGLE_WASM_TEST_RECORDS: records };
    add(totals, await runOn(board, ['--test-reporter=tap', file], own, log), `${file} (${log})`);
    Object.assign(totals.notes, JSON.parse(await readFile(records, 'utf8').catch(() => '{}')));
  }
  return totals;
}

function ownOf({ arch, libc }) {
  return [OWN[arch], OWN[libc]].filter((own) => own !== undefined);
}

async function smokeTests() {
  return (await readdir(SMOKE)).filter((name) => name.endsWith('.test.cjs')).map((name) => join(SMOKE, name));
}

/** What node:test wrote, in the Test Anything Protocol. A process that died in the middle is a failure of its own. */
function add(totals, { output, status, signal }, file) {
  for (const [, outcome, title] of output.matchAll(/^ *((?:not )?ok) \d+ - (.*)$/gm)) {
    if (title.includes('# SKIP')) totals.skipped++;
    else if (outcome === 'ok') totals.passed++;
    else totals.failed.push(title);
  }
  if (!/^# fail \d+$/m.test(output)) totals.failed.push(`${file} ended early: ${signal ?? `status ${status}`}`);
}

function differencesOf(notes, target) {
  const found = new Map(notesOf(notes));
  return notesOf(expected).flatMap(([key, wanted]) => {
    // A machine without wasmer has nothing to note of it.
    const absent = key.startsWith('wasmer ') && !target.engines.includes('wasmer');
    if (absent || ownOf(target).some((own) => own.notes.test(key))) return [];
    const [here, there] = [wanted, found.get(key)].map((value) => JSON.stringify(value));
    return here === there ? [] : [`${key}: ${there?.slice(0, 300)} instead of ${here.slice(0, 300)}`];
  });
}

/** All notes with the backend, suite and test they belong to. */
function notesOf(records) {
  return Object.entries(records).flatMap(([suite, tests]) =>
    Object.entries(tests).flatMap(([name, backends]) =>
      Object.entries(backends).map(([backend, list]) => [`${backend} ${suite}: ${name}`, list]),
    ),
  );
}

function tarball({ name }) {
  return join(TARBALLS, `aingle-wasm-binding-${name}-${version}.tgz`);
}

/** As npm lays it out on the board, without npm. */
async function install(target) {
  const home = join(FOLDER, target.name);
  await rm(home, { recursive: true, force: true });
  const modules = join(home, 'node_modules');
  await mkdir(home, { recursive: true });
  // Without a manifest of its own, `aingle-wasm` would mean this checkout, which the folder is in.
  await writeFile(join(home, 'package.json'), '{}');
  await unpack(join(TARBALLS, `aingle-wasm-${version}.tgz`), join(modules, 'aingle-wasm'));
  await unpack(tarball(target), join(modules, '@aingle-wasm', `binding-${target.name}`));
  for (const name of COPIED) await cp(join(root, 'node_modules', name), join(modules, name), { recursive: true });
  return home;
}

async function unpack(file, folder) {
  await mkdir(folder, { recursive: true });
  await run('tar', ['-xzf', file, '--strip-components=1', '-C', folder]);
}

/**
 * The conformance suite as programs that need nothing but the package: no vitest, no TypeScript, no assembler to install. One a file, as under
 * qemu-user threads that have ended leave memory behind: the suite in one process took 22 GB.
 */
async function bundleSuite() {
  const wanted = values.only?.split(',').map((name) => `${name}.test.ts`);
  const all = (await readdir(SUITE)).filter((name) => name.endsWith('.test.ts') && !LEFT_OUT.includes(name));
  const files = wanted === undefined ? all : all.filter((name) => wanted.includes(name));
  if (files.length < (wanted?.length ?? 1)) throw new Error(`--only: not all of these are in ${SUITE}: ${wanted}`);
  const outdir = join(FOLDER, 'programs');
  const boards = join(root, '__test__', 'boards');
  await build({
    entryPoints: files.map((name) => join(SUITE, name)),
    inject: [join(boards, 'records.ts')],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    // The package's manifest says that its modules have no effects of their own; tests are nothing else.
    ignoreAnnotations: true,
    alias: { vitest: join(boards, 'vitest.ts') },
    external: ['aingle-wasm', ...COPIED],
    plugins: [keepAddresses],
  });
  return files.map((name) => join(outdir, name.replace(/\.ts$/, '.mjs')));
}
