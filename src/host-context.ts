import type { RawResult } from './backend/backend';
import { CallResult } from './call-result';
import { createError } from './errors/error';
import { type CallInput, toBytes } from './input';
import type { Instance } from './instance';
import { readFuel } from './options/fuel';
import { Termination } from './termination';

/** What a backend tells about one host call, from its begin until the guest goes on or is given up. */
export interface HostScope {
  /** `data` of the call, or of the instance. */
  readonly data: unknown;
  /** Aborted when the call is stopped; the reason is that of an abort, or the error that the call ends with. */
  readonly signal: AbortSignal;
  fuelLeft(): bigint;
  /**
   * Takes fuel from the running call.
   * @throws ERR_INVALID_ARG_VALUE when the host call is over
   * @throws ERR_FUEL_EXHAUSTED when less is left; the call then ends with it, even if the host function catches it
   */
  charge(fuel: bigint): void;
  /** Calls the guest that waits. Its fuel, depth and time are those of the call that waits. */
  call(name: string, input: Uint8Array): Promise<RawResult>;
}

/** The public object that an instance becomes; not there yet while its start function runs. */
export interface Face {
  instance?: Instance;
}

/** What a host function may ask and do while its guest waits. Valid until the host function returns, or its promise is settled. */
export class HostContext {
  readonly #face: Face;
  readonly #scope: HostScope;

  /** @internal */
  constructor(face: Face, scope: HostScope) {
    this.#face = face;
    this.#scope = scope;
  }

  /**
   * The instance whose guest is waiting. Its memory can be read and written; calling it is refused with ERR_INSTANCE_BUSY, but see {@link call}.
   *
   * @throws {AingleWasmError} `ERR_INSTANCE_BUSY` while the start function runs: there is no instance yet
   */
  get instance(): Instance {
    const { instance } = this.#face;
    if (instance === undefined) throw createError('ERR_INSTANCE_BUSY', 'start');
    return instance;
  }

  /** `data` of the call, or else of the instance. */
  get data(): unknown {
    return this.#scope.data;
  }

  /** Aborted when the guest's call is stopped: by its deadline, its own signal, or by closing. Hand it to what the host function waits for. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /** Fuel that the running call may still use, in operators. */
  get fuelLeft(): bigint {
    return this.#scope.fuelLeft();
  }

  /**
   * Charges the running call for work done on its behalf.
   *
   * @param fuel operators, 0 … 2^62
   * @throws {AingleWasmError} `ERR_FUEL_EXHAUSTED` if less is left; the guest's call ends with it, whatever the host function does then
   */
  charge(fuel: bigint | number): void {
    if (fuel === 0 || fuel === 0n) return;
    this.#scope.charge(readFuel('fuel', fuel));
  }

  /**
   * Calls an exported function of the guest that is waiting, and resolves with what it returned: the only way back into it. Fuel and time are those
   * of the waiting call; up to 16 calls may be nested.
   *
   * @param name exported function `(ptr: i32, len: i32) => i64`
   * @throws {AingleWasmError} `ERR_ASYNC_HOST_IN_SYNC` from a synchronous call; `ERR_CALL_DEPTH`; what a call can end with. After a trap
   *   the waiting call has no fuel left.
   */
  async call(name: string, input?: CallInput): Promise<CallResult> {
    return new CallResult(await this.#scope.call(name, toBytes(input)));
  }

  /**
   * Ends the guest's call at once: it resolves with `value`, and the instance is poisoned as after a trap.
   *
   * @param value bytes, or text (as UTF-8); default: no bytes
   */
  terminate(value?: CallInput): never {
    throw new Termination(toBytes(value));
  }
}
