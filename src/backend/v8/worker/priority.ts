// The priority of the threads that run guests; crates/host/src/priority.rs does the same. A process may lower it and never raise it again.
import { readFileSync, readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** How much lower than that of the thread that it was started from. */
const STEPS = 5;

/** How much lower still when more calls take long than there are processors. */
const LONG_STEPS = 12;

/**
 * Lowers the priority of this thread. What it starts has that priority as well. Returns by which number {@link giveWay} knows it; 0 where nothing can be
 * done, or might be punished.
 */
export function beginGuestThread(): number {
  // On Linux a thread is a process of its own here; elsewhere this would be the whole process.
  if (process.platform !== 'linux') return 0;
  try {
    if (isFiltered()) return 0;
    lower(0, STEPS);
    return threadNumber();
  } catch {
    // A process that may not read that, or change this, does without.
    return 0;
  }
}

/** Lowers the priority of a thread further. Returns whether it did. */
export function giveWay(thread: number): boolean {
  if (thread === 0) return false;
  try {
    lower(thread, LONG_STEPS);
    return true;
  } catch {
    return false;
  }
}

/** How many milliseconds a thread has had a processor until now, up to a tick of the kernel behind; undefined where that is not told. */
export function ranMs(thread: number): number | undefined {
  if (thread === 0) return undefined;
  try {
    const nanoseconds = Number.parseInt(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1'), 10);
    return Number.isNaN(nanoseconds) ? undefined : nanoseconds / 1e6;
  } catch {
    return undefined;
  }
}

function lower(thread: number, steps: number): void {
  setPriority(thread, Math.min(getPriority(thread) + steps, constants.priority.PRIORITY_LOW));
}

/** Whether a filter judges this thread's system calls. Some end the process for one that they do not allow, and nobody can ask ahead. */
function isFiltered(): boolean {
  const [, mode = '0'] = /^Seccomp:\s*(\d)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1')) ?? [];
  return mode !== '0';
}

/** The kernel's number of this thread; 0 if `/proc` counts processes in another way than this one does. */
function threadNumber(): number {
  const [, own, thread] = /^(\d+)\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
  return Number(own) === process.pid ? Number(thread) : 0;
}
