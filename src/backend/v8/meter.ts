import { type FuelAccess, fastAccess, plainAccess } from './fuel-access';
import { STOP } from './names';

/** Calls after which faster access to the fuel has paid for itself. */
const CALLS_BEFORE_FAST = 32;

/**
 * Fuel, status and depth of one instance: the reserved globals of its prepared module. Counts are kept as numbers where they
 * are exact, so that a call makes no bigint.
 */
export class Meter {
  readonly #fuel: WebAssembly.Global<'i64'>;
  readonly #status: WebAssembly.Global<'i32'>;
  readonly #depth: WebAssembly.Global<'i32'>;
  readonly #callDepth: number;
  #access: FuelAccess;
  #calls = 0;
  /** Status and depth are as a call must find them. A call that returns leaves them so. */
  #clean = false;
  #limit = 0n;
  #limitNumber = 0;
  /** Limit and rest of the call that ended last. A rest below 0 is that of a call that passed its limit. */
  #endedLimit = 0n;
  #left = 0;
  /** The rest, where a number is not exact. */
  #wideLeft: bigint | undefined;

  constructor(
    fuel: WebAssembly.Global<'i64'>,
    status: WebAssembly.Global<'i32'>,
    depth: WebAssembly.Global<'i32'>,
    callDepth: number,
  ) {
    this.#fuel = fuel;
    this.#status = status;
    this.#depth = depth;
    this.#callDepth = callDepth;
    this.#access = plainAccess(fuel);
  }

  /** Fuel that the running call, or the last one, began with. */
  get limit(): bigint {
    return this.#limit;
  }

  /** Prepares a call from outside. */
  begin(limit: bigint): void {
    if (++this.#calls === CALLS_BEFORE_FAST) this.#access = fastAccess(this.#fuel);
    if (limit !== this.#limit) {
      this.#limit = limit;
      this.#limitNumber = Number(limit);
    }
    if (this.#limitNumber <= Number.MAX_SAFE_INTEGER) this.#access.set(this.#limitNumber);
    else this.#fuel.value = limit;
    if (!this.#clean) {
      this.#status.value = STOP.none;
      this.#depth.value = this.#callDepth;
    }
    // Unless the call ends well, the next one must set them again.
    this.#clean = false;
  }

  /** Reads the count after the guest's last instruction. Returns whether it is within the limit. */
  end(returned: boolean): boolean {
    const left = this.#access.left();
    this.#clean = returned;
    this.#endedLimit = this.#limit;
    this.#left = left;
    this.#wideLeft = this.#limitNumber <= Number.MAX_SAFE_INTEGER ? undefined : this.#fuel.value;
    return left >= 0;
  }

  /** Counts the call that ended last as one that used all its fuel, because that is why it was stopped. */
  useAll(): void {
    this.#left = 0;
    if (this.#wideLeft !== undefined) this.#wideLeft = 0n;
  }

  /** Fuel of the call that ended last. A call beyond its limit used all of it. */
  get used(): bigint {
    return this.#left < 0 ? this.#endedLimit : this.#endedLimit - (this.#wideLeft ?? BigInt(this.#left));
  }

  /** As {@link used}; undefined where a number would not be exact. */
  get usedNumber(): number | undefined {
    if (this.#wideLeft !== undefined) return undefined;
    return this.#left < 0 ? this.#limitNumber : this.#limitNumber - this.#left;
  }

  /** Fuel that the running call has left. */
  left(): bigint {
    const left = this.#fuel.value;
    return left < 0n ? 0n : left;
  }

  /** Whether the running call has used more than its limit. */
  overdrawn(): boolean {
    return this.#access.left() < 0;
  }

  /** Takes fuel from the running call. Returns whether there was enough. */
  charge(fuel: bigint): boolean {
    const left = this.#fuel.value - fuel;
    this.#fuel.value = left < 0n ? -1n : left;
    return left >= 0n;
  }

  /** As {@link charge}, of less than 2^53. */
  chargeSmall(fuel: number): boolean {
    return this.#access.charge(fuel) >= 0;
  }

  status(): number {
    return this.#status.value;
  }
}
