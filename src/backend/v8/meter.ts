import { type FuelAccess, fastAccess, halves, plainAccess, whole } from './fuel-access';
import { STOP } from './names';

const TWO_32 = 2 ** 32;
/** Calls after which faster access to the fuel has paid for itself. */
const CALLS_BEFORE_FAST = 32;

/**
 * Fuel, status and depth of one instance: the reserved globals of its prepared module. Counts are kept in two halves, so that a call
 * makes no bigint.
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
  #limitHigh = 0;
  #limitLow = 0;
  /** Limit and rest of the call that ended last; a rest below 0 counts as none. */
  #endedLimit = 0n;
  #leftHigh = 0;
  #leftLow = 0;

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
    if (limit !== this.#limit) this.#setLimit(limit);
    this.#access.set(this.#limitHigh, this.#limitLow);
    if (!this.#clean) {
      this.#status.value = STOP.none;
      this.#depth.value = this.#callDepth;
    }
    // Unless the call ends well, the next one must set them again.
    this.#clean = false;
  }

  /** Reads the count after the guest's last instruction. Returns whether it is within the limit. */
  end(returned: boolean): boolean {
    const high = this.#access.high();
    this.#clean = returned;
    this.#endedLimit = this.#limit;
    this.#leftHigh = high < 0 ? 0 : high;
    this.#leftLow = high < 0 ? 0 : this.#access.low();
    return high >= 0;
  }

  /** Counts the call that ended last as one that used all its fuel, because that is why it was stopped. */
  useAll(): void {
    this.#leftHigh = 0;
    this.#leftLow = 0;
  }

  /** Fuel of the call that ended last. A call beyond its limit used all of it. */
  get used(): bigint {
    return this.#endedLimit - whole(this.#leftHigh, this.#leftLow);
  }

  /** As {@link used}, rounded where it is above 2^53. */
  get usedNumber(): number {
    return (this.#limitHigh - this.#leftHigh) * TWO_32 + ((this.#limitLow >>> 0) - (this.#leftLow >>> 0));
  }

  /** Fuel that the running call has left. */
  left(): bigint {
    const left = this.#fuel.value;
    return left < 0n ? 0n : left;
  }

  /** Takes fuel from the running call. Returns whether there was enough. */
  charge(fuel: bigint): boolean {
    const left = this.#fuel.value - fuel;
    this.#fuel.value = left < 0n ? -1n : left;
    return left >= 0n;
  }

  /** As {@link charge}, of less than 2^32. */
  chargeSmall(fuel: number): boolean {
    return this.#access.charge(fuel) === 1;
  }

  status(): number {
    return this.#status.value;
  }

  #setLimit(limit: bigint): void {
    const { high, low } = halves(limit);
    this.#limit = limit;
    this.#limitHigh = high;
    this.#limitLow = low;
  }
}
