// Which workers run guests, in all engines of this thread; crates/host/src/pool does the same for a pool.
import { availableParallelism } from 'node:os';

/** How often it is asked what guests do, in milliseconds. */
const AGAIN_MS = 10;

/** One that has run for so long takes long if it had a processor for half of that, in milliseconds. */
const LONG_MS = 20;

/** A worker, as far as it matters here. */
export interface Member {
  /** How many milliseconds its thread has had a processor until now; undefined where that is not told. */
  ranMs(): number | undefined;
  /** Its guest takes long, and more do than there are processors. */
  giveWay(): void;
}

interface Stay {
  readonly since: number;
  /** What its thread had run in all when that was asked first. */
  ranBefore: number | undefined;
  takesLong: boolean;
}

/** Those that run. */
const crowd = new Map<Member, Stay>();
let cores = 0;
let looking = false;

/** A guest begins to run. */
export function enterCrowd(member: Member): void {
  crowd.set(member, { since: performance.now(), ranBefore: undefined, takesLong: false });
  cores ||= availableParallelism();
  if (crowd.size > cores && !looking) lookLater();
}

/** It waits, or has ended. */
export function leaveCrowd(member: Member): void {
  crowd.delete(member);
}

function lookLater(): void {
  looking = true;
  setTimeout(look, AGAIN_MS).unref();
}

function look(): void {
  looking = false;
  if (crowd.size <= cores) return;
  const now = performance.now();
  for (const [member, stay] of crowd) stay.takesLong ||= takesLong(member, stay, now);
  const long = [...crowd].filter(([, stay]) => stay.takesLong);
  if (long.length > cores) for (const [member] of long) member.giveWay();
  lookLater();
}

function takesLong(member: Member, stay: Stay, now: number): boolean {
  const ran = member.ranMs();
  stay.ranBefore ??= ran;
  if (now - stay.since < LONG_MS) return false;
  return ran === undefined || ran - stay.ranBefore! >= LONG_MS / 2;
}
