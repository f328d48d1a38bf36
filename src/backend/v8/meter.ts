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
  /** Fuel of the running call that its guest was not given yet, because it runs in slices. */
  #reserve = 0n;
  #sliced = false;
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

  /** Fuel that the running call, or the last one, began with, and what was added to it. */
  get limit(): bigint {
    return this.#limit;
  }

  /**
   * Prepares a call from outside.
   *
   * @param slice fuel that the guest gets at first; default: all of it
   */
  begin(limit: bigint, slice = limit): void {
    if (++this.#calls === CALLS_BEFORE_FAST) this.#access = fastAccess(this.#fuel);
    if (limit !== this.#limit) {
      this.#limit = limit;
      this.#limitNumber = Number(limit);
    }
    this.#reserve = slice < limit ? limit - slice : 0n;
    if (this.#reserve > 0n || this.#limitNumber > Number.MAX_SAFE_INTEGER) this.#fuel.value = limit - this.#reserve;
    else this.#access.set(this.#limitNumber);
    this.#sliced = slice < limit;
    if (!this.#clean) {
      this.#status.value = STOP.none;
      this.#depth.value = this.#callDepth;
    }
    // Unless the call ends well, the next one must set them again.
    this.#clean = false;
  }

  /** Reads the count after the guest's last instruction. Returns whether it is within the limit. */
  end(returned: boolean): boolean {
    const wide = this.#sliced || this.#limitNumber > Number.MAX_SAFE_INTEGER;
    this.#clean = returned;
    this.#endedLimit = this.#limit;
    this.#wideLeft = wide ? this.#fuel.value + this.#reserve : undefined;
    this.#left = this.#wideLeft === undefined ? this.#access.left() : Number(this.#wideLeft);
    return this.#left >= 0;
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

  /** The counter and the depth as the guest hands them to a function that a reference stands for, and takes them back. */
  rest(): bigint {
    return this.#fuel.value;
  }

  depthLeft(): number {
    return this.#depth.value;
  }

  setRest(fuel: bigint, depth: number): void {
    this.#fuel.value = fuel;
    this.#depth.value = depth;
  }

  /** Fuel that the running call has left. */
  left(): bigint {
    return this.leftWith(this.#fuel.value);
  }

  /** Takes all fuel of the running call, and forgets why a call nested in it stopped. */
  drain(): void {
    this.#fuel.value = 0n;
    this.#reserve = 0n;
    this.#status.value = STOP.none;
  }

  /** Whether the running call has used more than its limit. */
  overdrawn(): boolean {
    return this.#fuel.value + this.#reserve < 0n;
  }

  /** Fuel that is left to a guest that has `rest` of what it was given. */
  leftWith(rest: bigint): bigint {
    const left = rest + this.#reserve;
    return left < 0n ? 0n : left;
  }

  /**
   * Gives a guest that has paused its next slice, and answers its new rest: negative if there is not enough to go on.
   *
   * @param more fuel that is added to the call's limit first
   */
  grant(slice: bigint, more: bigint, rest: bigint): bigint {
    this.#limit += more;
    this.#limitNumber = Number(this.#limit);
    this.#reserve += more;
    const wanted = rest < 0n ? slice - rest : slice;
    const granted = wanted < this.#reserve ? wanted : this.#reserve;
    this.#reserve -= granted;
    return rest + granted;
  }

  /** Takes fuel from the running call. Returns whether there was enough. */
  charge(fuel: bigint): boolean {
    let left = this.#fuel.value - fuel;
    if (left < 0n) {
      const drawn = -left < this.#reserve ? -left : this.#reserve;
      this.#reserve -= drawn;
      left += drawn;
    }
    this.#fuel.value = left < 0n ? -1n : left;
    return left >= 0n;
  }

  /** As {@link charge}, of less than 2^53. */
  chargeSmall(fuel: number): boolean {
    return this.#reserve === 0n ? this.#access.charge(fuel) >= 0 : this.charge(BigInt(fuel));
  }

  status(): number {
    return this.#status.value;
  }
}
