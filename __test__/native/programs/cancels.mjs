// Calls that are cancelled at random points of their first two milliseconds: whatever happens, an instance is clean or poisoned, and a fresh one
// is right. Arguments: the file of the guest, how many calls, the backend. Prints how many ended how, as JSON.
import { readFile } from 'node:fs/promises';
import { Engine } from '../../../index.mjs';

const [file, count, backend] = process.argv.slice(2);
const AT_ONCE = 16;
const engine = new Engine({ backend, threads: 4, meteringLimit: 'unlimited', timeoutMs: null });
const module = await engine.compile(await readFile(file));
const imports = { env: { add: (a, b) => a + b } };

// A small generator with a fixed seed: the same points in every run.
let state = 20_261_126;
function random(below) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % below;
}

const NAMES = ['forever', 'chat', 'spin', 'same'];
const seen = { clean: 0, poisoned: 0, wrong: [] };

async function one() {
  const instance = await module.instantiate({ imports });
  const controller = new AbortController();
  const name = NAMES[random(NAMES.length)];
  const call =
    name === 'same'
      ? instance.call('same', 'text', { signal: controller.signal })
      : instance.invoke(name, name === 'spin' ? [BigInt(1 + random(3_000_000))] : [], { signal: controller.signal });
  const cancel = () => (random(8) === 0 ? instance.close() : controller.abort());
  const ms = random(3);
  if (ms === 0) queueMicrotask(cancel);
  else setTimeout(cancel, ms - 1);
  const code = await call.then(
    () => 'returned',
    (error) => error.code,
  );
  const { state: after } = instance;
  const expected = {
    returned: ['idle', 'closed'],
    // Before it began nothing was spoilt.
    ERR_ABORTED: ['poisoned', 'idle', 'closed'],
    ERR_INSTANCE_CLOSED: ['closed'],
  }[code];
  if (!expected?.includes(after)) seen.wrong.push(`${name}: ${code}, then ${after}`);
  if (after === 'poisoned') seen.poisoned++;
  else seen.clean++;
  if (after === 'idle' && instance.exports.sum(20, 22) !== 42) seen.wrong.push(`${name}: a clean instance is not`);
  instance.close();
  const fresh = module.instantiateSync({ imports });
  if (fresh.exports.sum(20, 22) !== 42) seen.wrong.push('a fresh instance is wrong');
  fresh.close();
}

let left = Number(count);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await one();
  }),
);
await engine.close();
console.log(JSON.stringify({ ...seen, instances: engine.stats.instances }));
