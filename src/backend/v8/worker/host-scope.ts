import { createError } from '../../../errors/error';
import { calledTooLate, chargedTooLate } from '../../../host-call';
import type { HostScope } from '../../../host-context';
import type { RawResult } from '../../backend';

/** More than any call has left. */
const TOO_MUCH = 2n ** 62n;

/** What a host call asks of the guest's call that waits for it. */
export interface WaitingCall {
  readonly data: unknown;
  readonly signal: AbortSignal;
  readonly fuelLimit: bigint;
  nest(scope: CallerScope, name: string, input: Uint8Array): Promise<RawResult>;
}

/** One host call, on the caller's side. What it charges travels with the next message to the worker. */
export class CallerScope implements HostScope {
  readonly #call: WaitingCall;
  #left: bigint;
  #charged = 0n;
  #over = false;

  constructor(call: WaitingCall, left: bigint) {
    this.#call = call;
    this.#left = left;
  }

  get data(): unknown {
    return this.#call.data;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  fuelLeft(): bigint {
    return this.#over ? 0n : this.#left;
  }

  charge(fuel: bigint): void {
    if (this.#over) throw chargedTooLate(fuel);
    if (fuel <= this.#left) {
      this.#left -= fuel;
      this.#charged += fuel;
      return;
    }
    this.#left = 0n;
    this.#charged = TOO_MUCH;
    const limit = this.#call.fuelLimit;
    throw createError('ERR_FUEL_EXHAUSTED', 'host', { used: limit, limit });
  }

  async call(name: string, input: Uint8Array): Promise<RawResult> {
    if (this.#over) throw calledTooLate(name);
    return this.#call.nest(this, name, input);
  }

  /** What is to be charged; the worker has it then. */
  takeCharged(): bigint {
    const charged = this.#charged;
    this.#charged = 0n;
    return charged;
  }

  /** A nested call has used some. */
  setLeft(left: bigint): void {
    this.#left = left;
  }

  /** The host function has returned. */
  end(): void {
    this.#over = true;
  }
}
