// The priority of the threads that run guests; crates/host/src/priority.rs does the same.
import { readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** How much lower than that of the thread that it was started from. */
const STEPS = 5;

/**
 * Lowers the priority of this thread, for good: a process may not raise one again. What it starts has that priority as well. Does nothing where
 * that is not possible, or might be punished.
 */
export function giveWay(): void {
  // On Linux a thread is a process of its own here; elsewhere this would be the whole process.
  if (process.platform !== 'linux') return;
  try {
    if (!isFiltered()) setPriority(0, Math.min(getPriority(0) + STEPS, constants.priority.PRIORITY_LOW));
  } catch {
    // A process that may not read that, or change this, does without.
  }
}

/** Whether a filter judges this thread's system calls. Some end the process for one that they do not allow, and nobody can ask ahead. */
function isFiltered(): boolean {
  const [, mode = '0'] = /^Seccomp:\s*(\d)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1')) ?? [];
  return mode !== '0';
}
