// Memory of the process over many calls of one kind. Run with --expose-gc. Arguments: the file of the guest, kind, calls.
import { readFile } from 'node:fs/promises';
import { Engine } from '../../../index.mjs';

const [file, kind, calls] = process.argv.slice(2);
const engine = new Engine({ backend: 'wasmer', threads: 2 });
const module = await engine.compile(await readFile(file));
const imports = { env: { add: (a, b) => a + b } };
const instance = await module.instantiate({ imports });
const failure = new Error('on purpose');
const fail = () => {
  throw failure;
};
const throwing = await module.instantiate({ imports: { env: { add: fail } }, afterTrap: 'keep' });
const small = new Uint8Array(64);
const large = new Uint8Array(100_000);
const expectFailure = (error) => {
  if (error.cause !== failure) throw error;
};

const kinds = {
  callRaw: () => instance.callRaw('same', small),
  callSync: () => instance.callSync('same', small),
  exports: () => instance.exports.sum(20, 22),
  call: () => Promise.all(Array.from({ length: 10 }, () => instance.call('same', small))),
  large: () => Promise.all([instance.call('same', large), instance.call('same', large)]),
  invoke: () => instance.invoke('sum', [20, 22]),
  instances: () => module.instantiateSync({ imports }).close(),
  throws: () => {
    try {
      throwing.exports.sum(1, 2);
    } catch (error) {
      expectFailure(error);
    }
  },
  rejects: () => throwing.invoke('sum', [1, 2]).catch(expectFailure),
};

async function run(times) {
  for (let i = 0; i < times; i++) await kinds[kind]();
  globalThis.gc();
  await new Promise(setImmediate);
  globalThis.gc();
  return process.memoryUsage.rss();
}

// The allocators of V8 and of the system reach their size in steps: warm up as long as the measurement is, and count the round that
// grew least. What leaks is there after every one.
await run(Number(calls));
let before = await run(Number(calls));
let growth = Number.POSITIVE_INFINITY;
for (let round = 0; round < 4 && growth > 1_000_000; round++) {
  const after = await run(Number(calls));
  growth = Math.min(growth, after - before);
  before = after;
}
console.log(growth);
