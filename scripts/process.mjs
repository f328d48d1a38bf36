// Running other programs from set-up scripts: one way to start them, one way to say what failed.
import { spawn } from 'node:child_process';

/**
 * Runs a program and resolves with its standard output once it has ended with status 0.
 *
 * @param {string} file program, looked up on PATH
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] `show` lets the program write to this terminal instead (the
 *   resolved text is then empty)
 * @returns {Promise<string>}
 * @throws {Error} if the program is missing, ends with another status or by a signal; the message carries the end of
 *   what it said
 */
export function run(file, args, { cwd, env = process.env, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (err += text));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(out);
      const how = signal === null ? `ended with status ${status}` : `was stopped by ${signal}`;
      // Some programs, such as tsc, write their errors to the standard output.
      const said = (err.trim() === '' ? out : err).trimEnd().slice(-4000);
      reject(new Error(`${[file, ...args].join(' ')} ${how}${said === '' ? '' : `:\n${said}`}`));
    });
  });
}

/**
 * The trimmed standard output of a program, or undefined if it is missing or fails: for questions such as "which version is there?".
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export async function ask(file, args, options) {
  try {
    return (await run(file, args, options)).trim();
  } catch {
    return undefined;
  }
}
