// The action of crates/node/binding.gyp: compiles the addon for the platform that prebuildify names, for publishing.
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crossEnvironment } from './cross.mjs';
import { NAPI } from './napi.mjs';
import { run } from './process.mjs';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** @type {typeof import('./targets.cjs')} */
const { TARGETS } = require('./targets.cjs');

// prebuildify puts Node's own folder first, which may hold another Rust than the one that was meant.
process.env.PATH = process.env.AINGLE_WASM_BUILD_PATH ?? process.env.PATH;
await buildNative(wantedTarget(process.env), resolve(process.argv[2]));

/** @param {NodeJS.ProcessEnv} env */
function wantedTarget({ PREBUILD_PLATFORM, PREBUILD_ARCH, PREBUILD_LIBC }) {
  const target = TARGETS.find(
    ({ platform, arch, libc }) =>
      platform === PREBUILD_PLATFORM && arch === PREBUILD_ARCH && (libc === undefined || libc === PREBUILD_LIBC),
  );
  if (target === undefined) {
    throw new Error(
      `no row of scripts/targets.cjs is ${PREBUILD_PLATFORM} ${PREBUILD_ARCH} ${PREBUILD_LIBC}; "npm run prebuild:all" and its like start this`,
    );
  }
  return target;
}

/**
 * @param {import('./targets.cjs').Target} target
 * @param {string} folder where the addon is laid
 */
async function buildNative(target, folder) {
  const env = await crossEnvironment(target, console.log);
  const crate = join(root, 'crates', 'node');
  const args = ['build', '--cwd', crate, '--package-json-path', join(root, 'package.json'), '--output-dir', folder];
  const features = ['--no-default-features', '--features', target.engines.join(' ')];
  await run(
    process.execPath,
    [NAPI, ...args, '--target', target.triple, '--profile', target.profile, ...features, '--', '--locked'],
    { env, show: true },
  );
}
