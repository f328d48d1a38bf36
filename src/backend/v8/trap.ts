// From what V8 throws to the kinds of trap that every engine can tell apart.

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

const FRAME = /^\s*at (?:(.+) \()?wasm:\/\/[^)]*?wasm-function\[(\d+)\]/;

/**
 * Guest functions on the stack of a trap, innermost first: by name where the module has one, else `wasm-function[7]`.
 *
 * @param functions how many the author's module has; those behind them are left out
 */
export function guestFrames(stack: string | undefined, functions: number): string[] {
  const frames: string[] = [];
  for (const line of (stack ?? '').split('\n')) {
    const found = FRAME.exec(line);
    if (found === null || Number(found[2]) >= functions) continue;
    frames.push(found[1] ?? `wasm-function[${found[2]}]`);
  }
  return frames;
}

/** Whether V8's own stack ended. */
export function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && /call stack/.test(thrown.message);
}
