// `npm run lint`: formatting, lints and types, in the order of how fast they answer. Stops at the first that fails.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const guests = join('guests', 'rust', 'Cargo.toml');

// clippy checks the release profile because that is the one everything else here is built with.
const CHECKS = [
  ['cargo', 'fmt', '--all', '--check'],
  ['cargo', 'fmt', '--all', '--check', '--manifest-path', guests],
  ['npx', '--no-install', 'biome', 'ci', '.'],
  ['npx', '--no-install', 'tsc', '-p', 'tsconfig.json', '--noEmit'],
  ['cargo', 'clippy', '--release', '--workspace', '--all-targets', '--all-features', '--', '-D', 'warnings'],
];

try {
  for (const [file, ...args] of CHECKS) {
    console.log(`$ ${[file, ...args].join(' ')}`);
    await run(file, args, { cwd: root, show: true });
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
