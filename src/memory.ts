import type { BackendInstance } from './backend/backend';
import { createError, invalidType, outOfRange } from './errors/error';
import { PAGE_BYTES } from './options/engine';
import { checkInteger, optional, readTable } from './options/table';
import { Ownership } from './ownership';
import type { MemoryType } from './types';

const MAX_PAGES = 65_536;

/** Where the bytes are: with the memory itself, or in the instance that it belongs to. Ranges are checked before. */
export interface MemoryPlace {
  pages(): number;
  read(ptr: number, len: number): Uint8Array;
  write(ptr: number, bytes: Uint8Array): void;
  grow(pages: number): number;
}

const TYPE = {
  min: { read: readPages, absent: (option: string) => readPages(option, undefined) },
  max: optional(readPages),
};

/** The memory of an instance, as a place. */
export function memoryOf(instance: BackendInstance): MemoryPlace {
  return {
    pages: () => instance.memoryPages(),
    read: (ptr, len) => instance.memoryRead(ptr, len),
    write: (ptr, bytes) => instance.memoryWrite(ptr, bytes),
    grow: (pages) => instance.memoryGrow(pages),
  };
}

/** Hidden from users, so that only this package makes a memory of a place. */
class Bound {
  constructor(readonly bound: MemoryPlace) {}
}

function readPages(option: string, value: unknown): number {
  return checkInteger(option, value, 0, MAX_PAGES);
}

/**
 * A memory of pages of 64 KiB: made by the host to be imported, or exported by a guest. Every access copies; there is no live view.
 *
 * One that the host made belongs to the first instance that imports it and follows that instance from then on: it is busy while the guest
 * runs and closed with it. An instantiation that fails leaves it as it was before.
 *
 * @example
 * const memory = new Memory({ min: 1, max: 16 });
 * memory.write(0, bytes);
 * const instance = await module.instantiate({ imports: { env: { memory } } });
 */
export class Memory {
  readonly #ownership: Ownership<MemoryPlace, HeldBytes>;

  /**
   * @param type `min`: pages that it begins with, 0 … 65,536; `max`: most pages that it may grow to, default none. The instance's
   *   `limits.memoryBytes` holds besides.
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`
   */
  constructor(type: MemoryType) {
    if (type instanceof Bound) {
      this.#ownership = new Ownership(type);
      return;
    }
    const { min, max } = readTable('type', type, TYPE);
    if (max !== undefined && max < min) throw outOfRange('type.max', `at least type.min, ${min}`, max);
    this.#ownership = new Ownership({ held: new HeldBytes(min, max) });
  }

  /** @internal */
  static of(place: MemoryPlace): Memory {
    return new Memory(new Bound(place) as unknown as MemoryType);
  }

  /** @internal */
  static ownership(memory: Memory): Ownership<MemoryPlace, HeldBytes> {
    return memory.#ownership;
  }

  /** Pages of 64 KiB; 0 for a module without memory. */
  get pages(): number {
    return this.#ownership.place.pages();
  }

  get byteLength(): number {
    return this.pages * PAGE_BYTES;
  }

  /** A copy of `len` bytes from `ptr` on. */
  read(ptr: number, len: number): Uint8Array {
    this.#checkRange(ptr, len);
    return this.#ownership.place.read(ptr, len);
  }

  /** Copies `bytes` to `ptr` and on. */
  write(ptr: number, bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array)) throw invalidType('bytes', 'a Uint8Array', bytes);
    this.#checkRange(ptr, bytes.length);
    this.#ownership.place.write(ptr, bytes);
  }

  /**
   * Adds pages and returns how many there were before.
   *
   * @throws {AingleWasmError} `ERR_MEMORY_LIMIT` beyond the maximum and the instance's limit, `ERR_OUT_OF_MEMORY`
   */
  grow(pages: number): number {
    return this.#ownership.place.grow(checkInteger('pages', pages, 0, MAX_PAGES));
  }

  #checkRange(ptr: number, len: number): void {
    const { byteLength } = this;
    checkInteger('ptr', ptr, 0, byteLength);
    checkInteger('len', len, 0, byteLength);
    if (ptr + len > byteLength)
      throw outOfRange('ptr + len', `at most the memory's ${byteLength.toLocaleString('en-US')} bytes`, ptr + len);
  }
}

/** The bytes of a memory that belongs to no instance: those up to the last one that was written, zeros behind them. */
export class HeldBytes implements MemoryPlace {
  readonly max: number | undefined;
  #pages: number;
  #bytes = new Uint8Array(0);

  constructor(pages: number, max: number | undefined) {
    this.#pages = pages;
    this.max = max;
  }

  /** What was written, without the zeros behind it. */
  get contents(): Uint8Array {
    return this.#bytes;
  }

  pages(): number {
    return this.#pages;
  }

  read(ptr: number, len: number): Uint8Array {
    const bytes = new Uint8Array(len);
    bytes.set(this.#bytes.subarray(ptr, ptr + len));
    return bytes;
  }

  write(ptr: number, bytes: Uint8Array): void {
    const end = ptr + bytes.length;
    if (end > this.#bytes.length) this.#extend(end);
    this.#bytes.set(bytes, ptr);
  }

  grow(pages: number): number {
    const former = this.#pages;
    const limit = (this.max ?? MAX_PAGES) * PAGE_BYTES;
    const value = (former + pages) * PAGE_BYTES;
    if (value > limit) throw createError('ERR_MEMORY_LIMIT', 'call', { limit, value });
    this.#pages = former + pages;
    return former;
  }

  /** At least doubles, so that writing a memory in pieces stays linear. */
  #extend(end: number): void {
    const length = Math.min(Math.max(end, 2 * this.#bytes.length), this.#pages * PAGE_BYTES);
    let extended: Uint8Array<ArrayBuffer>;
    try {
      extended = new Uint8Array(length);
    } catch (cause) {
      throw createError('ERR_OUT_OF_MEMORY', 'call', { resource: 'a memory', limit: 0, value: length }, cause);
    }
    extended.set(this.#bytes);
    this.#bytes = extended;
  }
}
