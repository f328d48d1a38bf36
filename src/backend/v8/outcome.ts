// From the way a guest came to a stop to the error that its caller gets, and to what is left of the instance.
import { type ErrorCode, isStop, type Phase } from '../../errors/codes';
import { type AingleWasmError, createError } from '../../errors/error';
import { type Origin, trapFrames } from '../../errors/trap-frame';
import { Termination } from '../../termination';
import type { ModuleInfoJson } from '../backend';
import type { Guest } from './guest';
import { type Ending, STOPPED } from './host-calls';
import type { Meter } from './meter';
import { STOP } from './names';
import { guestFrames, isStackOverflow, trapKind } from './trap';

/** What `afterTrap: 'keep'` keeps usable: ends that the guest came to by itself or by one host function. */
const KEPT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_TRAP',
  'ERR_STACK_OVERFLOW',
  'ERR_GUEST',
  'ERR_GUEST_POINTER',
  'ERR_HOST_FUNCTION',
  'ERR_ASYNC_HOST_IN_SYNC',
  'ERR_HOST_CALL_LIMIT',
  'ERR_ENVELOPE_MAGIC',
  'ERR_ENVELOPE_VERSION',
  'ERR_ENVELOPE_FLAGS',
  'ERR_ENVELOPE_LENGTH',
  'ERR_ENVELOPE_CHECKSUM',
  'ERR_ENVELOPE_COMPRESSION',
  'ERR_ENVELOPE_ENCRYPTION',
]);

export function keepsWhenAsked(ending: Ending): boolean {
  return ending instanceof Termination || KEPT.has(ending.code);
}

/** Whether `engine.stats` counts it as stopped rather than failed. */
export function wasStopped(ending: Ending): boolean {
  return !(ending instanceof Termination) && isStop(ending.code);
}

/** What ERR_INSTANCE_POISONED names as its reason. */
export function reasonOf(ending: Ending): string {
  return ending.code;
}

/** Says why the guest did not return. What a host function noted comes first, then the guest's own status. */
export function explainEnd(
  thrown: unknown,
  { meter, calls, info, origin }: Pick<Guest, 'meter' | 'calls' | 'info' | 'origin'>,
  callDepth: number,
  phase: Phase,
): Ending {
  // Both belong to this end or to none.
  const failure = calls.takeFailure();
  const panic = calls.takePanic();
  if (thrown === STOPPED && failure !== undefined) return failure;
  if (isStackOverflow(thrown)) return createError('ERR_STACK_OVERFLOW', phase, { limit: callDepth });
  if (!(thrown instanceof WebAssembly.RuntimeError)) return unexpected(thrown, phase);
  switch (meter.status()) {
    case STOP.none:
      return panic ?? trapped(thrown, info, origin, phase);
    case STOP.fuel:
      return exhausted(meter, phase);
    case STOP.depth:
      return createError('ERR_STACK_OVERFLOW', phase, { limit: callDepth });
    case STOP.outOfMemory:
      return createError('ERR_OUT_OF_MEMORY', phase, {
        resource: "growth of a guest's memory or table",
        limit: 0,
        value: 0,
      });
    default:
      return createError('ERR_INTERNAL', phase, { reason: `the guest stopped with the status ${meter.status()}` });
  }
}

export function exhausted({ limit }: Meter, phase: Phase): AingleWasmError {
  return createError('ERR_FUEL_EXHAUSTED', phase, { used: limit, limit });
}

/** The error of a trap that is the guest's own. Without an origin, which a worker's caller has, its frames are raw. */
export function trapped(
  error: Error,
  { functions }: ModuleInfoJson,
  origin: Origin | undefined,
  phase: Phase,
): AingleWasmError {
  const trap = trapKind(error.message);
  if (trap === undefined) return unexpected(error, phase);
  const raw = guestFrames(error.stack, functions);
  return createError('ERR_TRAP', phase, { trap, frames: origin === undefined ? raw : trapFrames(raw, origin) });
}

function unexpected(thrown: unknown, phase: Phase): AingleWasmError {
  return createError('ERR_INTERNAL', phase, { reason: `V8 threw ${thrown}` }, thrown);
}
