// What results must be. A target that cannot see the bits of a NaN leaves them undefined: whether such a result is right may be unknown.
import type { Expected, ScriptValue } from './script';

/** A result: as the scripts write it, but for NaNs whose bits nobody saw. */
export type Result = ScriptValue | { readonly type: 'f32' | 'f64'; readonly bits: undefined };

export type Verdict = 'yes' | 'no' | 'unknown';

const QUIET = { f32: 0x7fc0_0000n, f64: 0x7ff8_0000_0000_0000n };
const SIGN = { f32: 1n << 31n, f64: 1n << 63n };
const LANE_BITS = { f32: 32n, f64: 64n };

/** Whether the results are what the script asks for, in number, type and bits. */
export function judgeAll(expected: readonly Expected[], results: readonly Result[]): Verdict {
  if (expected.length !== results.length) return 'no';
  return all(expected.map((each, index) => judge(each, results[index]!)));
}

function judge(expected: Expected, result: Result): Verdict {
  if ('either' in expected) return any(expected.either.map((each) => judge(each, result)));
  if ('lanes' in expected) return judgeLanes(expected.lanes, result);
  if ('nan' in expected)
    return verdict(result.type === expected.type && isNan(expected.type, expected.nan, result.bits));
  if (!('type' in expected)) return verdict('null' in result && result.null);
  if (expected.type !== result.type) return 'no';
  if ('bits' in expected) return judgeBits(expected.type, expected.bits, (result as { bits?: string }).bits);
  const { null: isNull, object } = result as { null: boolean; object?: number };
  return verdict(expected.null === isNull && (expected.object === undefined || expected.object === object));
}

function judgeBits(type: string, expected: string, found: string | undefined): Verdict {
  if (found !== undefined) return verdict(expected === found);
  return isNan(type as 'f32' | 'f64', 'any', expected) ? 'unknown' : 'no';
}

function judgeLanes(lanes: readonly Expected[], result: Result): Verdict {
  if (result.type !== 'v128') return 'no';
  const { type } = lanes[0] as { type: 'f32' | 'f64' };
  const width = LANE_BITS[type];
  const lane = (index: number) => BigInt.asUintN(Number(width), BigInt(result.bits) >> (width * BigInt(index)));
  return all(lanes.map((each, index) => judge(each, { type, bits: String(lane(index)) })));
}

/** A NaN of either sign: canonical if its payload is its highest bit alone, arithmetic if that bit is set. */
function isNan(type: 'f32' | 'f64', kind: 'canonical' | 'arithmetic' | 'any', bits: string | undefined): boolean {
  if (bits === undefined) return true;
  const magnitude = BigInt(bits) & ~SIGN[type];
  if (kind === 'canonical') return magnitude === QUIET[type];
  if (kind === 'arithmetic') return (magnitude & QUIET[type]) === QUIET[type];
  return magnitude > (QUIET[type] & (QUIET[type] << 1n));
}

function all(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('no')) return 'no';
  return verdicts.includes('unknown') ? 'unknown' : 'yes';
}

function any(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('yes')) return 'yes';
  return verdicts.includes('unknown') ? 'unknown' : 'no';
}

function verdict(right: boolean): Verdict {
  return right ? 'yes' : 'no';
}
