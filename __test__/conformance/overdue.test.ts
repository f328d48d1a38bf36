// A guest does not go on after its deadline when it is the host that holds it: what stops guests from outside may come late, so the end of
// the host's work looks at the clock itself. Each row is tried often, since it hangs on the threads' scheduling who would be first.
import { type CallOptions, type HostContext, hostFunction, type Instance } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

const GUEST = `
  (import "env" "hold" (func $hold))
  (memory (export "memory") 1)
  (func (export "empty") (param i32 i32) (result i64) (i64.const 0))
  (func (export "bytes") (param i32 i32) (result i64) (loop (call $hold) (br 0)) (i64.const 0))
  (func (export "run") (loop (call $hold) (br 0)))
  (func (export "spin") (loop (br 0)))`;

const START = '(import "env" "hold" (func $hold)) (func $start (loop (call $hold) (br 0))) (start $start)';

/** A host's work that has the JavaScript thread until the deadline is over for certain. */
class Holding {
  count = 0;
  readonly #nanoseconds: bigint;
  #end: bigint | undefined;

  constructor(limit: number) {
    this.#nanoseconds = BigInt(limit) * 1_000_000n;
  }

  /** Says that the time of the call has begun; unsaid, it has when the host is asked first. */
  begun(): void {
    this.#end ??= process.hrtime.bigint() + this.#nanoseconds;
  }

  hold(): void {
    this.count += 1;
    this.begun();
    while (process.hrtime.bigint() < this.#end!);
  }
}

/** Runs a guest whose host holds it. */
type Run = (holding: Holding, options: CallOptions) => unknown;
type Host = (holding: Holding, context?: HostContext) => unknown;
type RunInstance = (instance: Instance, options: CallOptions, holding: Holding, host: Host) => unknown;

const WAYS: Readonly<Record<string, RunInstance>> = {
  call: (instance, options) => instance.call('bytes', '', options),
  callSync: (instance, options) => instance.callSync('bytes', '', options),
  invoke: (instance, options) => instance.invoke('run', [], options),
  onSlice: (instance, options, holding, host) =>
    instance.invoke('spin', [], { ...options, sliceFuel: 1_000, onSlice: () => host(holding) as undefined }),
};

const HOSTS: Readonly<Record<string, Host>> = {
  'a function': (holding) => holding.hold(),
  'a promise': async (holding) => {
    await undefined;
    holding.hold();
  },
  'a call back': async (holding, context) => {
    holding.hold();
    // Whatever it comes to: the guest must not do anything.
    await context!.call('bytes').catch(() => {});
  },
};

/** Who has no promise, and who has no context. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  callSync: ['a function'],
  onSlice: ['a function', 'a promise'],
};

const ROWS = Object.entries(WAYS).flatMap(([way, run]) =>
  (ONLY[way] ?? Object.keys(HOSTS)).map((kind) => [way, kind, run, HOSTS[kind]!] as const),
);

/** How often the host is to be reached. On v8 an instance is a worker, which takes long to make, and what stops it is not another thread. */
const rounds = (lab: Lab) => (lab.backend === 'v8' ? 2 : 60);

/** Milliseconds; a machine so slow that the guest does not reach its host by then gets more. */
const LIMIT = 3;

async function expectOneHostCall(lab: Lab, run: Run): Promise<void> {
  let limit = LIMIT;
  for (let reached = 0; reached < rounds(lab); ) {
    const holding = new Holding(limit);
    const error = await errorOf(() => {
      const pending = run(holding, { timeoutMs: limit });
      holding.begun();
      return pending;
    });
    expect(error.code).toBe('ERR_TIMEOUT');
    expect(holding.count).toBeLessThanOrEqual(1);
    if (holding.count === 1) reached += 1;
    else limit *= 2;
  }
}

onEveryBackend('a host that is over its guest’s deadline', (lab) => {
  test.each(ROWS)('lets it do nothing more: %s, %s', async (_way, _kind, run, host) => {
    const module = await lab.engine().compile(wat(GUEST), { sliceable: true });
    const holdings = new WeakMap<Instance, Holding>();
    const make = async () => {
      const serve = (context: HostContext) => host(holdings.get(instance)!, context) as undefined;
      const hold = hostFunction(serve as never, { context: true });
      const instance: Instance = await module.instantiate({ imports: { env: { hold } } });
      return instance;
    };
    let next = await make();
    await expectOneHostCall(lab, async (holding, options) => {
      using instance = next;
      holdings.set(instance, holding);
      try {
        return await run(instance, options, holding, host);
      } finally {
        next = await make();
      }
    });
    lab.record(next.state);
  });

  test('lets it do nothing more: instantiate', async () => {
    const module = await lab.compile(START);
    await expectOneHostCall(lab, (holding, { timeoutMs = null }) =>
      module.instantiate({ imports: { env: { hold: () => holding.hold() } }, timeoutMs }),
    );
    lab.record(module.exports);
  });
});
