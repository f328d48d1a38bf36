// Guests that loop for ever, and a deadline that ends them.
import type { AingleWasmError } from 'aingle-wasm';
import type { Contender, CountedRow, Group } from '../price-list';
import { builtGuest } from '../wasm';

const DEADLINE = 'deadline';
const TIMEOUT_MS = 50;
const STOPPED_BY_NS = 60_000_000;
const RUNS = 20;

/** Exported functions of guests/wat/loops.wat. */
const SHAPES = ['br', 'nested', 'sequential', 'br_table', 'fill'];

/** Has a new guest stopped, and gives the nanoseconds from its call to its end. */
type Run = (contender: Contender) => Promise<number>;

export const deadline: Group = {
  name: 'deadline',
  about: `When a guest that loops for ever is stopped that may take ${TIMEOUT_MS} ms, counted from the call: the worst of ${RUNS} times.`,
  peer: DEADLINE,
  rows: async (contenders) => [
    ...SHAPES.map((shape) => row(`${shape}, invoke`, contenders, inLoop(shape))),
    row('guest kit, call', contenders, inKit('call')),
    row('guest kit, callSync', contenders, inKit('callSync')),
  ],
};

function row(what: string, contenders: readonly Contender[], run: Run): CountedRow {
  return {
    what,
    unit: 'ns',
    counts: [
      { name: DEADLINE, count: async () => TIMEOUT_MS * 1e6 },
      ...contenders.map((contender) => ({
        name: contender.kind,
        count: (quick: boolean) => worst(quick ? 1 : RUNS, () => run(contender)),
      })),
    ],
    targets: Object.fromEntries(contenders.map(({ kind }) => [kind, { value: STOPPED_BY_NS }])),
  };
}

/** The slowest of some runs. */
async function worst(runs: number, run: () => Promise<number>): Promise<number> {
  let slowest = 0;
  for (let index = 0; index < runs; index += 1) slowest = Math.max(slowest, await run());
  return slowest;
}

function inLoop(shape: string): Run {
  return async ({ engine }) => {
    const module = await engine.compileCached('loops', builtGuest('wat/loops'));
    using instance = await module.instantiate();
    return await timeOf(() => instance.invoke(shape, [], { timeoutMs: TIMEOUT_MS }));
  };
}

function inKit(how: 'call' | 'callSync'): Run {
  return async ({ engine }) => {
    const module = await engine.compileCached('misbehave', builtGuest('misbehave'));
    // A worker holds the guest on v8: on the caller's thread nothing could stop it.
    using instance = await module.instantiate();
    return await timeOf(() => instance[how]('loop_forever', '', { timeoutMs: TIMEOUT_MS }));
  };
}

async function timeOf(call: () => unknown): Promise<number> {
  const begun = process.hrtime.bigint();
  try {
    await call();
  } catch (error) {
    if ((error as AingleWasmError).code !== 'ERR_TIMEOUT') throw error;
    return Number(process.hrtime.bigint() - begun);
  }
  throw new Error('the guest came back');
}
