// Prints the priorities of this process's threads while guests run. Arguments: the backend, the file of the guest, how many guests, how many
// steps below the first thread theirs will be.
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Engine } from '../../../index.mjs';

const [backend, file, count, steps] = process.argv.slice(2);

/** Of each thread its id, its name, and how much lower its priority is than that of the first. */
function threads() {
  const all = readdirSync('/proc/self/task').map((id) => {
    const [, name, fields] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/self/task/${id}/stat`, 'latin1'));
    return { id: Number(id), name, nice: Number(fields.split(' ')[16]) };
  });
  const first = all.find(({ id }) => id === process.pid);
  return all.map(({ id, name, nice }) => ({ id, name, lower: nice - first.nice }));
}

const engine = new Engine({ backend, threads: Number(count), meteringLimit: 'unlimited' });
const module = await engine.compile(await readFile(file));
const imports = { env: { add: (a, b) => a + b } };
const instances = await Promise.all(Array.from({ length: Number(count) }, () => module.instantiate({ imports })));
const calls = instances.map((instance) =>
  instance.invoke('forever', [], { timeoutMs: 60_000 }).catch(({ code }) => code),
);
// Threads of the file system's pool are made now, if they were not before; their priority is not ours to change.
await readFile(file);
while (instances.some(({ state }) => state !== 'running')) await wait(5);
let seen;
// Long enough for a change that does not come where it is not wanted.
const end = performance.now() + 100;
do {
  await wait(20);
  seen = threads();
} while (
  performance.now() < end ||
  (seen.filter(({ lower }) => lower === Number(steps)).length < Number(count) && performance.now() < end + 10_000)
);
for (const instance of instances) instance.close();
await Promise.all(calls);
await engine.close();
const filtered = !/^Seccomp:\s*0$/m.test(readFileSync('/proc/thread-self/status', 'latin1'));
console.log(JSON.stringify({ filtered, seen }));
