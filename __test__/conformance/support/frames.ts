// Frames of traps, and the places in a module that they are to name.
import type { TrapFrame } from 'aingle-wasm';

/** The frames of an error. @throws if it has none */
export function framesOf(error: Error & { details?: Record<string, unknown> }): readonly TrapFrame[] {
  const frames = error.details?.frames;
  if (!Array.isArray(frames)) throw new Error('a trap was expected', { cause: error });
  return frames;
}

/** Text that marks the operator behind it; what it does is nothing. */
export function mark(number: number): string {
  return `i32.const ${FIRST + number} drop`;
}

const FIRST = 1_000_000;

/** The offset of the operator behind a mark. @throws if the module does not have the mark exactly once */
export function marked(wasm: Uint8Array, number: number): number {
  const value = FIRST + number;
  // Three groups of seven bits, the lowest first, and `drop`.
  const bytes = [0x41, (value & 0x7f) | 0x80, ((value >> 7) & 0x7f) | 0x80, value >> 14, 0x1a];
  const at = Buffer.from(wasm).indexOf(Buffer.from(bytes));
  if (at < 0 || Buffer.from(wasm).indexOf(Buffer.from(bytes), at + 1) >= 0) throw new Error(`mark ${number}`);
  return at + bytes.length;
}
