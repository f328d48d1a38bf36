// Core values between JavaScript and WebAssembly: the same checks and conversions for every backend.
import { invalidType, invalidValue } from './errors/error';
import type { FunctionType, Value, ValueType } from './types';

/** Types whose values are numbers and bigints. */
const PLAIN: ReadonlySet<ValueType> = new Set(['i32', 'i64', 'f32', 'f64']);

/** `(i32, i64) -> (f64)`. */
export function formatType({ params, results }: FunctionType): string {
  return `(${params.join(', ')}) -> (${results.join(', ')})`;
}

export function sameType(a: readonly ValueType[], b: readonly ValueType[]): boolean {
  return a.length === b.length && a.every((type, index) => type === b[index]);
}

/** Whether numbers and bigints are all that a function takes and gives; others cross through `References`. */
export function isPlain({ params, results }: FunctionType): boolean {
  return params.every((type) => PLAIN.has(type)) && results.every((type) => PLAIN.has(type));
}

/**
 * Checks the arguments for a plain exported function: as many as it has parameters, a number for `i32`, `f32`, `f64`, a bigint for `i64`.
 * The values are then converted as WebAssembly's JavaScript interface does (`i32` and `i64` wrap, `f32` rounds).
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for another number of arguments
 */
export function checkArguments(
  name: string,
  type: FunctionType,
  args: readonly unknown[],
): asserts args is readonly Value[] {
  const { params } = type;
  checkCount(name, type, args);
  for (let i = 0; i < params.length; i++) {
    const wanted = params[i] === 'i64' ? 'bigint' : 'number';
    if (typeof args[i] !== wanted)
      throw invalidType(`${name}: argument ${i + 1}`, `a ${wanted} (${params[i]})`, args[i]);
  }
}

/**
 * Checks and converts a value for a place of a plain type, such as a global, as {@link checkArguments} says.
 *
 * @throws `ERR_INVALID_ARG_TYPE`
 */
export function readCoreValue(option: string, type: ValueType, value: unknown): number | bigint {
  const wanted = type === 'i64' ? 'bigint' : 'number';
  if (typeof value !== wanted) throw invalidType(option, `a ${wanted} (${type})`, value);
  return toCoreValue(type, value);
}

/** @throws `ERR_INVALID_ARG_VALUE` for another number of arguments than the function has parameters */
export function checkCount(name: string, type: FunctionType, args: readonly unknown[]): void {
  if (args.length !== type.params.length)
    throw invalidValue(`${name}: number of arguments`, `its type is ${formatType(type)}`, args.length);
}

/** The results of an exported function as JavaScript callers get them: nothing, the one value, or an array of several. */
export function unwrapResults(results: readonly Value[]): unknown {
  return results.length > 1 ? results : results[0];
}

/** Converts what a host function returned to an `i32`, `i64`, `f32` or `f64`; wraps and rounds as {@link checkArguments} says. */
export function toCoreValue(type: ValueType, value: unknown): number | bigint {
  if (type === 'i64') {
    if (typeof value !== 'bigint') throw wrongResult(type, value);
    return BigInt.asIntN(64, value);
  }
  if (typeof value !== 'number') throw wrongResult(type, value);
  if (type === 'i32') return value | 0;
  return type === 'f32' ? Math.fround(value) : value;
}

/**
 * Converts what a host function returned to one core value for each result of its type: nothing for none, the value itself for one,
 * an array for several.
 *
 * @throws {TypeError} for another type or number of values
 */
export function toCoreValues(types: readonly ValueType[], returned: unknown): readonly (number | bigint)[] {
  if (types.length === 0) return NONE;
  if (types.length === 1) return [toCoreValue(types[0]!, returned)];
  if (!Array.isArray(returned) || returned.length !== types.length) {
    throw invalidType('The result of the host function', `an array of ${types.length} values`, returned);
  }
  return types.map((type, index) => toCoreValue(type, returned[index]));
}

const NONE: readonly (number | bigint)[] = Object.freeze([]);

function wrongResult(type: ValueType, value: unknown) {
  return invalidType('The result of the host function', `a ${type === 'i64' ? 'bigint' : 'number'} (${type})`, value);
}
