// The steps of the model: when each may be taken, what it must come to, and which state it leaves.
import { deepStrictEqual } from 'node:assert';
import type { Instance } from 'aingle-wasm';
import { codeOf } from '../guest';
import type { Slot, State } from './slot';

export interface Step {
  readonly name: string;
  /** States of the instance in which it is taken. */
  readonly when: readonly State[];
  /** Takes it on `slot`, beside another one, and says in which state the instance must be then. @throws what came out otherwise */
  run(slot: Slot, other: Slot): Promise<State>;
}

const USABLE: readonly State[] = ['idle', 'host'];
const OVER: readonly State[] = ['poisoned', 'closed'];
const ANY: readonly State[] = [...USABLE, ...OVER];

/** What a call comes to where the instance's state refuses it. A synchronous one does not wait for its turn. */
const REFUSED: Readonly<Record<Exclude<State, 'idle'>, string>> = {
  host: 'ERR_INSTANCE_BUSY',
  poisoned: 'ERR_INSTANCE_POISONED',
  closed: 'ERR_INSTANCE_CLOSED',
};

const same = (actual: unknown, expected: unknown) => deepStrictEqual(actual, expected);
const repeat = (code: string, count: number): string[] => Array.from({ length: count }, () => code);
const stateOf = (slot: Slot): State => slot.instance.state as State;

function synchronously(call: () => unknown): Promise<string> {
  return codeOf((async () => call())());
}

/** Calls on the caller's thread: they return where the instance is idle, and are refused where it is not. */
const IN_THREAD: readonly [string, (instance: Instance) => unknown, unknown][] = [
  ['callSync', (instance) => instance.callSync('echo', 'text').text(), 'text'],
  ['callRaw', (instance) => instance.callRaw('echo', Uint8Array.of(1, 2)), Uint8Array.of(1, 2)],
  ['exports', (instance) => instance.exports.add!(20, 22), 42],
  ['a host call in exports', (instance) => instance.exports.ask!(41), 42],
];

const inThread: readonly Step[] = IN_THREAD.map(([name, call, answer]) => ({
  name,
  when: ANY,
  async run(slot) {
    const state = stateOf(slot);
    if (state === 'idle') same(plain(call(slot.instance)), answer);
    else same(await synchronously(() => call(slot.instance)), REFUSED[state]);
    return state;
  },
}));

/** A Uint8Array, where Node gave one of its own kind. */
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}

/** How a call ends an idle instance, and in which state. */
const ENDINGS: readonly [string, string, State, (slot: Slot) => unknown][] = [
  ['trap', 'ERR_TRAP', 'poisoned', ({ instance }) => instance.call('trap')],
  ['trap in callSync', 'ERR_TRAP', 'poisoned', ({ instance }) => instance.callSync('trap')],
  ['deadline', 'ERR_TIMEOUT', 'poisoned', ({ instance }) => instance.call('endless', '', { timeoutMs: 3 })],
  [
    'deadline in callSync',
    'ERR_TIMEOUT',
    'poisoned',
    ({ instance }) => instance.callSync('endless', '', { timeoutMs: 3 }),
  ],
  [
    'deadline in a host call',
    'ERR_TIMEOUT',
    'poisoned',
    ({ instance }) => instance.call('relay', '', { timeoutMs: 3 }),
  ],
  ['fuel', 'ERR_FUEL_EXHAUSTED', 'poisoned', ({ instance }) => instance.invoke('forever', [], { fuel: 5_000 })],
  [
    'abort',
    'ERR_ABORTED',
    'poisoned',
    ({ instance }) => instance.invoke('forever', [], { signal: AbortSignal.timeout(2) }),
  ],
  ['throwing host function', 'ERR_HOST_FUNCTION', 'poisoned', asking('invoke', throwing)],
  ['throwing host function in exports', 'ERR_HOST_FUNCTION', 'poisoned', asking('exports', throwing)],
  ['rejecting host function', 'ERR_HOST_FUNCTION', 'poisoned', asking('invoke', async () => throwing())],
  ['promise in exports', 'ERR_ASYNC_HOST_IN_SYNC', 'poisoned', asking('exports', async () => 1)],
  ['closing host function', 'ERR_INSTANCE_CLOSED', 'closed', (slot) => asking('invoke', () => closing(slot))(slot)],
  [
    'closing host function in exports',
    'ERR_INSTANCE_CLOSED',
    'closed',
    (slot) => asking('exports', () => closing(slot))(slot),
  ],
];

function throwing(): never {
  throw new Error('on purpose');
}

function closing({ instance }: Slot): number {
  instance.close();
  return 1;
}

/** Calls the guest that calls `ask`, which is then this function. */
function asking(way: 'invoke' | 'exports', ask: (value: number) => unknown): (slot: Slot) => Promise<unknown> {
  return async (slot) => {
    const usual = slot.ask;
    slot.ask = ask;
    try {
      return await (way === 'invoke' ? slot.instance.invoke('ask', [1]) : slot.instance.exports.ask!(1));
    } finally {
      slot.ask = usual;
    }
  };
}

/** A call whose time was over before it got a thread leaves the instance as it was. */
const MAY_NOT_BEGIN: readonly string[] = ['ERR_TIMEOUT', 'ERR_ABORTED'];

const endings: readonly Step[] = ENDINGS.map(([name, code, left, call]) => ({
  name,
  when: ['idle'],
  async run(slot) {
    same(await codeOf((async () => call(slot))()), code);
    return MAY_NOT_BEGIN.includes(code) && stateOf(slot) === 'idle' ? 'idle' : left;
  },
}));

/** Steps on a guest that waits in a host function. */
const waiting: readonly Step[] = [
  {
    name: 'open a host call',
    when: ['idle'],
    async run(slot) {
      await slot.open();
      return 'host';
    },
  },
  {
    name: 'answer',
    when: ['host'],
    async run(slot) {
      const { length } = slot.queued;
      slot.gate!.resolve('text');
      same(await slot.settle(), repeat('returned', 1 + length));
      return 'idle';
    },
  },
  {
    name: 'fail',
    when: ['host'],
    run: (slot) => endWaiting(slot, 'ERR_HOST_FUNCTION', () => slot.gate!.reject(new Error('on purpose'))),
  },
  {
    name: 'terminate',
    when: ['host'],
    run: (slot) =>
      endWaiting(slot, 'returned', () => {
        try {
          slot.gate!.context.terminate('done');
        } catch (termination) {
          slot.gate!.reject(termination);
        }
      }),
  },
  {
    name: 'abort',
    when: ['host'],
    run: (slot) => endWaiting(slot, 'ERR_ABORTED', () => slot.running!.controller.abort()),
  },
  {
    name: 'abort a call that waits for its turn',
    when: ['host'],
    async run(slot) {
      const pending = slot.begin('echo');
      pending.controller.abort();
      same(await pending.code, 'ERR_ABORTED');
      return 'host';
    },
  },
  {
    name: 'nested call',
    when: ['host'],
    async run(slot) {
      same((await slot.gate!.context.call('echo', 'nested')).text(), 'nested');
      return 'host';
    },
  },
  {
    name: 'nested trap',
    when: ['host'],
    async run(slot) {
      same(await codeOf(slot.gate!.context.call('trap')), 'ERR_TRAP');
      return endWaiting(slot, 'ERR_FUEL_EXHAUSTED', () => slot.gate!.resolve('text'));
    },
  },
];

/** The waiting call is over with `code`, and no other gets a turn. */
async function endWaiting(slot: Slot, code: string, end: () => void): Promise<State> {
  const { length } = slot.queued;
  end();
  same(await slot.settle(), [code, ...repeat('ERR_INSTANCE_POISONED', length)]);
  return 'poisoned';
}

const asynchronous: readonly Step[] = [
  {
    name: 'call',
    when: ANY,
    async run(slot) {
      const state = stateOf(slot);
      if (state === 'host') slot.queued.push(slot.begin('echo'));
      else same(await slot.begin('echo').code, state === 'idle' ? 'returned' : REFUSED[state]);
      return state;
    },
  },
  {
    name: 'call that is aborted already',
    when: USABLE,
    async run(slot) {
      same(await codeOf(slot.instance.call('echo', '', { signal: AbortSignal.abort() })), 'ERR_ABORTED');
      return stateOf(slot);
    },
  },
  {
    name: 'host function with a promise',
    when: ['idle'],
    async run(slot) {
      same(
        await asking('invoke', async (value) => new Promise((resolve) => setImmediate(resolve, value + 41)))(slot),
        [42],
      );
      return 'idle';
    },
  },
  {
    name: 'host function that calls another instance',
    when: ['idle'],
    async run(slot, other) {
      const state = stateOf(other);
      const expected = state === 'idle' ? 'returned' : REFUSED[state];
      const call = (): number => other.instance.exports.add!(20, 22);
      const code = await codeOf(asking('invoke', call)(slot));
      if (expected === 'returned') same(code, 'returned');
      else same(code, 'ERR_HOST_FUNCTION');
      return expected === 'returned' ? 'idle' : 'poisoned';
    },
  },
  {
    name: 'memory',
    when: USABLE,
    async run({ instance }) {
      instance.memory.write(70_000, Uint8Array.of(7, 8, 9));
      same(plain(instance.memory.read(70_000, 3)), Uint8Array.of(7, 8, 9));
      return instance.state as State;
    },
  },
];

/** Several calls that are begun in one turn of the event loop. */
const bursts: readonly Step[] = [
  {
    name: 'burst',
    when: ['idle'],
    async run(slot) {
      const calls = Array.from({ length: 5 }, () => slot.begin('echo').code);
      same(await synchronously(() => slot.instance.exports.add!(1, 2)), 'ERR_INSTANCE_BUSY');
      same(await Promise.all(calls), repeat('returned', 5));
      return 'idle';
    },
  },
  {
    name: 'burst with a trap',
    when: ['idle'],
    async run(slot) {
      const calls = ['echo', 'trap', 'echo', 'echo'].map((name) => slot.begin(name).code);
      same(await Promise.all(calls), ['returned', 'ERR_TRAP', ...repeat('ERR_INSTANCE_POISONED', 2)]);
      return 'poisoned';
    },
  },
  {
    name: 'burst that is closed',
    when: ['idle'],
    async run(slot) {
      const calls = ['endless', 'echo', 'echo'].map((name) => slot.begin(name).code);
      slot.instance.close();
      same(await Promise.all(calls), repeat('ERR_INSTANCE_CLOSED', 3));
      return 'closed';
    },
  },
  {
    name: 'burst whose first is aborted soon',
    when: ['idle'],
    async run(slot) {
      const [first, ...others] = ['endless', 'echo', 'echo'].map((name) => slot.begin(name));
      setImmediate(() => first!.controller.abort());
      same(await first!.code, 'ERR_ABORTED');
      const codes = await Promise.all(others.map(({ code }) => code));
      // It was stopped in the guest, or before it began, which spoils nothing.
      const spoilt = codes[0] === 'ERR_INSTANCE_POISONED';
      same(codes, repeat(spoilt ? 'ERR_INSTANCE_POISONED' : 'returned', 2));
      return spoilt ? 'poisoned' : 'idle';
    },
  },
];

const lives: readonly Step[] = [
  {
    name: 'close',
    when: ANY,
    async run(slot) {
      const under = slot.running === undefined ? 0 : 1 + slot.queued.length;
      slot.instance.close();
      if (under > 0) same(await slot.settle(), repeat('ERR_INSTANCE_CLOSED', under));
      return 'closed';
    },
  },
  {
    name: 'replace',
    when: OVER,
    async run(slot) {
      await slot.replace();
      return 'idle';
    },
  },
];

/** New instances come more often than ends, so that most steps find one that is usable. */
export const STEPS: readonly Step[] = [
  ...inThread,
  ...asynchronous,
  ...bursts,
  ...endings,
  ...waiting,
  ...lives,
  ...Array.from({ length: 20 }, () => lives[1]!),
];
