/** What a call used. */
export interface Usage {
  readonly used: bigint;
  /** The same; undefined where a number would not be exact. */
  readonly usedNumber: number | undefined;
}

/** Two counts of this size have an exact sum. */
const MAX_RECENT_FUEL = 2 ** 52;

/** Counts calls that have ended, of an instance or of an engine. */
export class Totals {
  calls = 0;
  stopped = 0;
  #fuel = 0n;
  /** Fuel not yet in `#fuel`: an addition of numbers costs a fortieth of one of bigints. */
  #recentFuel = 0;

  count(usage: Usage, stopped: boolean): void {
    this.calls++;
    if (stopped) this.stopped++;
    const used = usage.usedNumber;
    if (used === undefined || used > MAX_RECENT_FUEL) this.#fuel += usage.used;
    else this.#recentFuel += used;
    if (this.#recentFuel > MAX_RECENT_FUEL) this.#settle();
  }

  get fuel(): bigint {
    this.#settle();
    return this.#fuel;
  }

  #settle(): void {
    this.#fuel += BigInt(this.#recentFuel);
    this.#recentFuel = 0;
  }
}
