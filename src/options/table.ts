// Reads option objects by a table: one row an option, with how to check it and what it is when absent.
import { invalidType, invalidValue, outOfRange } from '../errors/error';
import { quoteAll } from '../errors/text';
import { suggest } from '../suggest';
import { readFuel, readFuelLimit } from './fuel';

/** One row: checks a given value and returns it, or knows the value of an absent one. */
export interface Row<T> {
  read(option: string, value: unknown): T;
  absent(option: string): T;
}

export type Table = Readonly<Record<string, Row<unknown>>>;

/** The options that a table resolves to. */
export type Resolved<T extends Table> = { readonly [K in keyof T]: T[K] extends Row<infer V> ? V : never };

/**
 * Reads `given` by `table`: own enumerable properties only, each read once; `undefined` counts as absent. The result is frozen and has no prototype.
 *
 * @param prefix the object's name in messages, such as `limits`; empty for the outermost
 * @throws `ERR_INVALID_ARG_TYPE` if it is no plain object, `ERR_INVALID_ARG_VALUE` for a key that the table does not have, and what the rows throw
 */
export function readTable<T extends Table>(prefix: string, given: unknown, table: T): Resolved<T> {
  const source = given === undefined ? {} : plainObject(prefix === '' ? 'options' : prefix, given);
  const known = Object.keys(table);
  for (const key of Object.keys(source)) {
    if (!Object.hasOwn(table, key)) throw unknownKey(prefix, key, known, source);
  }
  const resolved: Record<string, unknown> = Object.create(null);
  for (const key of known) {
    const option = prefix === '' ? key : `${prefix}.${key}`;
    const row = table[key]!;
    const value = ownValue(source, key);
    resolved[key] = value === undefined ? row.absent(option) : row.read(option, value);
  }
  return Object.freeze(resolved) as Resolved<T>;
}

/** What an object itself has under a key: a prototype gives no options. */
export function ownValue(source: object, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key as keyof typeof source] : undefined;
}

/** An object made by `{}`, `Object.create(null)` or `JSON.parse`, of any realm. */
export function plainObject(option: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || Object.getPrototypeOf(prototype) === null) return value as Record<string, unknown>;
  }
  throw invalidType(option, 'a plain object', value);
}

function unknownKey(prefix: string, key: string, known: readonly string[], source: Readonly<Record<string, unknown>>) {
  const near = suggest(key, known);
  const hint = near.length === 0 ? `known are ${quoteAll(known)}` : `did you mean ${quoteAll(near)}?`;
  return invalidValue(
    prefix === '' ? key : `${prefix}.${key}`,
    `there is no option of this name; ${hint}`,
    source[key],
  );
}

/** An integer from `min` to `max`, a multiple of `step`. */
export function integer(min: number, max: number, absent: number | (() => number), step = 1): Row<number> {
  return {
    read: (option, value) => checkInteger(option, value, min, max, step),
    absent: () => (typeof absent === 'function' ? absent() : absent),
  };
}

/** @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` */
export function checkInteger(option: string, value: unknown, min: number, max: number, step = 1): number {
  if (typeof value !== 'number') throw invalidType(option, 'a number', value);
  if (!Number.isInteger(value) || value < min || value > max || value % step !== 0) {
    const multiple = step === 1 ? 'an integer' : `a multiple of ${step.toLocaleString('en-US')}`;
    throw outOfRange(
      option,
      `${multiple} from ${min.toLocaleString('en-US')} to ${max.toLocaleString('en-US')}`,
      value,
    );
  }
  return value;
}

/** True or false. */
export function flag(absent: boolean): Row<boolean> {
  return {
    read(option, value) {
      if (typeof value !== 'boolean') throw invalidType(option, 'true or false', value);
      return value;
    },
    absent: () => absent,
  };
}

/** One of some words. */
export function choice<const T extends string>(words: readonly T[], absent: T): Row<T> {
  return {
    read(option, value) {
      if (typeof value !== 'string') throw invalidType(option, `one of ${quoteAll(words)}`, value);
      if (!words.includes(value as T)) throw invalidValue(option, `allowed are ${quoteAll(words)}`, value);
      return value as T;
    },
    absent: () => absent,
  };
}

/** The word `'auto'`, or what another row allows. */
export function autoOr<T>(row: Row<T>): Row<'auto' | T> {
  return {
    read(option, value) {
      if (value === 'auto') return value;
      if (typeof value === 'string') throw invalidType(option, '"auto" or a number', value);
      return row.read(option, value);
    },
    absent: () => 'auto',
  };
}

/** What another row allows, and undefined when absent. */
export function optional<T>(read: Row<T>['read']): Row<T | undefined> {
  return { read, absent: () => undefined };
}

/** An amount of fuel with a default. */
export function fuel(absent: bigint): Row<bigint> {
  return { read: readFuel, absent: () => absent };
}

/** An amount of fuel or `'unlimited'`. */
export function fuelLimit(absent: bigint): Row<bigint> {
  return { read: readFuelLimit, absent: () => absent };
}

/** A nested object with a table of its own. */
export function group<T extends Table>(table: T): Row<Resolved<T>> {
  return {
    read: (option, value) => readTable(option, value, table),
    absent: (option) => readTable(option, undefined, table),
  };
}

/** Any value, unchecked. */
export const anything: Row<unknown> = { read: (_option, value) => value, absent: () => undefined };
