import { createError } from './errors/error';
import type { Instance } from './instance';
import { readFuel } from './options/fuel';

/** What a backend tells about the host call that is going on; one object an instance. */
export interface HostScope {
  /** `data` of the call, or of the instance. */
  readonly data: unknown;
  fuelLeft(): bigint;
  /**
   * Takes fuel from the running call.
   * @throws ERR_INVALID_ARG_VALUE when no host function is running
   * @throws ERR_FUEL_EXHAUSTED when less is left; the call then ends with it, even if the host function catches it
   */
  charge(fuel: bigint): void;
}

/** What a host function may ask and do while its guest waits. Valid until the host function returns. */
export class HostContext {
  readonly #face: { readonly instance?: Instance };
  readonly #scope: HostScope;

  /** @internal */
  constructor(face: { readonly instance?: Instance }, scope: HostScope) {
    this.#face = face;
    this.#scope = scope;
  }

  /**
   * The instance whose guest is waiting. Its memory can be read and written; calling it is refused with ERR_INSTANCE_BUSY.
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
}
