// The C library of an older Debian, or of another architecture, laid out in a folder: what a cross compiler links against decides which
// systems can load the result. Fetched with an apt state of its own; the machine's packages are not touched.
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { ask, run } from './process.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Fetches packages of a Debian suite and unpacks them into `folder`. Does nothing if it is there.
 *
 * @param {import('./targets.cjs').Sysroot} sysroot
 * @param {string} folder
 * @param {(line: string) => void} log
 * @throws {Error} if this is no Debian, or a package cannot be had
 */
export async function fetchSysroot(
  { suite, architecture, packages, libraries, removed = [], hidden = [] },
  folder,
  log,
) {
  if (existsSync(folder)) return;
  log(`fetching the C library of Debian ${suite}, ${architecture}`);
  const part = `${folder}.${process.pid}.part`;
  const state = `${part}.apt`;
  try {
    await download(await aptState(state, suite, architecture), packages, state);
    await unpack(state, part);
    for (const path of removed) await rm(join(part, path));
    await hideSymbols(join(part, 'lib', libraries, 'libc.so.6'), hidden);
    await rename(part, folder);
  } finally {
    await Promise.all([part, state].map((path) => rm(path, { recursive: true, force: true })));
  }
}

/** @returns {Promise<string[]>} options that make apt-get use nothing but the folder `state` */
async function aptState(state, suite, architecture) {
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(state, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(state, 'status'), '');
  const list = join(state, 'sources.list');
  await writeFile(list, `deb [signed-by=${KEYRING}] ${await mirror()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': state,
    'Dir::State::lists': join(state, 'lists'),
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': join(state, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** The mirror that this machine's own apt uses. */
async function mirror() {
  const targets = await ask('apt-get', ['indextargets', '--format', '$(ORIGIN) $(REPO_URI)', 'Created-By: Packages']);
  const uri = targets
    ?.split('\n')
    .map((line) => line.split(' '))
    .find(([origin, address]) => origin === 'Debian' && !address?.includes('security'))?.[1];
  if (uri === undefined) {
    throw new Error(
      'cross builds link against the C library of older Debian systems, fetched by apt-get: run them on Debian, after "apt-get update"',
    );
  }
  return uri;
}

async function download(options, packages, state) {
  await run('apt-get', [...options, '-qq', 'update'], { cwd: state });
  await run('apt-get', [...options, '-qq', 'download', ...packages], { cwd: state });
}

async function unpack(state, folder) {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(state)) {
    if (name.endsWith('.deb')) await run('dpkg', ['-x', join(state, name), folder]);
  }
  await keepLinksInside(folder);
}

/** Absolute links would leave the folder for the machine's own libraries. */
async function keepLinksInside(folder) {
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!(await lstat(path)).isSymbolicLink()) continue;
    const aim = await readlink(path);
    if (!isAbsolute(aim)) continue;
    await rm(path);
    await symlink(relative(dirname(path), join(folder, aim)), path);
  }
}

/**
 * Takes names away from a C library that is only linked against. What refers to them weakly, as Rust's standard library does to all that
 * is newer than its own floor, is then linked without a version, and still found by name where the system has it.
 */
async function hideSymbols(library, names) {
  if (names.length === 0) return;
  const path = await realpath(library);
  const bytes = await readFile(path);
  for (const name of names) {
    const at = bytes.indexOf(`\0${name}\0`);
    if (at === -1) throw new Error(`${library} has no symbol ${name}`);
    bytes.write('_', at + 1);
  }
  await writeFile(path, bytes);
}
