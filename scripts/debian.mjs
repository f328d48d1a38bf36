// Packages of Debian and Ubuntu that a build needs.
import { ask, run } from './process.mjs';

/**
 * Installs what is missing of `packages`.
 *
 * @param {readonly string[]} packages
 * @param {string} otherwise what to do where there is no apt-get, for the error
 * @param {(line: string) => void} log
 * @throws {Error} if this is no Debian, or neither root nor passwordless sudo is available
 */
export async function installPackages(packages, otherwise, log) {
  if ((await ask('apt-get', ['--version'])) === undefined) throw new Error(otherwise);
  const missing = [];
  for (const name of packages) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a field of dpkg-query, not of JavaScript
    const status = await ask('dpkg-query', ['-W', '-f', '${db:Status-Status}\n', name]);
    if (!status?.split('\n').includes('installed')) missing.push(name);
  }
  if (missing.length === 0) return;
  log(`apt-get install ${missing.join(' ')}`);
  await asRoot(['apt-get', 'update']);
  await asRoot(['apt-get', 'install', '-y', '--no-install-recommends', ...missing]);
}

async function asRoot(command) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const [file, ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command];
  await run(file, args, { env });
}
