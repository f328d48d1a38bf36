// The specification's names of traps, by their beginnings, as the kinds of `details.trap`.

const NAMES: readonly (readonly [string, readonly string[]])[] = [
  ['unreachable', ['unreachable']],
  ['out of bounds memory access', ['memory_out_of_bounds']],
  ['out of bounds table access', ['table_out_of_bounds']],
  ['undefined element', ['table_out_of_bounds']],
  ['uninitialized element', ['indirect_call_mismatch']],
  ['indirect call type mismatch', ['indirect_call_mismatch']],
  ['integer divide by zero', ['integer_divide_by_zero']],
  // The specification calls a float that is too large for the integer an overflow as well.
  ['integer overflow', ['integer_overflow', 'float_to_integer']],
  ['invalid conversion to integer', ['float_to_integer']],
];

/** Whether the specification may call a trap of this kind by this name. */
export function isNamed(trap: unknown, name: string): boolean {
  return NAMES.some(([beginning, kinds]) => name.startsWith(beginning) && kinds.includes(trap as string));
}
