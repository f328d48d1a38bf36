/** References that are taken before it is worth looking which of them the guest has let go of. */
const FEWEST = 64;

/** Map takes both zeros for one key. */
const NEGATIVE_ZERO = Symbol('-0');

/**
 * The host's values that one guest may hold, by number: the guest keeps the number, this table the value. A value has one number while
 * it has any. Numbers that the guest has let go of are used again.
 */
export class ExternNumbers {
  readonly #values: unknown[] = [];
  readonly #numbers = new Map<unknown, number>();
  readonly #free: number[] = [];
  #taken = 0;
  /** As many as were looked at the last time, so that looking costs each number a bounded share. */
  #enough = FEWEST;

  /** Values that have a number. */
  get size(): number {
    return this.#numbers.size;
  }

  numberOf(value: unknown): number {
    const key = keyOf(value);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? this.#values.length;
    this.#values[number] = value;
    this.#numbers.set(key, number);
    this.#taken++;
    return number;
  }

  valueOf(number: number): unknown {
    return this.#values[number];
  }

  /** Whether enough numbers were taken since the last {@link keep} for another one. */
  get isDue(): boolean {
    return this.#taken >= this.#enough;
  }

  /**
   * Lets go of every value but these.
   *
   * @param held numbers that the guest holds
   * @param seen places in which it was looked for them
   */
  keep(held: Iterable<number>, seen: number): void {
    const kept = new Set(held);
    for (const [key, number] of this.#numbers) {
      if (kept.has(number)) continue;
      this.#numbers.delete(key);
      this.#values[number] = undefined;
      this.#free.push(number);
    }
    this.#taken = 0;
    this.#enough = Math.max(FEWEST, seen, this.#numbers.size);
  }
}

function keyOf(value: unknown): unknown {
  return Object.is(value, -0) ? NEGATIVE_ZERO : value;
}
