import { STOP } from './names';

const TWO_32 = 2 ** 32;
const scratch = new BigInt64Array(1);
const words = new Int32Array(scratch.buffer);

/**
 * Fuel, status and depth of one instance: the reserved globals of its prepared module.
 *
 * Counts are kept as numbers where they fit, so that a call makes no bigint but the one that V8 makes when a global is read.
 */
export class Meter {
  readonly #fuel: WebAssembly.Global<'i64'>;
  readonly #status: WebAssembly.Global<'i32'>;
  readonly #depth: WebAssembly.Global<'i32'>;
  readonly #callDepth: number;
  /** Status and depth are as a call must find them. A call that returns leaves them so. */
  #clean = false;
  #limit = 0n;
  #limitNumber = 0;
  #left = 0n;

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
  }

  get limit(): bigint {
    return this.#limit;
  }

  /** Prepares a call from outside. */
  begin(limit: bigint): void {
    this.#fuel.value = limit;
    if (limit !== this.#limit) {
      this.#limit = limit;
      this.#limitNumber = Number(limit);
    }
    if (!this.#clean) {
      this.#status.value = STOP.none;
      this.#depth.value = this.#callDepth;
    }
    // Unless the call ends well, the next one must set them again.
    this.#clean = false;
  }

  /** Reads the count after the guest's last instruction. Returns whether it is within the limit. */
  end(returned: boolean): boolean {
    this.#left = this.#fuel.value;
    scratch[0] = this.#left;
    this.#clean = returned;
    return words[1]! >= 0;
  }

  /** Counts the call that ended last as one that used all its fuel, because that is why it was stopped. */
  useAll(): void {
    this.#left = 0n;
  }

  /** Fuel of the call that ended last. A call beyond its limit used all of it. */
  get used(): bigint {
    return this.#left < 0n ? this.#limit : this.#limit - this.#left;
  }

  /** As {@link used}, rounded where it is above 2^53. */
  get usedNumber(): number {
    scratch[0] = this.#left;
    const high = words[1]!;
    return high < 0 ? this.#limitNumber : this.#limitNumber - (high * TWO_32 + (words[0]! >>> 0));
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

  status(): number {
    return this.#status.value;
  }
}
