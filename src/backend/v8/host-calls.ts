import type { Phase } from '../../errors/codes';
import { AingleWasmError, createError } from '../../errors/error';
import { chargedTooLate, hostFailure } from '../../host-call';
import type { HostScope } from '../../host-context';
import type { Termination } from '../../termination';
import type { RawResult } from '../backend';
import { CallSignal } from './call-signal';
import type { Convention } from './convention';
import type { Meter } from './meter';

/** Thrown through the guest to end its call; why is noted in {@link HostCalls}. The guest cannot catch it. */
export const STOPPED = new Error('the call was ended by a host function');

/** How a guest's call ends: by an error, or because a host function said so. */
export type Ending = AingleWasmError | Termination;

/** A call as its host functions see it. */
export interface CallSetting {
  readonly data: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Whether the time in host functions is to be measured. */
  readonly timed?: boolean;
  /** Fuel after which the guest pauses. */
  readonly slice?: bigint | undefined;
}

/** What an instance's host functions share: their count, cost and time, and why one of them ended the call. */
export class HostCalls implements HostScope {
  convention!: Convention;
  count = 0;
  /** Milliseconds spent in host functions, if the call is timed. */
  elapsed = 0;
  active = false;
  /** Why the call is not to go on after a host function, if there is a reason: asked for each time one returns. */
  interruption: () => Ending | undefined = () => undefined;
  /** What a sliceable guest calls with its rest when that is spent: answers the new one, negative to stop. */
  slice: (rest: bigint) => bigint = (rest) => rest;
  readonly #maxCalls: number;
  #setting: CallSetting = { data: undefined };
  #signal: CallSignal | undefined;
  #meter: Meter | undefined;
  #failure: Ending | undefined;
  #panic: AingleWasmError | undefined;
  #entered = 0;
  /** The host function that runs. */
  #name = '';
  /** The call ends with this, whatever the host function does that runs. */
  #ending: Ending | undefined;

  constructor(maxCalls: number | undefined) {
    this.#maxCalls = maxCalls ?? Number.POSITIVE_INFINITY;
  }

  get data(): unknown {
    return this.#setting.data;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const made = new CallSignal();
      const given = this.#setting.signal;
      given?.addEventListener('abort', () => made.abort(given.reason), { once: true });
      this.#signal = made;
    }
    return this.#signal.signal;
  }

  /** The meter is known once the instance exists; no host function can run before. */
  attach(meter: Meter): void {
    this.#meter = meter;
  }

  /** Begins a call from outside. */
  begin(setting: CallSetting): void {
    this.#setting = setting;
    this.#signal = undefined;
    this.count = 0;
    this.elapsed = 0;
    // A guest may have reported a panic and returned all the same.
    this.#panic = undefined;
  }

  /** Begins a call of the host through a reference, with the counter and the depth that the guest hands over. */
  enterReference(fuel: bigint, depth: number): void {
    if (fuel < 0n) throw this.fail(this.#exhausted('call'));
    this.#meter!.setRest(fuel, depth);
  }

  /** The counter that the guest gets back. */
  rest(): bigint {
    return this.#meter!.rest();
  }

  /** Runs a call of the guest through a reference: it is handed the counter and the depth, and gives the counter back last. */
  throughReference(call: (fuel: bigint, depth: number) => readonly unknown[]): readonly unknown[] {
    const meter = this.#meter!;
    const depth = meter.depthLeft();
    const results = call(meter.rest(), depth);
    meter.setRest(results.at(-1) as bigint, depth);
    return results;
  }

  /** Counts a call of a host function and charges its cost. */
  enter(name: string, cost: bigint): void {
    if (this.count >= this.#maxCalls) {
      throw this.fail(createError('ERR_HOST_CALL_LIMIT', 'host', { limit: this.#maxCalls, value: this.count + 1 }));
    }
    this.count++;
    if (cost > 0n && !this.#meter!.charge(cost)) throw this.fail(this.#exhausted());
    this.#wait(name);
  }

  /** Runs what decides about a guest that has paused: it is no host function that the guest has called. */
  pause<T>(name: string, decide: () => T): T {
    this.#wait(name);
    let decided: T;
    try {
      decided = decide();
    } catch (thrown) {
      throw this.fail(thrown instanceof AingleWasmError ? thrown : hostFailure(name, thrown));
    }
    this.leave();
    return decided;
  }

  /** Ends a call of a host function that returned. */
  leave(): void {
    const ending = this.#ending ?? this.interruption();
    if (ending !== undefined) throw this.fail(ending);
    this.active = false;
    if (this.#setting.timed) this.elapsed += performance.now() - this.#entered;
  }

  /** Notes why the guest's call ends; what is returned must be thrown. */
  fail(error: Ending): Error {
    this.#failure ??= this.#ending ?? (this.active ? this.interruption() : undefined) ?? error;
    if (this.active) {
      this.active = false;
      if (this.#setting.timed) this.elapsed += performance.now() - this.#entered;
      this.#signal?.abort(this.#failure);
    }
    this.#ending = undefined;
    return STOPPED;
  }

  /** The call ends with this as soon as the host function does that runs. */
  #endWith(ending: Ending): void {
    this.#ending ??= ending;
  }

  /**
   * Runs a call of the guest that waits in a host function. Its time is not that function's.
   * @throws what the call that waits ends with, if that is known already
   */
  nested<T>(run: () => T): T {
    if (this.#ending !== undefined) throw this.#ending;
    const [begun, entered, name, failure, panic] = [
      performance.now(),
      this.#entered,
      this.#name,
      this.#failure,
      this.#panic,
    ];
    this.active = false;
    try {
      return run();
    } finally {
      this.active = true;
      this.#entered = entered + performance.now() - begun;
      this.#name = name;
      this.#failure = failure;
      this.#panic = panic;
    }
  }

  /** Why a host function ended the guest's call, if one did. No host function is running any more. */
  takeFailure(): Ending | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    // The stack may have ended between a host function's begin and end.
    this.active = false;
    this.#ending = undefined;
    return failure;
  }

  /** Notes a guest's panic for the trap that follows. */
  reportPanic(ptr: number, len: number): void {
    this.#panic = this.convention.panicReport(ptr, len) ?? this.#panic;
  }

  takePanic(): AingleWasmError | undefined {
    const panic = this.#panic;
    this.#panic = undefined;
    return panic;
  }

  /** Charges the guest for work of the host's own. */
  chargeGuest(fuel: number): void {
    if (fuel > 0 && !this.#meter!.chargeSmall(fuel)) throw this.fail(this.#exhausted());
  }

  fuelLeft(): bigint {
    return this.active ? this.#meter!.left() : 0n;
  }

  charge(fuel: bigint): void {
    if (!this.active) throw chargedTooLate(fuel);
    if (this.#meter!.charge(fuel)) return;
    this.#endWith(this.#exhausted());
    throw this.#exhausted();
  }

  /** Refused: on the guest's own thread nothing can wait for its promise. */
  async call(): Promise<RawResult> {
    throw createError('ERR_ASYNC_HOST_IN_SYNC', 'host', { name: this.#name });
  }

  /** The guest waits from now on. */
  #wait(name: string): void {
    this.#name = name;
    this.active = true;
    if (this.#setting.timed) this.#entered = performance.now();
  }

  #exhausted(phase: Phase = 'host'): AingleWasmError {
    const { limit } = this.#meter!;
    return createError('ERR_FUEL_EXHAUSTED', phase, { used: limit, limit });
  }
}
