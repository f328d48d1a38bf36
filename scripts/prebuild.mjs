// `npm run prebuild:all` and its like: sets up, builds the addon for rows of targets.cjs as it is published, and checks each file. `all` means
// every row that this machine can build.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkBinary } from './check-binary.mjs';
import { installPackages } from './debian.mjs';
import { prebuildPath } from './prebuilds.mjs';
import { setUpOrExit } from './setup.mjs';

const require = createRequire(import.meta.url);
const { TARGETS } = require('./targets.cjs');
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const crate = join(root, 'crates', 'node');

/** What node-gyp runs, and what reads the files that are made. */
const TOOLS = ['make', 'python3', 'binutils'];

const targets = chosen(argv.slice(2));
await setUpOrExit({ addon: false });
if (process.platform === 'linux') {
  await installPackages(TOOLS, `to build packages ${TOOLS.join(', ')} are needed`, console.log);
}
useInstalledHeaders();
process.env.AINGLE_WASM_BUILD_PATH = process.env.PATH;
const prebuildify = promisify(require('prebuildify'));
for (const target of targets) {
  const begun = performance.now();
  await build(target);
  const { bytes, packed } = await checkBinary(target, prebuildPath(target));
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(`✓ ${target.name}: ${bytes} bytes, ${packed} compressed (${seconds} s)`);
}

function chosen(names) {
  if (names.join() === 'all') return TARGETS.filter(({ platform }) => platform === process.platform);
  const found = names.map((name) => TARGETS.find((target) => target.name === name));
  if (found.length > 0 && found.every((target) => target !== undefined)) return found;
  console.error(`usage: node scripts/prebuild.mjs all | ${TARGETS.map(({ name }) => name).join(' | ')}`);
  return exit(1);
}

/** prebuildify would download Node's headers, which a Rust addon does not need, for node-gyp, which insists on them. */
function useInstalledHeaders() {
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, 'include', 'node'))) process.env.npm_config_nodedir ??= prefix;
}

/**
 * node-gyp empties `build` beside the file that it is given, where the development build is: it is given a copy elsewhere.
 *
 * @param {import('./targets.cjs').Target} target
 */
async function build({ name, platform, arch, libc, armv }) {
  const copy = join(root, 'target', 'node-gyp', name);
  const folder = join(copy, 'crates', 'node');
  await rm(copy, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyFile(join(crate, 'binding.gyp'), join(folder, 'binding.gyp'));
  await symlink(join(root, 'scripts'), join(copy, 'scripts'));
  await prebuildify({
    cwd: folder,
    out: crate,
    name: 'aingle-wasm',
    napi: true,
    platform,
    arch,
    ...(libc && { libc, tagLibc: libc }),
    ...(armv && { armv, tagArmv: armv }),
  });
}
