// Endless guests with a deadline, while the event loop and the file system go on.
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Engine } from 'aingle-wasm';
import { percentile, tally } from '../figures';
import { codeOf, GUEST_FILE, guestBytes, PLAIN } from '../guest';
import { heldAtStart, heldSince } from '../held';
import { above, type Part, round } from '../part';

const GUESTS = 8;
const DEADLINE_MS = 500;
const ENDED_MS = 700;
const READ_P99_MS = 50;
const DELAY_P99_MS = 5;

export const endless: Part = {
  name: 'endless',
  async run(run) {
    const before = await heldAtStart(run.backend);
    const engine = new Engine({ backend: run.backend, threads: GUESTS, meteringLimit: 'unlimited' });
    const module = await engine.compile(guestBytes());
    const instances = await Promise.all(Array.from({ length: GUESTS }, () => module.instantiate(PLAIN)));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const begun = performance.now();
    let ended = 0;
    const ends = instances.map((instance) =>
      codeOf(instance.invoke('forever', [], { timeoutMs: DEADLINE_MS })).finally(() => {
        ended += 1;
      }),
    );
    const reads: number[] = [];
    while (ended < GUESTS) {
      const started = performance.now();
      await readFile(GUEST_FILE);
      reads.push(performance.now() - started);
    }
    const endedMs = performance.now() - begun;
    delay.disable();
    const codes = await Promise.all(ends);
    await engine.close();
    const readP99 = percentile(reads, 0.99);
    const delayP99 = delay.percentile(99) / 1e6;
    return {
      figures: `${tally(codes)} by ${round(endedMs)} ms, ${reads.length} reads with p99 ${round(readP99)} ms, event-loop delay p99 ${round(delayP99)} ms`,
      faults: [
        ...codes.filter((code) => code !== 'ERR_TIMEOUT').map((code) => `a guest ended with ${code}`),
        ...above(run, 'the last guest ended after ms', endedMs, ENDED_MS),
        ...above(run, 'readFile p99 in ms', readP99, READ_P99_MS),
        ...above(run, 'event-loop delay p99 in ms', delayP99, DELAY_P99_MS),
        ...(await heldSince(before)),
      ],
    };
  },
};
