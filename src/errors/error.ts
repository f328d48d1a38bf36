import { type ErrorCode, isRetryable, type Phase } from './codes';
import { type Details, message } from './messages';

/**
 * What every failure of a guest, a module or an engine is thrown as.
 *
 * `code` is the contract to program against; `message` is for people and may change. A structured clone (`postMessage`,
 * `structuredClone`) of any error class keeps the message, the cause and the stack, and drops every other property: send
 * `{ code, message }` where the other side must tell codes apart.
 */
export class AingleWasmError extends Error {
  /** What happened: one of the codes of docs/errors.md. */
  readonly code: ErrorCode;
  /** Where in the life of a guest it happened. */
  readonly phase: Phase;
  /** Whether the same call may succeed a moment later with nothing changed. */
  readonly retryable: boolean;
  /** The numbers and names behind the message. Frozen, without prototype. Fuel is a bigint, any other number a number. */
  readonly details?: Readonly<Record<string, unknown>>;

  private constructor(code: ErrorCode, phase: Phase, details?: Details, options?: ErrorOptions) {
    super(message(code, details ?? {}), options);
    this.code = code;
    this.phase = phase;
    this.retryable = isRetryable(code);
    if (details !== undefined) this.details = freezeDetails(details);
  }

  /** @internal */
  static of(code: ErrorCode, phase: Phase, details?: Details, options?: ErrorOptions): AingleWasmError {
    return new AingleWasmError(code, phase, details, options);
  }
}

Object.defineProperty(AingleWasmError.prototype, 'name', {
  value: 'AingleWasmError',
  configurable: true,
  writable: true,
});

/** Makes the one error for a code. `cause` is attached by identity; leave it out where there is none. */
export function createError(
  code: ErrorCode,
  phase: Phase,
  details?: Details,
  ...cause: readonly [cause?: unknown]
): AingleWasmError {
  // Even undefined can have been thrown, so it is the number of arguments that counts.
  return AingleWasmError.of(code, phase, details, cause.length > 0 ? { cause: cause[0] } : undefined);
}

/**
 * Has the stack of an error that leaves a public function begin at that function's caller, who reads it. An error of which nobody has read the stack
 * also keeps whatever its frames ran on: those inside would be an instance.
 */
export function leave(thrown: unknown, callee: (...args: never[]) => unknown): void {
  if (thrown instanceof AingleWasmError) Error.captureStackTrace?.(thrown, callee);
}

/** A caller's mistake, shaped as Node shapes its own: a TypeError or RangeError with `code`. */
export interface ArgumentError extends TypeError {
  readonly code: 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE' | 'ERR_OUT_OF_RANGE';
  readonly details: Readonly<{ option: string; value: unknown }>;
}

/** The error for an argument or option of the wrong type. `option` is its full name, such as `limits.memoryBytes`. */
export function invalidType(option: string, allowed: string, value: unknown): ArgumentError {
  return argumentError(TypeError, 'ERR_INVALID_ARG_TYPE', { option, value, allowed });
}

/** The error for a value of the right type that makes no sense, and for unknown keys. */
export function invalidValue(option: string, allowed: string, value: unknown): ArgumentError {
  return argumentError(TypeError, 'ERR_INVALID_ARG_VALUE', { option, value, allowed });
}

/** The error for a number outside its range. */
export function outOfRange(option: string, allowed: string, value: unknown): ArgumentError {
  return argumentError(RangeError, 'ERR_OUT_OF_RANGE', { option, value, allowed });
}

function argumentError(
  type: typeof TypeError | typeof RangeError,
  code: ArgumentError['code'],
  { option, value, allowed }: { option: string; value: unknown; allowed: string },
): ArgumentError {
  const error = new type(message(code, { option, value, allowed }));
  Error.captureStackTrace?.(error, argumentError);
  return Object.assign(error, { code, details: freezeDetails({ option, value }) }) as ArgumentError;
}

function freezeDetails<T extends Details>(details: T): Readonly<T> {
  return Object.freeze(Object.assign(Object.create(null), details)) as Readonly<T>;
}
