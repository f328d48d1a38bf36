import { Thread } from './thread';

/** Workers that are kept ready: they cost about 5 MB each, and a new one tens of milliseconds. */
const MAX_SPARE = 2;

/** Workers at rest, of all engines of this thread. They do not keep the process alive. */
const spare: Thread[] = [];

/** A worker at rest; a new one if there is none. */
export function takeThread(): Thread {
  for (;;) {
    const thread = spare.pop();
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

/** Gives a worker back that is at rest. Returns false if enough are kept: then it is the caller's to end. */
export function keepThread(thread: Thread): boolean {
  if (thread.dead !== undefined || spare.length >= MAX_SPARE) return false;
  spare.push(thread);
  return true;
}
