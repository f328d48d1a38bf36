// Calls that are cancelled at random points of their first two milliseconds: whatever happens, an instance is clean or poisoned, and a fresh
// one is right.
import { Engine, type Instance, type Module } from 'aingle-wasm';
import { tally } from '../figures';
import { codeOf, guestBytes, PLAIN } from '../guest';
import { type Part, type Rounds, repeatedly, roundsOf } from '../part';
import { randomNumbers } from '../random';

const ROUNDS: Rounds = { long: 100_000, short: 400, shortInWorkers: 60 };
const AT_ONCE = 16;
const WITHIN_MS = 2;

const random = randomNumbers();

/** Calls of every length: none ends, or some, or most. */
const CALLS: readonly ((instance: Instance, signal: AbortSignal) => Promise<unknown>)[] = [
  (instance, signal) => instance.invoke('forever', [], { signal }),
  (instance, signal) => instance.invoke('chat', [], { signal }),
  (instance, signal) => instance.invoke('spin', [BigInt(1 + random(3_000_000))], { signal }),
  (instance, signal) => instance.call('relay', 'text', { signal }),
  (instance, signal) => instance.call('echo', 'text', { signal }),
];

/** States that a call may leave behind, by what it came to. Before it began nothing was spoilt. */
const LEFT: Readonly<Record<string, readonly string[]>> = {
  returned: ['idle', 'closed'],
  ERR_ABORTED: ['poisoned', 'idle', 'closed'],
  ERR_INSTANCE_CLOSED: ['closed'],
};

async function cancelOne(module: Module, faults: string[]): Promise<string> {
  const instance = await module.instantiate(PLAIN);
  const controller = new AbortController();
  const code = codeOf(CALLS[random(CALLS.length)]!(instance, controller.signal));
  soon(() => (random(8) === 0 ? instance.close() : controller.abort()));
  const ended = await code;
  const { state } = instance;
  if (!LEFT[ended]?.includes(state)) faults.push(`${ended}, then ${state}`);
  if (state === 'idle') await checkAnswers(instance, 'a clean instance', faults);
  instance.close();
  const fresh = module.instantiateSync(PLAIN);
  await checkAnswers(fresh, 'a fresh instance', faults);
  fresh.close();
  return state;
}

/** At once, in this turn of the event loop, or after some of the time: timers alone would hit whole milliseconds only. */
function soon(cancel: () => void): void {
  const microseconds = random(WITHIN_MS * 1_000);
  const due = performance.now() + microseconds / 1_000;
  const look = () => {
    if (performance.now() < due) setImmediate(look);
    else cancel();
  };
  if (microseconds < 100) cancel();
  else setImmediate(look);
}

async function checkAnswers(instance: Instance, which: string, faults: string[]): Promise<void> {
  const sum = instance.exports.add!(20, 22);
  const text = instance.callSync('echo', 'same').text();
  if (sum !== 42 || text !== 'same') faults.push(`${which} answers ${sum} and "${text}"`);
}

export const cancels: Part = {
  name: 'cancels',
  async run(run) {
    const engine = new Engine({ backend: run.backend, threads: 4, meteringLimit: 'unlimited', timeoutMs: null });
    const module = await engine.compile(guestBytes());
    const faults: string[] = [];
    const states: string[] = [];
    await repeatedly(roundsOf(run, ROUNDS), AT_ONCE, async () => {
      states.push(await cancelOne(module, faults));
    });
    await engine.close();
    const { instances } = engine.stats;
    if (instances !== 0) faults.push(`${instances} instances are left`);
    for (const state of ['idle', 'poisoned', 'closed'])
      if (!states.includes(state)) faults.push(`no cancel left an instance ${state}: the points are not random`);
    return { figures: `${states.length} cancels left ${tally(states)}`, faults };
  },
};
