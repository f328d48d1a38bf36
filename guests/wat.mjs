// WebAssembly text to bytes, by the development dependency `wabt`. It is loaded on first use: most callers have nothing to assemble.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** Proposals beyond WebAssembly 2.0 that some hostile modules are written in. */
const FEATURES = {
  exceptions: true,
  extended_const: true,
  gc: true,
  memory64: true,
  multi_memory: true,
  relaxed_simd: true,
  tail_call: true,
  threads: true,
};

/**
 * Assembles a .wat file. Validation is left to whoever runs it: some of our modules are invalid on purpose.
 *
 * @param {string} file
 * @returns {Promise<Uint8Array>}
 * @throws {Error} with file and line if the text is not WebAssembly
 */
export async function assemble(file) {
  const { default: load } = await import('wabt');
  const wabt = await load();
  const module = wabt.parseWat(basename(file), await readFile(file, 'utf8'), FEATURES);
  try {
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}
