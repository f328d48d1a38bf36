// Which workers run guests, in all engines of this thread; crates/host/src/pool/relief.rs does the same for a pool.
import { availableParallelism } from 'node:os';

/** How long a guest may run before it gives way to others, and how often it is looked for such ones, in milliseconds. */
const LONG_MS = 10;

/** A worker, as far as it matters here. */
export interface Member {
  /** Its guest has run long while others want its processor. */
  giveWay(): void;
}

/** Since when each runs. */
const running = new Map<Member, number>();
let cores = 0;
let looking = false;

/** A guest begins to run. */
export function enterCrowd(member: Member): void {
  running.set(member, performance.now());
  cores ||= availableParallelism();
  if (running.size > cores && !looking) lookLater();
}

/** It waits, or has ended. */
export function leaveCrowd(member: Member): void {
  running.delete(member);
}

function lookLater(): void {
  looking = true;
  setTimeout(look, LONG_MS).unref();
}

function look(): void {
  looking = false;
  if (running.size <= cores) return;
  const latest = performance.now() - LONG_MS;
  for (const [member, since] of running) {
    if (since <= latest) member.giveWay();
  }
  lookLater();
}
