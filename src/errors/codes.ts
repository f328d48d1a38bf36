// The stable codes and phases: the same strings as `ErrorCode` and `Phase` of the Rust crate `aingle_wasm_types`.

/** Every code that an error of this library can carry. New ones may be added, none changes its meaning. */
export const CODES = [
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_OUT_OF_RANGE',
  'ERR_ENGINE_UNAVAILABLE',
  'ERR_FEATURE_DISABLED',
  'ERR_MODULE_MALFORMED',
  'ERR_MODULE_INVALID',
  'ERR_MODULE_TOO_COMPLEX',
  'ERR_COMPILE_TIMEOUT',
  'ERR_IMPORT_MISSING',
  'ERR_IMPORT_TYPE',
  'ERR_EXPORT_NOT_FOUND',
  'ERR_TRAP',
  'ERR_STACK_OVERFLOW',
  'ERR_FUEL_EXHAUSTED',
  'ERR_TIMEOUT',
  'ERR_ABORTED',
  'ERR_MEMORY_LIMIT',
  'ERR_TABLE_LIMIT',
  'ERR_OUT_OF_MEMORY',
  'ERR_OUTPUT_LIMIT',
  'ERR_CALL_DEPTH',
  'ERR_HOST_CALL_LIMIT',
  'ERR_GUEST',
  'ERR_GUEST_POINTER',
  'ERR_HOST_FUNCTION',
  'ERR_HOST_TIMEOUT',
  'ERR_ASYNC_HOST_IN_SYNC',
  'ERR_INSTANCE_BUSY',
  'ERR_INSTANCE_CLOSED',
  'ERR_INSTANCE_POISONED',
  'ERR_ENGINE_CLOSED',
  'ERR_QUEUE_FULL',
  'ERR_ENVELOPE_MAGIC',
  'ERR_ENVELOPE_VERSION',
  'ERR_ENVELOPE_FLAGS',
  'ERR_ENVELOPE_LENGTH',
  'ERR_ENVELOPE_CHECKSUM',
  'ERR_ENVELOPE_COMPRESSION',
  'ERR_ENVELOPE_ENCRYPTION',
  'ERR_ENVELOPE_LIMIT',
  'ERR_ARTIFACT_REJECTED',
  'ERR_WASI_EXIT',
  'ERR_INTERNAL',
] as const;

export type ErrorCode = (typeof CODES)[number];

/** Where in the life of a guest an error was raised. */
export type Phase = 'load' | 'decode' | 'compile' | 'link' | 'start' | 'call' | 'host' | 'wasi' | 'cache' | 'close';

/** Codes after which the same call may well succeed a moment later, with nothing changed. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['ERR_INSTANCE_BUSY', 'ERR_QUEUE_FULL', 'ERR_OUT_OF_MEMORY']);

export function isRetryable(code: ErrorCode): boolean {
  return RETRYABLE.has(code);
}

/** How a guest ends that was stopped by the host or the machine; nothing keeps its instance usable. */
const STOPS: ReadonlySet<string> = new Set<ErrorCode>([
  'ERR_FUEL_EXHAUSTED',
  'ERR_OUT_OF_MEMORY',
  'ERR_TIMEOUT',
  'ERR_ABORTED',
]);

export function isStop(code: string): boolean {
  return STOPS.has(code);
}
