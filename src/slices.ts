// What the user's `onSlice` decides, the same on every backend.
import { invalidType } from './errors/error';
import { readFuel } from './options/fuel';
import type { SliceDecision } from './types';

/** Name of the decision where a host function would have its own. */
export const ON_SLICE = 'onSlice';

/** `stop`, or how much fuel is added before the guest goes on. */
export type ResolvedDecision = 'stop' | bigint;

/**
 * Reads what `onSlice` returned, its promise resolved.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`; the call then ends with that
 */
export function sliceDecision(returned: SliceDecision | undefined): ResolvedDecision {
  if (returned === undefined || returned === 0 || returned === 0n) return 0n;
  if (returned === false) return 'stop';
  if (typeof returned !== 'number' && typeof returned !== 'bigint')
    throw invalidType('The result of onSlice', 'fuel to add, false to stop, or nothing', returned);
  return readFuel('The result of onSlice', returned);
}
