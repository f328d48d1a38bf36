// What this process holds: threads, and what keeps its event loop alive. A part must leave both as it found them.
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BackendKind, Engine } from 'aingle-wasm';
import { guestBytes, PLAIN } from './guest';

/** Threads end when they can, soon after what they did has. */
const PATIENCE_MS = 5_000;

export interface Held {
  readonly threads: number;
  readonly handles: string;
}

/**
 * Counted after Node has started the threads that it starts for itself, and an engine what it leaves to the next one: on v8 up to two spare workers
 * (docs/platforms.md).
 */
export async function heldAtStart(backend: BackendKind): Promise<Held> {
  await Promise.all(Array.from({ length: 8 }, () => readFile(__filename)));
  const engine = new Engine({ backend });
  const module = await engine.compile(guestBytes());
  await Promise.all(Array.from({ length: 3 }, () => module.instantiate(PLAIN)));
  await engine.close();
  await sleep(200);
  return held();
}

/** Faults, if the process still holds more than at the start. */
export async function heldSince(before: Held): Promise<string[]> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = held();
    if (now.threads <= before.threads && now.handles === before.handles) return [];
    if (performance.now() > end) return [`left behind: ${describe(now)}; at the start: ${describe(before)}`];
    await sleep(20);
  }
}

function held(): Held {
  // Timers are those of whoever waits to look.
  const handles = process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout');
  return { threads: readdirSync('/proc/self/task').length, handles: handles.sort().join(' ') };
}

function describe({ threads, handles }: Held): string {
  return `${threads} threads, handles ${handles || 'none'}`;
}
