// Values as V8 passes them between JavaScript and a prepared module: vectors as two bigints, low half first, references as what they stand for.
import type { FunctionType, ValueType } from '../../types';
import type { RawValue } from '../backend';

/** What functions are known by, see `RawValue`. */
export interface FunctionNumbers {
  functionOf(number: number): unknown;
  numberOf(fn: unknown): number;
}

/** Whether a function's values include vectors, so that JavaScript cannot call it as it is. */
export function hasVectors({ params, results }: FunctionType): boolean {
  return params.includes('v128') || results.includes('v128');
}

/** The values that V8 takes for these. */
export function toEngine(types: readonly ValueType[], raws: readonly RawValue[], numbers: FunctionNumbers): unknown[] {
  return types.flatMap((type, index) => {
    const raw = raws[index]!;
    if (type === 'v128') return halves(raw as Uint8Array);
    return [type === 'funcref' && raw !== null ? numbers.functionOf(raw as number) : raw];
  });
}

/** The values that V8 gave for these types, from a position on. */
export function fromEngine(
  types: readonly ValueType[],
  values: readonly unknown[],
  numbers: FunctionNumbers,
): RawValue[] {
  let at = 0;
  return types.map((type) => {
    const value = values[at++];
    if (type === 'v128') return joined(value as bigint, values[at++] as bigint);
    return type === 'funcref' && value !== null ? numbers.numberOf(value) : (value as RawValue);
  });
}

/** What a function returned, as a list. */
export function listed(returned: unknown): readonly unknown[] {
  if (returned === undefined) return [];
  return Array.isArray(returned) ? returned : [returned];
}

export function halves(bytes: Uint8Array): [bigint, bigint] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [view.getBigInt64(0, true), view.getBigInt64(8, true)];
}

export function joined(low: bigint, high: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, low, true);
  view.setBigInt64(8, high, true);
  return bytes;
}
