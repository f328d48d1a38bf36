import { availableParallelism } from 'node:os';

/** How often it is asked what guests do while others want their processor, in milliseconds. */
const AGAIN_MS = 10;

/** One that has run for so long takes long if it had a processor for half of that, in milliseconds. */
const LONG_MS = 20;

/**
 * Guests that may go on without a place because they take long, where twice as many as processors are not more, if the priority of their workers is
 * low; of others as many as there are processors. The event loop feels each of them.
 */
const MAX_GIVEN_UP = 16;

/** A worker, as far as it matters here. */
export interface Occupant {
  /** How many milliseconds its thread has had a processor until now; undefined where that is not told. */
  ranMs(): number | undefined;
  /** Its guest takes long, and more do than there are processors. Returns whether its priority is lower now. */
  giveWay(): boolean;
  /** There may be a place for it now. */
  proceed(): void;
}

interface Stay {
  readonly since: number;
  /** What its thread had run in all when that was asked first. */
  ranBefore: number | undefined;
  holdsPlace: boolean;
  takesLong: boolean;
  lowered: boolean;
}

/** Which workers of an engine run guests, and which wait until they may; crates/host/src/pool does the same for a pool. */
export class Places {
  readonly #count: number;
  readonly #relieved: boolean;
  readonly #running = new Map<Occupant, Stay>();
  /** Who waits to make a guest, in the order in which they came. */
  readonly #making = new Set<Occupant>();
  /** Who waits to call one. */
  readonly #calling = new Set<Occupant>();
  /** Whose turn it is when there is a place: they take turns, so that the calls of guests that are there do not wait for all the new guests. */
  #turn = this.#calling;
  #held = 0;
  #cores = 0;
  #looking = false;

  /** @param relieved whether one that takes long gives its place to one that waits */
  constructor(count: number, relieved: boolean) {
    this.#count = count;
    this.#relieved = relieved;
  }

  get free(): boolean {
    return this.#held < this.#count;
  }

  /**
   * How many workers should start at once: as many as there are processors, half of that where guests run, which need the others, and none
   * where a new guest waits for its place, as that of another worker could only wait as well.
   */
  get startsAtOnce(): number {
    if (this.#making.size > 0) return 0;
    this.#cores ||= availableParallelism();
    return this.#running.size > 0 ? Math.ceil(this.#cores / 2) : this.#cores;
  }

  /**
   * Whether there is a place. If not, the occupant is told when there is one.
   *
   * @param makesGuest whether it wants to make a guest, and not to call one
   */
  admits(occupant: Occupant, makesGuest: boolean): boolean {
    if (this.free) return true;
    (makesGuest ? this.#making : this.#calling).add(occupant);
    this.#lookLater();
    return false;
  }

  /** A guest begins to run, or goes on. */
  enter(occupant: Occupant): void {
    const since = performance.now();
    this.#running.set(occupant, { since, ranBefore: undefined, holdsPlace: true, takesLong: false, lowered: false });
    this.#held++;
    this.#lookLater();
  }

  /** It waits, or has ended, or never will run. */
  leave(occupant: Occupant): void {
    this.#making.delete(occupant);
    this.#calling.delete(occupant);
    const stay = this.#running.get(occupant);
    if (stay === undefined) return;
    this.#running.delete(occupant);
    if (stay.holdsPlace) this.#held--;
    this.#admitNext();
  }

  #admitNext(): void {
    while (this.free && this.#waiting > 0) {
      const other = this.#turn === this.#calling ? this.#making : this.#calling;
      const [from, next] = this.#turn.size > 0 ? [this.#turn, other] : [other, this.#turn];
      const [occupant] = from as Iterable<Occupant>;
      from.delete(occupant!);
      this.#turn = next;
      occupant!.proceed();
    }
  }

  get #waiting(): number {
    return this.#making.size + this.#calling.size;
  }

  get #isCrowded(): boolean {
    this.#cores ||= availableParallelism();
    return this.#running.size + (this.#relieved ? this.#waiting : 0) > this.#cores;
  }

  #lookLater(): void {
    if (this.#looking || !this.#isCrowded) return;
    this.#looking = true;
    setTimeout(() => this.#look(), AGAIN_MS).unref();
  }

  #look(): void {
    this.#looking = false;
    if (!this.#isCrowded) return;
    const now = performance.now();
    for (const [occupant, stay] of this.#running) stay.takesLong ||= takesLong(occupant, stay, now);
    const long = [...this.#running].filter(([, stay]) => stay.takesLong);
    if (long.length > this.#cores) for (const [occupant, stay] of long) stay.lowered ||= occupant.giveWay();
    if (this.#relieved && this.#waiting > 0) this.#giveUp(long.map(([, stay]) => stay));
    this.#lookLater();
  }

  #giveUp(long: readonly Stay[]): void {
    let givenUp = long.filter(({ holdsPlace }) => !holdsPlace).length;
    const most = Math.max(MAX_GIVEN_UP, 2 * this.#cores);
    for (const stay of long) {
      if (!stay.holdsPlace || givenUp >= (stay.lowered ? most : this.#cores)) continue;
      stay.holdsPlace = false;
      givenUp++;
      this.#held--;
    }
    this.#admitNext();
  }
}

function takesLong(occupant: Occupant, stay: Stay, now: number): boolean {
  const ran = occupant.ranMs();
  stay.ranBefore ??= ran;
  if (now - stay.since < LONG_MS) return false;
  return ran === undefined || ran - stay.ranBefore! >= LONG_MS / 2;
}
