import { invalidType, invalidValue } from './errors/error';
import { quoteAll } from './errors/text';
import { anything, checkInteger, optional, type Row, readTable } from './options/table';
import type { NumericHostFunction, ValueType } from './types';

const VALUE_TYPES: readonly ValueType[] = ['i32', 'i64', 'f32', 'f64', 'v128', 'funcref', 'externref'];

/** Largest declared cost, so that a call's sum stays far from the largest count. */
const MAX_COST = 2 ** 40;

/** What {@link hostFunction} can declare. */
export interface HostFunctionOptions {
  /** Parameter types; a module that imports the function with others is refused. Default: the import's own. */
  params?: ValueType[];
  /** Result types; as `params`. */
  results?: ValueType[];
  /** Fuel charged before each call, in operators: 0 … 2^40. Default 0. */
  cost?: number;
  /** Whether the function gets the host context as its last argument. Default false. */
  context?: boolean;
}

/** A function with what {@link hostFunction} declared about it. Made by that function only. */
export class HostFunction {
  /** @internal */
  constructor(
    /** @internal */ readonly call: NumericHostFunction,
    /** @internal */ readonly params: readonly ValueType[] | undefined,
    /** @internal */ readonly results: readonly ValueType[] | undefined,
    /** @internal */ readonly cost: number,
    /** @internal */ readonly context: boolean,
  ) {
    Object.freeze(this);
  }
}

const valueTypes: Row<readonly ValueType[] | undefined> = optional((option, value) => {
  if (!Array.isArray(value)) throw invalidType(option, 'an array of value types', value);
  return Object.freeze(value.map((type) => readValueType(option, type)));
});

function readValueType(option: string, type: unknown): ValueType {
  const found = VALUE_TYPES.find((known) => known === type);
  if (found === undefined) throw invalidValue(option, `value types are ${quoteAll(VALUE_TYPES)}`, type);
  return found;
}

const OPTIONS = {
  params: valueTypes,
  results: valueTypes,
  cost: optional((option, value) => checkInteger(option, value, 0, MAX_COST)),
  context: anything,
};

/**
 * Declares a host function of core values for `imports`: its type, what it costs, whether it wants the context.
 *
 * @param fn called with the parameters as numbers and bigints; returns nothing, one value, or an array of several
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`
 * @example const imports = { env: { log: hostFunction((code) => console.log(code), { params: ['i32'], cost: 100 }) } };
 */
export function hostFunction(fn: NumericHostFunction, options?: HostFunctionOptions): HostFunction {
  if (typeof fn !== 'function') throw invalidType('fn', 'a function', fn);
  const { params, results, cost, context } = readTable('', options, OPTIONS);
  if (context !== undefined && typeof context !== 'boolean') throw invalidType('context', 'a boolean', context);
  return new HostFunction(fn, params, results, cost ?? 0, context ?? false);
}
