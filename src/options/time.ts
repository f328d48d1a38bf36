// Time limits and signals of options.
import { invalidType } from '../errors/error';
import { checkInteger, optional, type Row } from './table';

/** Largest number of milliseconds that Node's own timers take. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

function readTimeout(option: string, value: unknown): number | null {
  if (value === null) return null;
  if (typeof value !== 'number') throw invalidType(option, 'a number of milliseconds or null', value);
  return checkInteger(option, value, 1, MAX_TIMEOUT_MS);
}

/** Milliseconds, or null for no limit. */
export function timeout(absent: number): Row<number | null> {
  return { read: readTimeout, absent: () => absent };
}

/** As {@link timeout}; undefined when absent. */
export const optionalTimeout: Row<number | null | undefined> = optional(readTimeout);

/** An `AbortSignal`, of whatever realm or library: what the platform's own functions ask for as well. */
export const signal: Row<AbortSignal | undefined> = optional((option, value) => {
  if (typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value)
    return value as AbortSignal;
  throw invalidType(option, 'an AbortSignal', value);
});
