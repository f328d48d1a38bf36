import type { AingleWasmError } from '../../../errors/error';
import type { Places } from './places';
import { Thread } from './thread';
import type { Watch } from './watch';

/** Workers that are kept at rest: they cost about 5 MB each, and a new one tens of milliseconds of a processor. */
const MAX_SPARE = 32;

/** So many of them stay however long nobody needs them. */
const MIN_SPARE = 2;

/** Milliseconds in which a worker beyond those has to be needed. */
const REST_MS = 2_000;

/** When it is tried again to start a worker for those that wait, in milliseconds. */
const AGAIN_MS = 10;

/** Who waits for a worker. */
interface Taker {
  /** Where its guest is to be made. */
  readonly places: Places;
  give(thread: Thread): void;
  refuse(error: unknown): void;
}

/** Workers at rest, of all engines of this thread: the last one was used last. They do not keep the process alive. */
const spare: Thread[] = [];

/** In the order in which they came. */
const takers = new Set<Taker>();

/** Workers that have been made and do not serve yet. */
let starting = 0;

/** Whether one is to be started for the next instance. */
let spareWanted = false;

/** Whether a timer runs for those that wait. */
let servingAgain = false;

/** The fewest spare workers since the last look: so many were not needed. */
let unused = 0;
let looking = false;

/** A worker at rest; a new one if there is none. */
export function takeThreadNow(): Thread {
  return takeSpare() ?? startThread();
}

/**
 * A worker for an instance. Where there is none at rest, it is the next one that an instance gives back or that may start. Few may at once, and none while
 * another new guest waits for its place: they would keep each other, and the guests of the others, from their processors.
 *
 * @param watch until when that may take; armed meanwhile
 * @throws {AingleWasmError} `ERR_ENGINE_UNAVAILABLE` without workers, and what `watch` ends it with
 */
export function takeThread(places: Places, watch: Watch): Promise<Thread> {
  return new Promise((resolve, reject) => {
    const taker = {
      places,
      give: (thread: Thread) => {
        watch.release();
        resolve(thread);
      },
      refuse: (error: unknown) => {
        takers.delete(taker);
        watch.release();
        reject(error);
      },
    };
    takers.add(taker);
    watch.arm(taker.refuse);
    serveTakers();
  });
}

/** Refuses those that wait for a worker. */
export function refuseTakers(places: Places, errorFor: () => AingleWasmError): void {
  for (const taker of takers) if (taker.places === places) taker.refuse(errorFor());
}

/** Has a worker started for the next instance, unless there is one, when the event loop is idle and no other starts. */
export function warm(): void {
  spareWanted = true;
  setImmediate(startSpare).unref();
}

function startSpare(): void {
  if (!spareWanted || starting > 0) return;
  spareWanted = false;
  if (spare.length > 0) return;
  try {
    spare.push(startThread());
  } catch {
    // Whoever needs it is told why there is none.
  }
}

/** Gives a worker back that is at rest. Returns false if it is not wanted: then it is the caller's to end. */
export function keepThread(thread: Thread): boolean {
  if (thread.dead !== undefined || thread.lowered || spare.length >= MAX_SPARE) return false;
  spare.push(thread);
  serveTakers();
  if (spare.length > MIN_SPARE && !looking) look();
  return true;
}

function serveTakers(): void {
  for (const taker of takers) {
    const thread = takeSpare();
    if (thread === undefined && starting >= taker.places.startsAtOnce) continue;
    takers.delete(taker);
    try {
      taker.give(thread ?? startThread());
    } catch (error) {
      taker.refuse(error);
    }
  }
  if (takers.size > 0) serveAgain();
}

function serveAgain(): void {
  if (servingAgain) return;
  servingAgain = true;
  setTimeout(() => {
    servingAgain = false;
    serveTakers();
  }, AGAIN_MS);
}

function takeSpare(): Thread | undefined {
  for (;;) {
    const thread = spare.pop();
    unused = Math.min(unused, spare.length);
    if (thread === undefined || thread.dead === undefined) return thread;
  }
}

function startThread(): Thread {
  const thread = new Thread();
  starting++;
  void thread.started.then(() => {
    starting--;
    serveTakers();
    startSpare();
  });
  return thread;
}

/** Ends, again and again, the workers that were not needed meanwhile, until only those are left that stay. */
function look(): void {
  looking = true;
  unused = spare.length;
  const timer = setInterval(() => {
    const superfluous = Math.max(0, Math.min(unused, spare.length - MIN_SPARE));
    for (const thread of spare.splice(0, superfluous)) thread.end();
    unused = spare.length;
    if (unused > MIN_SPARE) return;
    clearInterval(timer);
    looking = false;
  }, REST_MS);
  timer.unref();
}
