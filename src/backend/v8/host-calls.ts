import type { Phase } from '../../errors/codes';
import { type AingleWasmError, createError, invalidValue } from '../../errors/error';
import type { HostContext, HostScope } from '../../host-context';
import type { Convention } from './convention';
import type { Meter } from './meter';

/** Thrown through the guest to end its call; why is noted in {@link HostCalls}. The guest cannot catch it. */
export const STOPPED = new Error('the call was ended by a host function');

/** What an instance's host functions share: their count, cost and time, and why one of them ended the call. */
export class HostCalls implements HostScope {
  context!: HostContext;
  convention!: Convention;
  data: unknown;
  count = 0;
  /** Milliseconds spent in host functions, if the call is timed. */
  elapsed = 0;
  active = false;
  readonly #maxCalls: number;
  #meter: Meter | undefined;
  #failure: AingleWasmError | undefined;
  #panic: AingleWasmError | undefined;
  #timed = false;
  #entered = 0;
  /** A host function asked for more fuel than there was: the call ends, whatever that function does then. */
  #overcharged = false;

  constructor(maxCalls: number | undefined) {
    this.#maxCalls = maxCalls ?? Number.POSITIVE_INFINITY;
  }

  /** The meter is known once the instance exists; no host function can run before. */
  attach(meter: Meter): void {
    this.#meter = meter;
  }

  /** Begins a call from outside. */
  begin(data: unknown, timed: boolean): void {
    this.data = data;
    this.count = 0;
    this.elapsed = 0;
    this.#timed = timed;
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
  enter(cost: bigint): void {
    if (this.count >= this.#maxCalls) {
      throw this.fail(createError('ERR_HOST_CALL_LIMIT', 'host', { limit: this.#maxCalls, value: this.count + 1 }));
    }
    this.count++;
    if (cost > 0n && !this.#meter!.charge(cost)) throw this.fail(this.#exhausted());
    this.active = true;
    if (this.#timed) this.#entered = performance.now();
  }

  /** Ends a call of a host function that returned. */
  leave(): void {
    this.active = false;
    if (this.#timed) this.elapsed += performance.now() - this.#entered;
    if (this.#overcharged) throw this.fail(this.#exhausted());
  }

  /** Notes why the guest's call ends; what is returned must be thrown. */
  fail(error: AingleWasmError): Error {
    if (this.active) {
      this.active = false;
      if (this.#timed) this.elapsed += performance.now() - this.#entered;
    }
    this.#failure ??= this.#overcharged ? this.#exhausted() : error;
    this.#overcharged = false;
    return STOPPED;
  }

  /** Why a host function ended the guest's call, if one did. No host function is running any more. */
  takeFailure(): AingleWasmError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    // The stack may have ended between a host function's begin and end.
    this.active = false;
    this.#overcharged = false;
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
    return this.#meter!.left();
  }

  charge(fuel: bigint): void {
    if (!this.active) throw invalidValue('fuel', 'charge works only until the host function returns', fuel);
    if (this.#meter!.charge(fuel)) return;
    this.#overcharged = true;
    throw this.#exhausted();
  }

  #exhausted(phase: Phase = 'host'): AingleWasmError {
    const { limit } = this.#meter!;
    return createError('ERR_FUEL_EXHAUSTED', phase, { used: limit, limit });
  }
}
