import { Thread } from './thread';

/** Workers that are kept at rest: they cost about 5 MB each, and a new one tens of milliseconds of a processor. */
const MAX_SPARE = 8;

/** So many of them stay however long nobody needs them. */
const MIN_SPARE = 2;

/** Milliseconds in which a worker beyond those has to be needed. */
const REST_MS = 2_000;

/** Workers at rest, of all engines of this thread: the last one was used last. They do not keep the process alive. */
const spare: Thread[] = [];

/** The fewest spare workers since the last look: so many were not needed. */
let unused = 0;
let looking = false;

/** A worker at rest; a new one if there is none. */
export function takeThread(): Thread {
  for (;;) {
    const thread = spare.pop();
    unused = Math.min(unused, spare.length);
    if (thread === undefined) return new Thread();
    if (thread.dead === undefined) return thread;
  }
}

/** Makes a worker for the next instance, unless there is one, when the event loop is idle. */
export function warm(): void {
  setImmediate(() => {
    if (spare.length > 0) return;
    try {
      spare.push(new Thread());
    } catch {
      // Whoever needs it is told why there is none.
    }
  }).unref();
}

/** Gives a worker back that is at rest. Returns false if it is not wanted: then it is the caller's to end. */
export function keepThread(thread: Thread): boolean {
  if (thread.dead !== undefined || thread.lowered || spare.length >= MAX_SPARE) return false;
  spare.push(thread);
  if (spare.length > MIN_SPARE && !looking) look();
  return true;
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
