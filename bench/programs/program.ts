// What is run of programs that nobody here wrote: WebAssembly inside npm packages, with something to do. The same as in bench/peers.
import { readFileSync } from 'node:fs';

/** An instance of a program, on whatever runs it. */
export interface Guest {
  call(name: string, ...args: number[]): number;
  /** A copy of bytes of its memory. */
  read(ptr: number, length: number): Uint8Array;
  write(ptr: number, bytes: Uint8Array): void;
}

/** A module with something to do. */
export interface Program {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Brings inputs into the instance and returns one run of the work, which gives its output, the same each time. */
  setUp(guest: Guest): () => Uint8Array;
}

/** A program of an npm package's file. */
export function fromPackage(name: string, file: string, setUp: Program['setUp']): Program {
  return { name, bytes: readFileSync(require.resolve(file)), setUp };
}

/** Room for bytes from the program's own allocator. */
export function allocate(guest: Guest, allocator: string, length: number): number {
  const ptr = guest.call(allocator, length) >>> 0;
  if (ptr === 0) throw new Error(`the program has no memory for ${length} bytes`);
  return ptr;
}

/** A copy of bytes in the program's memory. */
export function place(guest: Guest, allocator: string, bytes: Uint8Array): number {
  const ptr = allocate(guest, allocator, bytes.length);
  guest.write(ptr, bytes);
  return ptr;
}

/** A pointer or length that the program left in its memory. */
export function readWord(guest: Guest, ptr: number): number {
  const bytes = guest.read(ptr, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** xorshift32: the same numbers everywhere. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
