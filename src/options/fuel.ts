import { invalidType, outOfRange } from '../errors/error';

/** Largest fuel limit; what `'unlimited'` stands for. */
export const MAX_FUEL = 1n << 62n;

const TYPES = 'a bigint or an integer number';
const RANGE = '1 to 2^62; above 2^53−1 as a bigint';

/**
 * An amount of fuel: a bigint, or a number that is a safe integer, from 1 to 2^62.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`
 */
export function readFuel(option: string, value: unknown): bigint {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 1) throw outOfRange(option, RANGE, value);
    return BigInt(value);
  }
  if (typeof value !== 'bigint') throw invalidType(option, TYPES, value);
  if (value < 1n || value > MAX_FUEL) throw outOfRange(option, RANGE, value);
  return value;
}

/** As {@link readFuel}, or the word `'unlimited'`: no limit must be asked for by name. */
export function readFuelLimit(option: string, value: unknown): bigint {
  if (value === 'unlimited') return MAX_FUEL;
  if (typeof value === 'string') throw invalidType(option, `${TYPES}, or "unlimited"`, value);
  return readFuel(option, value);
}
