// Where the addon is: the prebuild of each row of targets.cjs, as prebuildify lays it and node-gyp-build looks for it, and the local build.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { TARGETS } = createRequire(import.meta.url)('./targets.cjs');
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where node-gyp-build looks first, so that a checkout runs what was built in it. */
export const LOCAL_BUILD = join(root, 'crates', 'node', 'build', 'Release', 'aingle_wasm.node');

/**
 * Path of a prebuild below `crates/node`.
 *
 * @param {import('./targets.cjs').Target} target
 */
export function prebuildName({ platform, arch, armv, libc }) {
  const tags = ['aingle-wasm', armv && `armv${armv}`, libc, 'node'].filter((tag) => tag !== undefined);
  return `prebuilds/${platform}-${arch}/${tags.join('.')}`;
}

/**
 * The prebuild of a target in this checkout.
 *
 * @param {import('./targets.cjs').Target} target
 */
export function prebuildPath(target) {
  return join(root, 'crates', 'node', prebuildName(target));
}

/**
 * The prebuilds that are there.
 *
 * @returns {Map<import('./targets.cjs').Target, string>} path by target
 */
export function prebuilds() {
  const found = TARGETS.map((target) => [target, prebuildPath(target)]);
  return new Map(found.filter(([, path]) => existsSync(path)));
}

/**
 * The development build, as if it were the prebuild for this machine.
 *
 * @returns {Map<import('./targets.cjs').Target, string>} path by target; empty if this machine is no row
 */
export function localBuild() {
  const target = TARGETS.find(
    ({ platform, arch, libc }) => platform === process.platform && arch === process.arch && libc !== 'musl',
  );
  return new Map(target === undefined ? [] : [[target, LOCAL_BUILD]]);
}
