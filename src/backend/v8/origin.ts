import type { Origin } from '../../errors/trap-frame';
import { offsetWords } from '../../fallback';

/** Bytes of a stretch: where it begins in the prepared module, and what it stands for. */
const STRETCH_BYTES = 8;
const COPIED = 0x8000_0000;
const NOTHING = 0x7fff_ffff;

/** The bytes that a module was compiled from. They are kept for custom sections and for those who look at a trap. */
export class V8Origin implements Origin {
  readonly bytes: Uint8Array;
  /** The JSON of what it was prepared with. */
  readonly config: string;
  /** Made when it is first asked for, see `OffsetMap::words` of crates/prepare; empty if it could not be. */
  #stretches: DataView | undefined;

  /** @param bytes must not change any more */
  constructor(bytes: Uint8Array, config: string) {
    this.bytes = bytes;
    this.config = config;
  }

  original(offset: number): number | undefined {
    this.#stretches ??= this.#map();
    const at = lastBefore(this.#stretches, offset);
    if (at < 0) return undefined;
    const begin = this.#stretches.getUint32(at, true);
    const place = this.#stretches.getUint32(at + 4, true);
    if (place === NOTHING) return undefined;
    return place < COPIED ? place : place - COPIED + (offset - begin);
  }

  #map(): DataView {
    try {
      return new DataView(offsetWords(this.bytes, this.config));
    } catch {
      return new DataView(new ArrayBuffer(0));
    }
  }
}

/** Position of the last stretch that begins at or before an offset, negative if none does. */
function lastBefore(stretches: DataView, offset: number): number {
  let low = 0;
  let high = stretches.byteLength / STRETCH_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (stretches.getUint32(middle * STRETCH_BYTES, true) <= offset) low = middle + 1;
    else high = middle;
  }
  return (low - 1) * STRETCH_BYTES;
}
