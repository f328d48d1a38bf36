// What a call came to, in a form that can be compared: between what a test expects and what happened, and between backends.
import type { CallResult, Instance, Receipt } from 'aingle-wasm';

/** A failure without what differs by nature: the stack, the cause's identity and the engine's own frames. */
export interface Failure {
  readonly error: string;
  readonly code: string;
  readonly phase: unknown;
  readonly retryable: unknown;
  readonly message: string;
  readonly details: Record<string, unknown>;
}

export interface Success {
  readonly value: unknown;
}

export type Outcome = Success | Failure;

/** Runs `body` and says what it came to; it may throw, reject or return. */
export async function outcomeOf(body: () => unknown): Promise<Outcome> {
  try {
    return { value: comparableResult(await body()) };
  } catch (thrown) {
    return failure(thrown);
  }
}

/** A call's result as its bytes and what its receipt counted: times and the backend's name differ by nature. */
function comparableResult(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('receipt' in value)) return value;
  const { bytes, receipt } = value as CallResult;
  const { wallMs, queueMs, hostMs, backend, ...counts } = receipt satisfies Receipt;
  return { bytes, counts };
}

/** @throws what was thrown, if it is no error with a code: such a thing must never come out of the library */
function failure(thrown: unknown): Failure {
  if (!(thrown instanceof Error) || typeof (thrown as { code?: unknown }).code !== 'string') throw thrown;
  const { name, code, phase, retryable, message, details } = thrown as Error & Failure;
  return { error: name, code, phase, retryable, message, details: comparable(details ?? {}) };
}

/** Without the engine's own frames, and without the caller's own objects, which no two tests share. */
function comparable({ frames, value, ...rest }: Record<string, unknown>): Record<string, unknown> {
  const plain = ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
  return plain ? { ...rest, value } : rest;
}

/** The error that `body` ends with. @throws if it ends with none */
export async function errorOf(
  body: () => unknown,
): Promise<Error & { code: string; details?: Record<string, unknown> }> {
  try {
    await body();
  } catch (thrown) {
    if (thrown instanceof Error) return thrown as Error & { code: string };
    throw new Error('something that is no Error was thrown', { cause: thrown });
  }
  throw new Error('an error was expected and none was thrown');
}

/** An outcome that must be a failure. @throws if it is none */
export function failed(outcome: Outcome): Failure {
  if ('code' in outcome) return outcome;
  throw new Error('a failure was expected', { cause: outcome.value });
}

/** What is left after a call: the state of the instance and its fuel. */
export function after(instance: Instance): { state: string; fuelUsed: bigint } {
  return { state: instance.state, fuelUsed: instance.fuelUsed };
}
