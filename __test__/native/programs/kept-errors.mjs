// What an error keeps alive of which nobody has read the stack. Run with --expose-gc. Arguments: the backend, the file of the guest.
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Engine } from '../../../index.mjs';

const [backend, file] = process.argv.slice(2);
const engine = new Engine({ backend, meteringLimit: 'unlimited' });
const module = await engine.compile(await readFile(file));
const bytes = new Uint8Array(4);

const imports = { env: { add: (a, b) => a + b } };

/** Calls that fail by a limit, by a trap, by being closed. */
const WAYS = {
  call: (instance) => instance.call('all', bytes, { fuel: 1_000 }),
  'call, timed out': (instance) => instance.call('all', bytes, { timeoutMs: 20 }),
  'call, closed': (instance) => {
    const pending = instance.call('all', bytes);
    setTimeout(() => instance.close(), 5);
    return pending;
  },
  'call, trapped': (instance) => instance.call('trap', bytes),
  callSync: (instance) => instance.callSync('all', bytes, { fuel: 1_000 }),
  callRaw: (instance) => instance.callRaw('trap', bytes),
  exports: (instance) => instance.exports.crash(),
  invoke: (instance) => instance.invoke('forever', [], { fuel: 1_000 }),
  'invoke, aborted': (instance) => instance.invoke('forever', [], { signal: AbortSignal.timeout(20) }),
  start: (instance) => instance.start('forever', [], { fuel: 1_000 }),
};

/** On the caller's thread a deadline cannot hold, and nobody else runs meanwhile. */
const SYNC = ['callSync', 'callRaw', 'exports', 'invoke', 'call', 'call, trapped'];

/** No closures: a frame keeps what its function has closed over. */
async function errorOf(run, instance) {
  try {
    await run(instance);
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

async function fail(make, way) {
  const instance = await make();
  const error = await errorOf(WAYS[way], instance);
  return { way, error, ref: new WeakRef(instance) };
}

const failures = [];
for (const way of Object.keys(WAYS)) {
  failures.push(await fail(() => module.instantiate({ imports }), way));
  if (!SYNC.includes(way)) continue;
  const sync = await fail(() => module.instantiateSync({ imports }), way);
  failures.push({ ...sync, way: `${way}, on this thread` });
}

for (let round = 0; round < 100 && failures.some(({ ref }) => ref.deref() !== undefined); round++) {
  await wait(2);
  globalThis.gc();
  await wait(2);
}
const kept = failures.filter(({ ref }) => ref.deref() !== undefined).map(({ way }) => way);
// Stacks begin where the call was made.
const foreign = failures.filter(({ error }) => !/^AingleWasmError: .*\n.*kept-errors\.mjs/.test(error.stack));
console.log(
  JSON.stringify({ count: failures.length, kept, foreign: foreign.map(({ way, error }) => [way, error.stack]) }),
);
await engine.close();
