// What happens, for whoever subscribes to `node:diagnostics_channel`. Where nobody does, a call pays for looking at a flag.
import { channel } from 'node:diagnostics_channel';
import { AingleWasmError } from './errors/error';
import type { Instance } from './instance';
import type { Module } from './module';
import type { Receipt } from './types';

/** Message of `aingle-wasm:compile`: a compilation has ended. */
export interface CompileMessage {
  readonly module?: Module;
  readonly error?: unknown;
  readonly wallMs: number;
}

/** Message of `aingle-wasm:call`, of `aingle-wasm:stop` (the call was stopped) and of `aingle-wasm:poison` (its instance is unusable now). */
export interface CallMessage {
  readonly instance: Instance;
  /** The exported function. */
  readonly name: string;
  /** Of calls of bytes that returned. */
  readonly receipt?: Receipt;
  readonly error?: unknown;
}

const compileChannel = channel('aingle-wasm:compile');
const callChannel = channel('aingle-wasm:call');
const stopChannel = channel('aingle-wasm:stop');
const poisonChannel = channel('aingle-wasm:poison');

const STOPS: ReadonlySet<string> = new Set(['ERR_FUEL_EXHAUSTED', 'ERR_TIMEOUT', 'ERR_ABORTED', 'ERR_OUT_OF_MEMORY']);

/** Whether somebody wants to hear of compilations. */
export function compilesObserved(): boolean {
  return compileChannel.hasSubscribers;
}

export function compiled(message: CompileMessage): void {
  compileChannel.publish(message);
}

/** Whether somebody wants to hear of calls. */
export function callsObserved(): boolean {
  return callChannel.hasSubscribers || stopChannel.hasSubscribers || poisonChannel.hasSubscribers;
}

/** Tells of a call that has ended; to be called if {@link callsObserved}. */
export function called(message: CallMessage): void {
  callChannel.publish(message);
  const { instance, error } = message;
  if (!(error instanceof AingleWasmError)) return;
  if (STOPS.has(error.code)) stopChannel.publish(message);
  if (instance.state === 'poisoned' && error.code !== 'ERR_INSTANCE_POISONED') poisonChannel.publish(message);
}
