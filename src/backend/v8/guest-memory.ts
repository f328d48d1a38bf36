import { createError } from '../../errors/error';
import { WORDS_USABLE } from '../../wire/crc32';

const PAGE_BYTES = 65_536;

/** The memory of one guest. Views die when it grows, so they are asked for anew after guest code ran. */
export class GuestMemory {
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #maxBytes: number;
  #bytes = new Uint8Array(0);
  #words: Int32Array | undefined;

  /** @param maxBytes up to where the host may grow it: the lower of the instance's limit and the module's own maximum */
  constructor(memory: WebAssembly.Memory | undefined, maxBytes: number) {
    this.#memory = memory;
    this.#maxBytes = memory === undefined ? 0 : maxBytes;
  }

  /** All of it, as a view that is valid until guest code runs or the memory grows. */
  bytes(): Uint8Array {
    // A view of a memory that has grown has lost its buffer, and with it its length.
    if (this.#bytes.length === 0 && this.#memory !== undefined) this.#look(this.#memory);
    return this.#bytes;
  }

  /** As {@link bytes}, in words, for checksums. Ask for the bytes first. */
  words(): Int32Array | undefined {
    return this.#words;
  }

  pages(): number {
    return this.bytes().length / PAGE_BYTES;
  }

  /** Whether the range lies inside. An empty range may begin at the end. */
  contains(ptr: number, len: number): boolean {
    return ptr + len <= this.bytes().length;
  }

  /**
   * Adds pages and returns the former number.
   *
   * @throws {AingleWasmError} `ERR_MEMORY_LIMIT` beyond the instance's limit and the module's own maximum, `ERR_OUT_OF_MEMORY` if V8
   *   refuses below them
   */
  grow(pages: number): number {
    const value = (this.pages() + pages) * PAGE_BYTES;
    if (value > this.#maxBytes) throw createError('ERR_MEMORY_LIMIT', 'call', { limit: this.#maxBytes, value });
    try {
      return this.#memory?.grow(pages) ?? 0;
    } catch {
      const details = { resource: "growth of a guest's memory", limit: 0, value: pages * PAGE_BYTES };
      throw createError('ERR_OUT_OF_MEMORY', 'call', details);
    }
  }

  #look({ buffer }: WebAssembly.Memory): void {
    this.#bytes = new Uint8Array(buffer);
    this.#words = WORDS_USABLE ? new Int32Array(buffer) : undefined;
  }
}
