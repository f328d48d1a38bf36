// Builds dist/fallback.wasm: `prepare` and the codec for the v8 backend, compiled to wasm32.
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { remapFlag, WASM_TARGET, wasmCargo } from './wasm-toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/**
 * Compiles the crate and copies the result; cargo does nothing where nothing changed.
 *
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<string>} what was built, in a few words
 */
export async function buildFallback({ log = () => {} } = {}) {
  await wasmCargo({
    args: ['build', '--profile', 'fallback', '-p', 'aingle_wasm_fallback'],
    cwd: root,
    env: { CARGO_TARGET_DIR: target },
    // Paths stay out of panic messages.
    rustflags: [remapFlag(root), remapFlag(cargoHome)],
    log,
  });
  const output = join(root, 'dist', 'fallback.wasm');
  await mkdir(dirname(output), { recursive: true });
  await copyFile(join(target, WASM_TARGET, 'fallback', 'aingle_wasm_fallback.wasm'), output);
  return `dist/fallback.wasm, ${Math.round((await stat(output)).size / 1024)} KiB`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await buildFallback({ log: console.log }));
}
