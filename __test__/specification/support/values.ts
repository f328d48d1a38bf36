// Values of the scripts as values of JavaScript, as far as it has them. A NaN loses its payload on the way, vectors and references that are
// not null do not cross at all yet: what would need them is uncarried.
import type { Value } from 'aingle-wasm';
import type { Expected, ScriptValue } from './script';

const cell = new DataView(new ArrayBuffer(8));

/** The value, or undefined if JavaScript cannot carry it exactly. */
export function toValue(value: ScriptValue): Value | undefined {
  if (!('bits' in value)) return undefined;
  switch (value.type) {
    case 'i32':
      return Number(value.bits) | 0;
    case 'i64':
      return BigInt.asIntN(64, BigInt(value.bits));
    case 'f32':
      cell.setUint32(0, Number(value.bits));
      return unlessNan(cell.getFloat32(0));
    case 'f64':
      cell.setBigUint64(0, BigInt(value.bits));
      return unlessNan(cell.getFloat64(0));
    case 'v128':
      return undefined;
  }
}

/** All values, or undefined if one of them cannot be carried. */
export function toValues(values: readonly ScriptValue[]): Value[] | undefined {
  const carried = values.map(toValue);
  return carried.some((value) => value === undefined) ? undefined : (carried as Value[]);
}

/** Whether JavaScript can tell if a result is right. */
export function isJudged(expected: Expected): boolean {
  if ('either' in expected) return expected.either.every(isJudged);
  if ('nan' in expected) return true;
  return 'bits' in expected && toValue(expected) !== undefined;
}

/** Whether a result is what the script asks for; any NaN will do where it asks for one. */
export function matches(expected: Expected, value: unknown): boolean {
  if ('either' in expected) return expected.either.some((each) => matches(each, value));
  if ('nan' in expected) return Number.isNaN(value);
  return 'bits' in expected && Object.is(toValue(expected), value);
}

function unlessNan(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
