// What a part of the soak is: a scenario on one backend, in a process of its own, with bounds that it holds or not.
import type { BackendKind } from 'aingle-wasm';

/** How a part is run. The short form is for CI: fewer rounds, and bounds ten times looser, so that a busy machine does not fail it. */
export interface Run {
  readonly backend: BackendKind;
  readonly short: boolean;
  /** Part of the rounds of the long form, above 0 up to 1; the bounds stay. */
  readonly share: number;
}

/** What was seen: figures for people, and every fault in words. None means that the part passed. */
export interface Report {
  readonly figures: string;
  readonly faults: readonly string[];
}

export interface Part {
  readonly name: string;
  run(run: Run): Promise<Report>;
}

/** Rounds of the long and the short form. */
export interface Rounds {
  readonly long: number;
  readonly short: number;
  /** The short form on v8, where each instance that is made anew is a worker that is made anew. Default: `short`. */
  readonly shortInWorkers?: number;
}

export function roundsOf({ backend, short, share }: Run, rounds: Rounds): number {
  if (!short) return Math.ceil(rounds.long * share);
  return backend === 'v8' ? (rounds.shortInWorkers ?? rounds.short) : rounds.short;
}

/** Does something `count` times, never more than so many of them at once. */
export async function repeatedly(count: number, atOnce: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await one(next++);
    }),
  );
}

/** A bound of the long form, as it is for this run. */
export function boundOf({ short }: Run, bound: number): number {
  return short ? bound * 10 : bound;
}

/** A fault, unless `value` is below `bound` of the long form. */
export function above(run: Run, what: string, value: number, bound: number): string[] {
  const allowed = boundOf(run, bound);
  return value < allowed ? [] : [`${what}: ${round(value)}, allowed is less than ${allowed}`];
}

/** Three digits are enough for people. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}
