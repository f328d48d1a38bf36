// What the collector may take, in every order. Run with --expose-gc. Argument: the file of the guest.
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Engine } from '../../../index.mjs';

const bytes = await readFile(process.argv[2]);
const add = (a, b) => a + b;
const report = {};

/** Collects until `done` or for some rounds. A WeakRef that was looked at keeps its target until the task is over, finalizers run between tasks. */
async function collect(done, rounds = 100) {
  for (let round = 0; round < rounds; round++) {
    await wait(2);
    globalThis.gc();
    await wait(2);
    if (done()) return true;
  }
  return false;
}

async function world() {
  const engine = new Engine({ backend: 'wasmer', threads: 1 });
  const module = await engine.compile(bytes);
  const instance = await module.instantiate({ imports: { env: { add } } });
  return { engine, module, instance };
}

// Each of the three may go first, and the others go on.
for (const order of [
  'engine,module,instance',
  'module,engine,instance',
  'instance,module,engine',
  'instance,engine,module',
]) {
  const things = await world();
  const refs = Object.fromEntries(Object.entries(things).map(([name, thing]) => [name, new WeakRef(thing)]));
  for (const name of order.split(',')) {
    delete things[name];
    await collect(() => refs[name].deref() === undefined, 5);
    if (things.instance) things.instance.exports.sum(1, 2);
    if (things.module) await things.module.instantiate({ imports: { env: { add } } });
  }
  report[order] = await collect(() => Object.values(refs).every((ref) => ref.deref() === undefined));
}

// An instance that only its own host function knows.
{
  let ref;
  await (async () => {
    const { module } = await world();
    const face = {};
    face.instance = await module.instantiate({
      imports: { env: { add: (a, b) => a + b + face.instance.memory.pages } },
    });
    if (face.instance.exports.sum(1, 2) !== 11) throw new Error('the host function does not see the memory');
    ref = new WeakRef(face.instance);
  })();
  report.cycle = await collect(() => ref.deref() === undefined);
}

// A call that nobody but the addon remembers still ends, with its host functions.
{
  let calls = 0;
  let pending;
  await (async () => {
    const { module } = await world();
    const counted = (a, b) => {
      calls += 1;
      return a + b;
    };
    const instance = await module.instantiate({ imports: { env: { add: counted } } });
    const spin = instance.invoke('spin', [3_000_000n]);
    pending = spin.then(() => instance.invoke('sum', [20, 22]));
  })();
  for (let round = 0; round < 20; round++) globalThis.gc();
  const [sum] = await pending;
  report.pending = sum === 42 && calls === 1;
}

// Instances that are dropped without being closed give their place back.
{
  const { engine, module } = await world();
  for (let i = 0; i < 500; i++) module.instantiateSync({ imports: { env: { add } } });
  report.places = await collect(() => engine.stats.instances <= 1);
}
console.log(JSON.stringify(report));
