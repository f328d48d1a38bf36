// Endless guests with a deadline, while the event loop and the file system go on. Prints what was seen, as JSON. Argument: the file of the guest.
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Engine } from '../../../index.mjs';

const GUESTS = 8;
const DEADLINE_MS = 500;

const threads = () => readdirSync('/proc/self/task').length;
const imports = { env: { add: (a, b) => a + b } };
const engine = new Engine({ backend: process.argv[3] ?? 'wasmer', threads: GUESTS, meteringLimit: 'unlimited' });
const module = await engine.compile(await readFile(process.argv[2]));
// Whatever Node starts for itself is there before it is counted.
await Promise.all(Array.from({ length: 8 }, () => readFile(process.argv[2])));
const before = threads();

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const instances = await Promise.all(Array.from({ length: GUESTS }, () => module.instantiate({ imports })));
const begun = performance.now();
const ends = Promise.all(
  instances.map((instance) =>
    instance.invoke('forever', [], { timeoutMs: DEADLINE_MS }).then(
      () => 'returned',
      ({ code }) => `${code}`,
    ),
  ),
);
let stopped = false;
ends.then(() => {
  stopped = true;
});
const reads = [];
while (!stopped) {
  const started = performance.now();
  await readFile(process.argv[2]);
  reads.push(performance.now() - started);
}
const codes = await ends;
const ms = performance.now() - begun;
delay.disable();
await engine.close();
const at = (values, part) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)];
console.log(
  JSON.stringify({
    codes,
    ms,
    reads: reads.length,
    readP99: at(reads, 0.99),
    delayP99: delay.percentile(99) / 1e6,
    threads: [before, threads()],
  }),
);
