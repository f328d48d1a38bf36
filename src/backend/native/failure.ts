// What the addon throws or rejects with, and the public error made of it.
import type { ErrorCode, Phase } from '../../errors/codes';
import { AingleWasmError, createError } from '../../errors/error';
import { type Origin, type RawFrames, trapFrames } from '../../errors/trap-frame';
import { hostFailure } from '../../host-call';
import type { Termination } from '../../termination';

interface Failure {
  readonly code: ErrorCode;
  readonly phase: Phase;
  readonly details?: Readonly<Record<string, unknown>>;
  /** What a host function threw, if that ended the guest. */
  readonly thrown?: unknown;
}

/**
 * The error for whatever came out of the addon, or what a host function has ended the call with.
 *
 * @param origin of the guest, if it can have trapped
 */
export function toError(raw: unknown, origin?: Origin): AingleWasmError | Termination {
  if (isFailure(raw))
    return 'thrown' in raw ? ofHostFunction(raw) : createError(raw.code, raw.phase, detailsOf(raw, origin));
  if (raw instanceof Error && String((raw as { code?: unknown }).code).startsWith('ERR_'))
    return raw as AingleWasmError;
  return createError('ERR_INTERNAL', 'call', { reason: raw instanceof Error ? raw.message : String(raw) }, raw);
}

/**
 * Runs a function of the addon.
 *
 * @param origin as for {@link toError}
 */
export function native<T>(run: () => T, origin?: Origin): T {
  try {
    return run();
  } catch (raw) {
    throw toError(raw, origin);
  }
}

function isFailure(raw: unknown): raw is Failure {
  return typeof raw === 'object' && raw !== null && 'code' in raw && 'phase' in raw && !(raw instanceof Error);
}

/** What the addon tells of a trap, as the user sees it. */
function detailsOf({ code, details }: Failure, origin: Origin | undefined): Failure['details'] {
  return code === 'ERR_TRAP' ? { ...details, frames: trapFrames(details?.frames as RawFrames, origin) } : details;
}

/** Host functions are wrapped to throw the finished error; only a wrapper that could not run at all (no stack left) throws another. */
function ofHostFunction({ thrown, details }: Failure): AingleWasmError | Termination {
  return thrown instanceof AingleWasmError ? thrown : hostFailure(String(details?.name), thrown);
}
