// The command line of napi-rs, which lays out and stamps the platform packages.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { run } from './process.mjs';

const require = createRequire(import.meta.url);

/** Path of the program; its package exports only the library. */
export const NAPI = join(dirname(require.resolve('@napi-rs/cli/package.json')), 'dist', 'cli.js');

/** Of the platform packages, to which the end of each one's name is added. */
export const PACKAGE_PREFIX = '@aingle-wasm/binding';

/**
 * What the CLI wants to know of a project.
 *
 * @param {readonly import('./targets.cjs').Target[]} targets
 */
export function napiConfig(targets) {
  return {
    binaryName: 'aingle_wasm',
    packageName: PACKAGE_PREFIX,
    targets: targets.map(({ triple }) => triple),
  };
}

/**
 * Runs a command in a project, a folder with `package.json` and `napi.json`.
 *
 * @param {string} project
 * @param {readonly string[]} args
 */
export function napi(project, [command, ...args]) {
  return run(process.execPath, [NAPI, command, '--cwd', project, '--config-path', 'napi.json', ...args]);
}
