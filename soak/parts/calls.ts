// Very many calls of 1 KiB, some of which trap or time out: memory, threads and handles stay what they were.
import { Engine, type Instance, type Module } from 'aingle-wasm';
import { type Point, slope } from '../figures';
import { guestBytes, PLAIN } from '../guest';
import { type Held, heldAtStart, heldSince } from '../held';
import { boundOf, type Part, type Report, type Rounds, type Run, round, roundsOf } from '../part';

const ROUNDS: Rounds = { long: 1_000_000, short: 24_000 };
const TRAP_EVERY = 1_000;
const TIMEOUT_EVERY = 5_000;
const TIMEOUT_MS = 10;
/** Bytes of resident memory that a call may leave behind. */
const GROWTH = 2;
/** Allocators reach their size in steps: what grows too much is measured again, and the least counts. A leak is there every time. */
const ATTEMPTS = 3;
/** So much comes and goes by itself. Many calls are needed to see less, so that the short form looks for much. */
const NOISE = 3_000_000;
const SAMPLES = 30;
const WARM_UP = SAMPLES / 3;
const LANES = 8;

const INPUT = Buffer.alloc(1_024, 'soak');

/** What a call is meant to come to. */
const DEEDS = {
  echo: { name: 'echo', options: {}, code: 'returned' },
  trap: { name: 'trap', options: {}, code: 'ERR_TRAP' },
  timeout: { name: 'endless', options: { timeoutMs: TIMEOUT_MS }, code: 'ERR_TIMEOUT' },
} as const;
type Deed = (typeof DEEDS)[keyof typeof DEEDS];

function deedOf(index: number): Deed {
  if (index % TIMEOUT_EVERY === TIMEOUT_EVERY - 1) return DEEDS.timeout;
  return index % TRAP_EVERY === TRAP_EVERY - 1 ? DEEDS.trap : DEEDS.echo;
}

type Way = 'sync' | 'async';

/** An instance that is replaced when a call has poisoned it. */
class Lane {
  readonly faults: string[] = [];
  readonly #module: Module;
  #instance: Instance | undefined;

  constructor(module: Module) {
    this.#module = module;
  }

  async call(way: Way, index: number): Promise<void> {
    const deed = deedOf(index);
    this.#instance ??= await this.#module.instantiate(PLAIN);
    const { name, options } = deed;
    try {
      const { bytes } =
        way === 'sync'
          ? this.#instance.callSync(name, INPUT, options)
          : await this.#instance.call(name, INPUT, options);
      this.#returned(index, deed, bytes);
    } catch (error) {
      this.#threw(index, deed, error);
    }
  }

  close(): void {
    this.#instance?.close();
  }

  #returned(index: number, deed: Deed, bytes: Uint8Array): void {
    if (deed !== DEEDS.echo) this.faults.push(`call ${index} (${deed.name}) returned`);
    else if (!INPUT.equals(bytes)) this.faults.push(`call ${index} gave other bytes`);
  }

  #threw(index: number, deed: Deed, error: unknown): void {
    const { code } = error as { code: string };
    if (code !== deed.code) this.faults.push(`call ${index} (${deed.name}): ${code ?? error}`);
    if (this.#instance?.state === 'poisoned') {
      this.#instance.close();
      this.#instance = undefined;
    }
  }
}

/** Makes calls, a lane after the other or all at once, and says how memory grew by each. */
async function growthOf(way: Way, lanes: readonly Lane[], count: number): Promise<number> {
  const samples: Point[] = [];
  const each = Math.ceil(count / SAMPLES);
  for (let done = 0; samples.length < SAMPLES; done += each) {
    const end = done + each;
    let next = done;
    await Promise.all(
      lanes.map(async (lane) => {
        while (next < end) await lane.call(way, next++);
      }),
    );
    samples.push({ x: end, y: await resident() });
  }
  return slope(samples.slice(WARM_UP));
}

async function resident(): Promise<number> {
  globalThis.gc?.();
  await new Promise(setImmediate);
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

function allowedGrowth(run: Run, count: number): number {
  return run.short ? Math.max(boundOf(run, GROWTH), NOISE / count) : GROWTH;
}

/** Growths of as many attempts as it took. */
async function growths(allowed: number, way: Way, lanes: readonly Lane[], count: number): Promise<number[]> {
  const seen: number[] = [];
  do seen.push(await growthOf(way, lanes, count));
  while (seen.length < ATTEMPTS && Math.min(...seen) > allowed);
  return seen;
}

async function soak(run: Run, way: Way, before: Held): Promise<Report> {
  const engine = new Engine({ backend: run.backend, meteringLimit: 'unlimited' });
  const module = await engine.compile(guestBytes());
  const lanes = Array.from({ length: way === 'sync' ? 1 : LANES }, () => new Lane(module));
  const count = roundsOf(run, ROUNDS);
  const begun = performance.now();
  const allowed = allowedGrowth(run, count);
  const attempts = await growths(allowed, way, lanes, count);
  const growth = Math.min(...attempts);
  const microseconds = ((performance.now() - begun) * 1_000) / count / attempts.length;
  for (const lane of lanes) lane.close();
  await engine.close();
  const faults = lanes.flatMap((lane) => lane.faults);
  if (growth > allowed) faults.push(`${way} calls leave ${round(growth)} bytes each, allowed are ${allowed}`);
  faults.push(...(await heldSince(before)));
  return {
    figures: `${count} ${way} calls, ${attempts.map(round).join(', then ')} bytes and ${round(microseconds)} µs each`,
    faults,
  };
}

export const calls: Part = {
  name: 'calls',
  async run(run) {
    if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc');
    const before = await heldAtStart(run.backend);
    const reports = [await soak(run, 'sync', before), await soak(run, 'async', before)];
    return {
      figures: `${reports.map(({ figures }) => figures).join('; ')}; at the start and now ${before.threads} threads`,
      faults: reports.flatMap(({ faults }) => faults),
    };
  },
};
