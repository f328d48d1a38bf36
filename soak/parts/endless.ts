// Endless guests with a deadline, while the event loop and the file system go on.
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from 'aingle-wasm';
import { percentile } from '../../bench/measure';
import { tally } from '../figures';
import { codeOf, GUEST_FILE, guestBytes, PLAIN } from '../guest';
import { heldAtStart, heldSince } from '../held';
import { above, type Part, type Report, type Run, round } from '../part';

const GUESTS = 8;
const DEADLINE_MS = 500;
const ENDED_MS = 700;
const READ_P99_MS = 50;
const DELAY_P99_MS = 5;
/** The timer that the delay of the event loop is sampled by. */
const TIMER_MS = 1;

/** What a server sees of its process. */
interface Service {
  readonly reads: number;
  readonly readP99: number;
  readonly delayP99: number;
}

/** Reads a file again and again until something is over. */
async function serveUntil(over: Promise<unknown>): Promise<Service> {
  let done = false;
  const noted = over.finally(() => {
    done = true;
  });
  const delay = monitorEventLoopDelay({ resolution: TIMER_MS });
  delay.enable();
  const reads: number[] = [];
  while (!done) {
    const started = performance.now();
    await readFile(GUEST_FILE);
    reads.push(performance.now() - started);
  }
  delay.disable();
  await noted;
  // Node notes the time from one firing to the next, what the timer was set to included.
  const delayP99 = delay.percentile(99) / 1e6 - TIMER_MS;
  return { reads: reads.length, readP99: percentile(reads, 0.99), delayP99 };
}

function describe({ reads, readP99, delayP99 }: Service): string {
  return `${reads} reads with p99 ${round(readP99)} ms, event-loop delay p99 ${round(delayP99)} ms`;
}

/** On an engine with so many threads; by default as many as the machine has processors. */
async function endAll(run: Run, threads?: number): Promise<Report> {
  const before = await heldAtStart(run.backend);
  const engine = new Engine({ backend: run.backend, meteringLimit: 'unlimited', ...(threads && { threads }) });
  const module = await engine.compile(guestBytes());
  const instances = await Promise.all(Array.from({ length: GUESTS }, () => module.instantiate(PLAIN)));
  // Not judged: says how busy the machine is with something else.
  const alone = await serveUntil(sleep(DEADLINE_MS));
  const begun = performance.now();
  const ends = Promise.all(
    instances.map((instance) => codeOf(instance.invoke('forever', [], { timeoutMs: DEADLINE_MS }))),
  );
  const ended = ends.then(() => performance.now() - begun);
  const service = await serveUntil(ends);
  const [codes, endedMs] = [await ends, await ended];
  await engine.close();
  return {
    figures: `${tally(codes)} by ${round(endedMs)} ms, ${describe(service)} (without guests ${describe(alone)})`,
    faults: [
      ...codes.filter((code) => code !== 'ERR_TIMEOUT').map((code) => `a guest ended with ${code}`),
      ...above(run, 'the last guest ended after ms', endedMs, ENDED_MS),
      ...above(run, 'readFile p99 in ms', service.readP99, READ_P99_MS),
      ...above(run, 'event-loop delay p99 in ms', service.delayP99, DELAY_P99_MS),
      ...(await heldSince(before)),
    ],
  };
}

export const endless: Part = {
  name: 'endless',
  async run(run) {
    const few = await endAll(run);
    // Every guest of v8 has a thread anyway.
    if (run.backend === 'v8') return few;
    const many = await endAll(run, GUESTS);
    return {
      figures: `${few.figures}; with a thread for each guest ${many.figures}`,
      faults: [...few.faults, ...many.faults.map((fault) => `with a thread for each guest, ${fault}`)],
    };
  },
};
