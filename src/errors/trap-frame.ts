// The functions that were on a guest's stack when it trapped. Where they were is found out when somebody asks: guests trap more often than
// anybody looks.
import type { TrapFrame } from '../types';
import { safeText } from './text';

/** The way from a prepared module back to its author's. */
export interface Origin {
  /** The author's offset for one in the prepared module, undefined if there is none. May take as long as preparing the module; never throws. */
  original(offset: number): number | undefined;
}

/** Frames as backends tell them, three values each: the function's index, the offset in the prepared module or {@link UNKNOWN}, the name or null. */
export type RawFrames = readonly (number | string | null)[];

/** An offset that the engine does not tell. */
export const UNKNOWN = -1;

/** The frames of an error. Without an origin they have no offsets. */
export function trapFrames(raw: RawFrames, origin: Origin | undefined): readonly TrapFrame[] {
  const frames: TrapFrame[] = [];
  for (let at = 0; at < raw.length; at += 3) {
    frames.push(new Frame(raw[at] as number, raw[at + 1] as number, raw[at + 2] as string | null, origin));
  }
  return Object.freeze(frames);
}

class Frame implements TrapFrame {
  readonly function: number;
  declare readonly name?: string;
  readonly #prepared: number;
  readonly #origin: Origin | undefined;

  constructor(index: number, prepared: number, name: string | null, origin: Origin | undefined) {
    this.function = index;
    if (name !== null) this.name = name;
    this.#prepared = prepared;
    this.#origin = origin;
    Object.freeze(this);
  }

  get offset(): number | undefined {
    return this.#prepared === UNKNOWN ? undefined : this.#origin?.original(this.#prepared);
  }

  toString(): string {
    const { name, offset } = this;
    const place = `wasm-function[${this.function}]${offset === undefined ? '' : `:0x${offset.toString(16)}`}`;
    return name === undefined ? place : `${safeText(name)} (${place})`;
  }

  toJSON(): object {
    const { function: index, name, offset } = this;
    return { function: index, name, offset };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
