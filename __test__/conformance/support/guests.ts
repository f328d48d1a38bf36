// The guests that `guests/build.mjs` built, and the committed kernels.
import { readFileSync } from 'node:fs';

const folder = new URL('../../../guests/', import.meta.url);

/** A guest of guests/rust by its name, such as `echo`. */
export function guest(name: string): Uint8Array {
  return readFileSync(new URL(`build/${name}.wasm`, folder));
}

/** A file of guests/, such as `kernels/fib.wasm`. */
export function guestFile(path: string): Uint8Array {
  return readFileSync(new URL(path, folder));
}
