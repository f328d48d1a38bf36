// A worker thread with guests in the pool, in the queue, in host functions, and on its own stack: it never ends by itself.
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../../index.mjs';

const { backend, file } = workerData;
const engine = new Engine({ backend, threads: 2, meteringLimit: 'unlimited', timeoutMs: null });
const module = await engine.compile(await readFile(file));
const options = {
  imports: { env: { ask: (value) => value } },
  host: { serve: () => new Promise((resolve) => setTimeout(resolve, 5)) },
};
const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => module.instantiate(options)));
for (const other of others) {
  other.call('relay', 'text').catch(() => {});
  other.invoke('chat').catch(() => {});
  other.invoke('forever').catch(() => {});
}
// One of two is inside of a guest's synchronous call when it ends.
const inside = process.hrtime()[1] % 2 === 0;
parentPort.postMessage(inside ? 'in a guest' : 'guests ran');
if (inside) setImmediate(() => first.exports.chat());
else setInterval(() => first.invoke('spin', [1_000_000n]).catch(() => {}), 1);
