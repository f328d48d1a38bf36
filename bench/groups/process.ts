// What guests do to the process they run in: its memory, its event loop, its cores.
import { setTimeout as sleep } from 'node:timers/promises';
import { type BackendKind, Engine } from 'aingle-wasm';
import { percentile } from '../measure';
import type { CountedRow, Group } from '../price-list';
import { assembled, builtGuest, guestFile } from '../wasm';

const BY_HAND = 'V8 by hand';
const IDLE = 'idle';
const ONE_THREAD = 'one thread';

export const footprint: Group = {
  name: 'memory',
  about:
    'Resident memory: what one more live instance of a one-page module adds before it writes anything, and what one more call leaves behind.',
  peer: BY_HAND,
  rows: async (contenders) => {
    const page = await assembled('page');
    const compiled = new WebAssembly.Module(page);
    const echo = builtGuest('echo');
    const input = new Uint8Array(64);
    const rows: CountedRow[] = [
      {
        what: 'a live instance',
        unit: 'B',
        counts: [
          {
            name: BY_HAND,
            count: (quick) => residentEach(quick ? 10 : 2_000, () => new WebAssembly.Instance(compiled)),
          },
          ...contenders.map(({ kind, engine }) => {
            const module = engine.compileSync(page);
            return {
              name: kind,
              count: (quick: boolean) => residentEach(quick ? 10 : 2_000, () => module.instantiateSync()),
            };
          }),
        ],
        targets: { wasmer: { value: 32 * 1024 } },
      },
      {
        what: 'a call',
        unit: 'B',
        counts: contenders.map(({ kind, engine }) => {
          const instance = engine.compileSync(echo).instantiateSync();
          return {
            name: kind,
            count: (quick) => residentEach(quick ? 100 : 1_000_000, () => void instance.callRaw('echo', input)),
          };
        }),
        targets: { wasmer: { value: 2 }, v8: { value: 2 } },
      },
    ];
    return rows;
  },
};

/** Bytes of resident memory that one more of something adds, over `count` of them; what is made stays alive meanwhile. */
async function residentEach(count: number, make: () => unknown): Promise<number> {
  for (let index = 0; index < count / 10; index += 1) make();
  const before = resident();
  const alive: unknown[] = [];
  for (let index = 0; index < count; index += 1) {
    const made = make();
    if (made !== undefined) alive.push(made);
  }
  const grown = resident() - before;
  // Used after the measurement, so that nothing was collected before it.
  for (const made of alive) (made as { close?(): void }).close?.();
  return grown / count;
}

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

export const eventLoop: Group = {
  name: 'event loop',
  about: 'How late a timer of 1 ms fires, 99th percentile, while 100 guests loop until their fuel is used up.',
  peer: IDLE,
  rows: async (contenders) => {
    const guest = builtGuest('misbehave');
    const row: CountedRow = {
      what: '100 spinning guests',
      unit: 'ns',
      counts: [
        { name: IDLE, count: (quick) => lateness(sleep(quick ? 5 : 1_000)) },
        ...contenders.map(({ kind, engine }) => ({
          name: kind,
          count: async (quick: boolean) => {
            const module = await engine.compile(guest);
            const instances = await Promise.all(Array.from({ length: 100 }, () => module.instantiate()));
            const fuel = quick ? 1_000 : 20_000_000;
            return lateness(
              Promise.allSettled(instances.map((instance) => instance.call('loop_forever', '', { fuel }))),
            );
          },
        })),
      ],
      targets: Object.fromEntries(contenders.map(({ kind }) => [kind, { value: 5_000_000 }])),
    };
    return [row];
  },
};

/** The 99th percentile of how late timers of 1 ms fire until `busy` ends, in nanoseconds. */
async function lateness(busy: Promise<unknown>): Promise<number> {
  let running = true;
  void busy.then(() => {
    running = false;
  });
  const late: number[] = [];
  do {
    const begun = process.hrtime.bigint();
    await sleep(1);
    late.push(Math.max(0, Number(process.hrtime.bigint() - begun) - 1_000_000));
  } while (running);
  return percentile(late, 0.99);
}

export const cores: Group = {
  name: 'cores',
  about: 'How many times as many calls of about a millisecond two threads do as one, 16 in flight.',
  peer: ONE_THREAD,
  rows: async (contenders) => {
    const threaded = contenders.filter(({ engine }) => engine.capabilities.threads);
    const row: CountedRow = {
      what: 'two threads',
      unit: '×',
      counts: [
        { name: ONE_THREAD, count: async () => 1 },
        ...threaded.map(({ kind }) => ({
          name: kind,
          count: async (quick: boolean) => (await secondsFor(kind, 1, quick)) / (await secondsFor(kind, 2, quick)),
        })),
      ],
      targets: { wasmer: { value: 1.9 } },
    };
    return [row];
  },
};

const IN_FLIGHT = 16;

async function secondsFor(kind: BackendKind, threads: number, quick: boolean): Promise<number> {
  const engine = new Engine({ backend: kind, threads, meteringLimit: 'unlimited' });
  const module = await engine.compile(guestFile('kernels/matmul.wasm'));
  const instances = await Promise.all(Array.from({ length: IN_FLIGHT }, () => module.instantiate()));
  const rounds = quick ? 1 : 30;
  const begun = performance.now();
  await Promise.all(
    instances.map(async (instance) => {
      for (let round = 0; round < rounds; round += 1) await instance.invoke('run', [300]);
    }),
  );
  const seconds = (performance.now() - begun) / 1_000;
  await engine.close();
  return seconds;
}
