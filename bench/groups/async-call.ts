// Calls off the JavaScript thread, against what Node offers for that: a worker and its messages.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Instance } from 'aingle-wasm';
import type { Subject } from '../measure';
import type { Group } from '../price-list';
import { assembled } from '../wasm';

const WORKER = 'worker_threads';
const IN_FLIGHT = 64;
const INPUT = new Uint8Array(64);

export const asyncCall: Group = {
  name: 'async call',
  about:
    'Echo of 64 bytes by `call`, for each call; the peer is a message to a worker and back. On v8 every guest has a worker, too.',
  peer: WORKER,
  rows: async (contenders) => {
    const module = await assembled('bytes');
    const worker = startWorker();
    const instances = await Promise.all(
      contenders.map(async ({ kind, engine }) => {
        const compiled = await engine.compile(module);
        return { kind, instances: await Promise.all(Array.from({ length: IN_FLIGHT }, () => compiled.instantiate())) };
      }),
    );
    return [
      {
        what: 'one at a time',
        subjects: [
          { name: WORKER, run: oneAtATime(worker) },
          ...instances.map(
            ({ kind, instances: [first] }): Subject => ({
              name: kind,
              run: oneAtATime(() => first!.call('echo', INPUT)),
            }),
          ),
        ],
        targets: { wasmer: { value: 15_000 } },
      },
      {
        what: `${IN_FLIGHT} in flight`,
        subjects: [
          { name: WORKER, run: manyAtOnce(Array.from({ length: IN_FLIGHT }, () => worker)) },
          ...instances.map(({ kind, instances }): Subject => ({ name: kind, run: manyAtOnce(callsOf(instances)) })),
        ],
        targets: { wasmer: { value: 1_200 } },
      },
    ];
  },
};

type Call = () => Promise<unknown>;

function callsOf(instances: readonly Instance[]): Call[] {
  return instances.map((instance) => () => instance.call('echo', INPUT));
}

function oneAtATime(call: Call): (times: number) => Promise<void> {
  return async (times) => {
    for (let index = 0; index < times; index += 1) await call();
  };
}

/** `times` calls, as many under way at any time as there are callers. */
function manyAtOnce(callers: readonly Call[]): (times: number) => Promise<void> {
  return async (times) => {
    let left = times;
    const work = async (call: Call) => {
      for (; left > 0; ) {
        left -= 1;
        await call();
      }
    };
    await Promise.all(callers.map(work));
  };
}

/** A message to a worker that sends it back, and the promise of that. The worker does not keep the process alive. */
function startWorker(): Call {
  const worker = new Worker(join(__dirname, '..', 'echo-worker.mjs'));
  const waiting: (() => void)[] = [];
  worker.on('message', () => waiting.shift()!());
  worker.unref();
  return () =>
    new Promise<void>((resolve) => {
      worker.ref();
      waiting.push(() => {
        if (waiting.length === 0) worker.unref();
        resolve();
      });
      worker.postMessage(INPUT);
    });
}
