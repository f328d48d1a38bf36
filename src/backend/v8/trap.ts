// From what V8 throws to the kinds of trap that every engine can tell apart.
import { type RawFrames, UNKNOWN } from '../../errors/trap-frame';

/** V8's wordings, Node 20 to 24. The first that matches counts. */
const TRAPS: readonly (readonly [RegExp, string])[] = [
  [/unreachable/, 'unreachable'],
  [/memory access out of bounds|data segment/, 'memory_out_of_bounds'],
  [/\btable\b|element segment/, 'table_out_of_bounds'],
  [/divide by zero|remainder by zero/, 'integer_divide_by_zero'],
  [/divide result unrepresentable/, 'integer_overflow'],
  [/float unrepresentable/, 'float_to_integer'],
  [/null function|signature mismatch/, 'indirect_call_mismatch'],
];

/** The kind of a trap, from its message; undefined for a wording that is not known. */
export function trapKind(message: string): string | undefined {
  return TRAPS.find(([wording]) => wording.test(message))?.[1];
}

/** What stands before the module's name, and behind it with eight digits between. */
const URL = 'wasm://wasm/';
const PLACE = ':wasm-function[';
const DIGITS = 8;
const REST = /^(\d+)\](?::0x([\da-f]+))?\)?$/;

/**
 * Guest functions on the stack of a trap, innermost first. Names are the guest's and may be long and look like anything: no line is looked
 * through again and again.
 *
 * @param functions how many the author's module has; those behind them are left out
 */
export function guestFrames(stack: string | undefined, functions: number): RawFrames {
  const frames: (number | string | null)[] = [];
  for (const line of (stack ?? '').split('\n')) {
    const at = line.lastIndexOf(PLACE);
    const found = at < 0 ? null : REST.exec(line.slice(at + PLACE.length));
    if (found === null) continue;
    const text = line.slice(0, at - DIGITS).trimStart();
    const index = Number(found[1]);
    if (index >= functions || !text.startsWith('at ')) continue;
    frames.push(index, found[2] === undefined ? UNKNOWN : Number.parseInt(found[2], 16), nameOf(text));
  }
  return frames;
}

/** The function's own name. V8 puts the module's before it, or in place of it where the function has none. */
function nameOf(text: string): string | null {
  const at = text.lastIndexOf(` (${URL}`);
  if (at < 0) return null;
  const called = text.slice('at '.length, at);
  // There is a dash behind it.
  const module = text.slice(at + URL.length + 2, -1);
  if (module === '') return called;
  if (called === module) return null;
  return called.startsWith(`${module}.`) ? called.slice(module.length + 1) : called;
}

/** Whether V8's own stack ended. */
export function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && /call stack/.test(thrown.message);
}
