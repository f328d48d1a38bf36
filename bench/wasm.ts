// The guests of the benches, as bytes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

const ROOT = join(__dirname, '..');

/** A guest that `guests/build.mjs` built, by name. */
export function builtGuest(name: string): Uint8Array {
  return readFileSync(join(ROOT, 'guests', 'build', `${name}.wasm`));
}

/** A file of a folder of guests/, such as `kernels/fib.wasm`. */
export function guestFile(path: string): Uint8Array {
  return readFileSync(join(ROOT, 'guests', path));
}

/** A module of bench/guests, assembled. */
export async function assembled(name: string): Promise<Uint8Array> {
  const { parseWat } = await wabt();
  const file = `${name}.wat`;
  const module = parseWat(file, readFileSync(join(__dirname, 'guests', file), 'utf8'));
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/**
 * The module with a custom section that no other has. V8 shares the code of modules whose bytes are equal, so a compilation is only
 * measured on bytes it has not seen.
 */
export function unique(module: Uint8Array): Uint8Array {
  serial += 1;
  const section = new Uint8Array([
    0,
    6,
    1,
    0x75,
    serial & 0xff,
    (serial >> 8) & 0xff,
    (serial >> 16) & 0xff,
    serial >>> 24,
  ]);
  const bytes = new Uint8Array(module.length + section.length);
  bytes.set(module);
  bytes.set(section, module.length);
  return bytes;
}

let serial = 0;
