// What happens around a host function of the user's, the same on every backend: its result is checked, its failure becomes an error.
import type { EnvelopeHost, NumericHost } from './backend/backend';
import { type AingleWasmError, createError, invalidType } from './errors/error';
import { HostInput } from './host-input';
import type { References } from './references';
import type { EnvelopeHostFunction, FunctionType, NumericHostFunction } from './types';
import { toCoreValues } from './values';

/** What is thrown where a promise was returned. A set, because asking a user's object what it is may run the user's code. */
const promiseReturned = new WeakSet<object>();

/** The error of a guest's call that ended because a host function threw `thrown`, which is its cause. */
export function hostFailure(name: string, thrown: unknown): AingleWasmError {
  if (promiseReturned.has(thrown as object)) return createError('ERR_ASYNC_HOST_IN_SYNC', 'host', { name });
  return createError('ERR_HOST_FUNCTION', 'host', { name }, thrown);
}

/** `NumericHost.call` for a user's function of core values. */
export function numericCall(fn: NumericHostFunction, { results }: FunctionType, context: boolean): NumericHost['call'] {
  if (context) return (args, hostContext) => toCoreValues(results, noPromise(fn(...args, hostContext)));
  return (args) => toCoreValues(results, noPromise(fn(...args)));
}

/** As {@link numericCall}, where vectors or references cross. */
export function referenceCall(
  fn: NumericHostFunction,
  { params, results }: FunctionType,
  context: boolean,
  references: References,
): NumericHost['call'] {
  return (raws, hostContext) => {
    const args = references.liftAll(params, raws);
    if (context) args.push(hostContext);
    return references.lowerResults(results, noPromise(fn(...args)));
  };
}

/** `EnvelopeHost.call` for a user's function of bytes. */
export function envelopeCall(fn: EnvelopeHostFunction): EnvelopeHost['call'] {
  return (input, context) => toBytes(noPromise(fn(new HostInput(input), context)));
}

function noPromise<T>(returned: T): T {
  if (!isThenable(returned)) return returned;
  // The promise is dropped; its rejection must not end the process as unhandled.
  Promise.resolve(returned).catch(() => {});
  const thrown = {};
  promiseReturned.add(thrown);
  throw thrown;
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

function toBytes(returned: unknown): Uint8Array {
  if (returned === undefined || returned === null) return NO_BYTES;
  if (typeof returned === 'string') return encoder.encode(returned);
  if (returned instanceof Uint8Array) return returned;
  throw invalidType('The result of the host function', 'a Uint8Array, a string or nothing', returned);
}
