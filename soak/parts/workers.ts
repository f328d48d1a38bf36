// Worker threads that use the package and are terminated at random points, with calls in flight.
import { Worker } from 'node:worker_threads';
import { Engine } from 'aingle-wasm';
import { tally } from '../figures';
import { GUEST_FILE, guestBytes, PLAIN, programFile } from '../guest';
import { heldAtStart, heldSince } from '../held';
import { type Part, type Rounds, type Run, repeatedly, roundsOf } from '../part';
import { randomNumbers } from '../random';

const ROUNDS: Rounds = { long: 300, short: 8 };
const AT_ONCE = 2;
/** Some end while they load the package, most with calls in flight. */
const FROM_START_MS = 150;
const FROM_BUSY_MS = 30;

const random = randomNumbers();

/** Creates a worker, terminates it, and says what it was doing. */
function terminateOne({ backend }: Run, faults: string[]): Promise<string> {
  const worker = new Worker(programFile('worker'), { workerData: { backend, file: GUEST_FILE } });
  let doing = 'loading';
  const early = random(3) === 0;
  if (early) setTimeout(() => worker.terminate(), random(FROM_START_MS));
  worker.on('message', (message) => {
    doing = message;
    if (!early) setTimeout(() => worker.terminate(), random(FROM_BUSY_MS));
  });
  worker.on('error', (error) => faults.push(`a worker threw ${error}`));
  return new Promise((resolve) => worker.on('exit', () => resolve(doing)));
}

/** What they left behind must not disturb who comes after. */
async function checkAfterwards({ backend }: Run, faults: string[]): Promise<void> {
  const engine = new Engine({ backend });
  const instance = await (await engine.compile(guestBytes())).instantiate(PLAIN);
  const text = (await instance.call('relay', 'same')).text();
  if (text !== 'same') faults.push(`afterwards a guest answers "${text}"`);
  await instance.call('trap').then(
    () => faults.push('afterwards a trap returns'),
    ({ code }) => code === 'ERR_TRAP' || faults.push(`afterwards a trap is ${code}`),
  );
  await engine.close();
}

export const workers: Part = {
  name: 'workers',
  async run(run) {
    const before = await heldAtStart(run.backend);
    const faults: string[] = [];
    const seen: string[] = [];
    await repeatedly(roundsOf(run, ROUNDS), AT_ONCE, async () => {
      seen.push(await terminateOne(run, faults));
    });
    await checkAfterwards(run, faults);
    faults.push(...(await heldSince(before)));
    return { figures: `${seen.length} workers terminated while ${tally(seen)}`, faults };
  },
};
