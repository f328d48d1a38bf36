// The errors for calls that are refused, whatever thread the guest lives on.
import type { Phase } from '../../errors/codes';
import { type AingleWasmError, createError } from '../../errors/error';

export function engineClosed(): AingleWasmError {
  return createError('ERR_ENGINE_CLOSED', 'close', { closed: 'engine' });
}

export function instanceClosed(): AingleWasmError {
  return createError('ERR_INSTANCE_CLOSED', 'call');
}

/** For an instance that takes no more calls since one ended so. */
export function poisoned(reason: string | undefined): AingleWasmError {
  return createError('ERR_INSTANCE_POISONED', 'call', { reason });
}

export function busy(): AingleWasmError {
  return createError('ERR_INSTANCE_BUSY', 'call');
}

/** For what is asked of a guest on the caller's own thread and only one on a thread of its own can have. */
export function unstoppable(feature: string, phase: Phase): AingleWasmError {
  return createError('ERR_ENGINE_UNAVAILABLE', phase, {
    backend: 'v8',
    feature: `${feature} for a guest on the caller's thread`,
    advice: 'Make the instance with "await module.instantiate()", which gives the guest a thread of its own',
  });
}
