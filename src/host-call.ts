// What happens around a host function of the user's, the same on every backend: its result is checked, its failure becomes an error.
import type { EnvelopeHost, NumericHost } from './backend/backend';
import { type AingleWasmError, createError, invalidType, invalidValue } from './errors/error';
import { type Face, HostContext } from './host-context';
import { HostInput } from './host-input';
import type { References } from './references';
import { Termination } from './termination';
import type { EnvelopeHostFunction, FunctionType, HostOutput, NumericHostFunction } from './types';
import { toCoreValues } from './values';

/** What is thrown where a promise was returned and nothing can wait. A set, because asking a user's object what it is may run the user's code. */
const promisesReturned = new WeakSet<object>();

/** How a guest's call ends because a host function threw `thrown`, which is the error's cause. */
export function hostFailure(name: string, thrown: unknown): AingleWasmError | Termination {
  if (Termination.is(thrown)) return thrown;
  if (promisesReturned.has(thrown as object)) return createError('ERR_ASYNC_HOST_IN_SYNC', 'host', { name });
  return createError('ERR_HOST_FUNCTION', 'host', { name }, thrown);
}

/** What a backend throws as by the host function whose promise it cannot wait for. The promise is dropped. */
export function promiseReturned(promise: Promise<unknown>): object {
  // Its rejection must not end the process as unhandled.
  promise.catch(() => {});
  const thrown = {};
  promisesReturned.add(thrown);
  return thrown;
}

/** What `charge` of a host call that is over throws. */
export function chargedTooLate(fuel: bigint): Error {
  return invalidValue('fuel', 'charge works only until the host function returns', fuel);
}

/** What `call` of a host call that is over throws. */
export function calledTooLate(name: string): Error {
  return invalidValue('name', 'the guest can be called only until the host function returns', name);
}

/** `NumericHost.call` for a user's function of core values. */
export function numericCall(
  fn: NumericHostFunction,
  { results }: FunctionType,
  context: boolean,
  face: Face,
): NumericHost['call'] {
  const convert = (returned: unknown) => toCoreValues(results, returned);
  if (context) return (args, scope) => settled(fn(...args, new HostContext(face, scope)), convert);
  return (args) => settled(fn(...args), convert);
}

/** As {@link numericCall}, where vectors or references cross. */
export function referenceCall(
  fn: NumericHostFunction,
  { params, results }: FunctionType,
  context: boolean,
  references: References,
): NumericHost['call'] {
  const convert = (returned: unknown) => references.lowerResults(results, returned);
  return (raws, scope) => {
    const args = references.liftAll(params, raws);
    if (context) args.push(new HostContext(references.face, scope));
    return settled(fn(...args), convert);
  };
}

/** `EnvelopeHost.call` for a user's function of bytes. */
export function envelopeCall(fn: EnvelopeHostFunction, face: Face): EnvelopeHost['call'] {
  return (input, scope) => settled(fn(new HostInput(input), new HostContext(face, scope)), toBytes);
}

/** Converts what was returned, at once or when its promise resolves. */
function settled<T, R>(returned: T | Promise<T>, convert: (value: T) => R): R | Promise<R> {
  return isThenable(returned) ? Promise.resolve(returned).then(convert) : convert(returned as T);
}

function isThenable(value: unknown): value is Promise<never> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

function toBytes(returned: HostOutput | null): Uint8Array {
  if (returned === undefined || returned === null) return NO_BYTES;
  if (typeof returned === 'string') return encoder.encode(returned);
  if (returned instanceof Uint8Array) return returned;
  throw invalidType('The result of the host function', 'a Uint8Array, a string or nothing', returned);
}
