const PAGE_BYTES = 65_536;

/** The memory of one guest. Views die when it grows, so they are asked for anew after guest code ran. */
export class GuestMemory {
  readonly #memory: WebAssembly.Memory | undefined;
  #bytes = new Uint8Array(0);

  constructor(memory: WebAssembly.Memory | undefined) {
    this.#memory = memory;
  }

  /** All of it, as a view that is valid until guest code runs or the memory grows. */
  bytes(): Uint8Array {
    // A view of a memory that has grown has lost its buffer, and with it its length.
    if (this.#bytes.length === 0 && this.#memory !== undefined) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes;
  }

  pages(): number {
    return this.bytes().length / PAGE_BYTES;
  }

  /** Whether the range lies inside. An empty range may begin at the end. */
  contains(ptr: number, len: number): boolean {
    return ptr + len <= this.bytes().length;
  }

  /** Returns the former size in pages, or undefined if the engine refuses. */
  grow(pages: number): number | undefined {
    if (this.#memory === undefined) return pages === 0 ? 0 : undefined;
    try {
      return this.#memory.grow(pages);
    } catch {
      return undefined;
    }
  }
}
