// AsyncLocalStorage in host functions and in onSlice: what it holds there is what it holds where the call was made.
import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallOptions, type HostContext, hostFunction, type Instance, type Module } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { wat } from './support/wat';

const GUEST = wat(`
  (import "env" "numbers" (func $numbers))
  (import "env" "bytes" (func $bytes (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "malloc") (param i32) (result i32) (i32.const 64))
  (func (export "free") (param i32))
  (func (export "work") (local i32)
    (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000)))))
  (func (export "numbers") (call $numbers))
  (func (export "through numbers") (param i32 i32) (result i64) (call $numbers) (i64.const 0))
  (func (export "bytes") (param i32 i32) (result i64) (call $bytes (local.get 0) (local.get 1)))`);

const START = wat('(import "env" "numbers" (func $numbers)) (start $numbers)');

const storage = new AsyncLocalStorage<string>();

/** What the host found, one entry each time. */
type Notes = (string | undefined)[];

/** A host function, once as one of numbers and once as one of bytes. */
type Host = (notes: Notes, context: HostContext) => unknown;

const look: Host = (notes) => void notes.push(storage.getStore());

const HOSTS: Readonly<Record<string, Host>> = {
  'a host function': look,
  'what a host function awaits': async (notes, context) => {
    look(notes, context);
    await new Promise((resolve) => setTimeout(resolve, 1));
    look(notes, context);
  },
};

type Run = (instance: Instance, options?: CallOptions) => Promise<unknown>;

const WAYS: Readonly<Record<string, Run>> = {
  call: (instance, options) => instance.call('bytes', 'text', options),
  'call, numbers': (instance, options) => instance.call('through numbers', '', options),
  invoke: (instance, options) => instance.invoke('numbers', [], options),
};

const SYNC: Readonly<Record<string, (instance: Instance) => unknown>> = {
  callSync: (instance) => instance.callSync('bytes', 'text'),
  callRaw: (instance) => instance.callRaw('bytes', new Uint8Array(4)),
  exports: (instance) => instance.exports.numbers!(),
};

/** Requests as a server has them: several at once, each in a place of its own, and one that is in none. */
const PLACES = ['first', 'second', 'third', undefined];

/** Runs `request` in every place at once. What it notes must be of its place. */
async function inEveryPlace(lab: Lab, request: (notes: Notes, at: number) => Promise<unknown>): Promise<void> {
  const run = async (place: string | undefined, at: number) => {
    const notes: Notes = [];
    if (place === undefined) await storage.exit(() => request(notes, at));
    else await storage.run(place, () => request(notes, at));
    return { place, notes };
  };
  const seen = await Promise.all(PLACES.map(run));
  for (const { place, notes } of seen) expect(new Set(notes)).toEqual(new Set([place]));
  lab.record(seen);
}

/** Engine, module and instances are made elsewhere, as a server makes them when it begins. */
function elsewhere<T>(make: () => Promise<T>): Promise<T> {
  return storage.run('elsewhere', make);
}

function instantiate(module: Module, host: Host, notesOf: () => Notes): Promise<Instance> {
  const serve = (context: HostContext) => host(notesOf(), context) as undefined;
  const numbers = hostFunction(serve as never, { context: true });
  return module.instantiate({
    abi: 'bytes',
    imports: { env: { numbers } },
    host: { bytes: (_input, context) => serve(context) },
  });
}

onEveryBackend('the place of a call', (lab) => {
  const rows = Object.entries(WAYS).flatMap(([way, run]) =>
    Object.entries(HOSTS).map(([kind, host]) => [way, kind, run, host] as const),
  );
  test.each(rows)('in %s is that of %s', async (_way, _kind, run, host) => {
    const all: Notes[] = [];
    const instances = await elsewhere(async () => {
      const module = await lab.engine().compile(GUEST);
      return Promise.all(PLACES.map((_, at) => instantiate(module, host, () => all[at]!)));
    });
    await inEveryPlace(lab, (notes, at) => {
      all[at] = notes;
      return run(instances[at]!);
    });
  });

  test.each(Object.entries(WAYS))('in %s is its own also when it waited for its turn', async (_, run) => {
    const notes: Notes = [];
    const instance = await elsewhere(async () =>
      instantiate(await lab.engine().compile(GUEST), HOSTS['what a host function awaits']!, () => notes),
    );
    await Promise.all(['a', 'b', 'c'].map((place) => storage.run(place, () => run(instance))));
    expect(lab.record(notes)).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  test('of a nested call is that of the call around it', async () => {
    const all: Notes[] = [];
    const instances = await elsewhere(async () => {
      const module = await lab.engine().compile(GUEST);
      const make = (at: number) => {
        const host: Host = async (notes, context) => {
          notes.push(storage.getStore());
          if (notes.length < 4) await context.call('bytes');
          notes.push(storage.getStore());
        };
        return instantiate(module, host, () => all[at]!);
      };
      return Promise.all(PLACES.map((_, at) => make(at)));
    });
    await inEveryPlace(lab, (notes, at) => {
      all[at] = notes;
      return instances[at]!.call('bytes');
    });
  });

  test.each(Object.entries(SYNC))('in %s is where it is', async (_, run) => {
    const all: Notes[] = [];
    const instances = await elsewhere(async () => {
      const module = await lab.engine().compile(GUEST);
      return Promise.all(PLACES.map((_, at) => instantiate(module, look, () => all[at]!)));
    });
    await inEveryPlace(lab, async (notes, at) => {
      all[at] = notes;
      run(instances[at]!);
    });
  });

  test.each(Object.entries(HOSTS))('in onSlice is that of the call: %s', async (_, host) => {
    const instances = await elsewhere(async () => {
      const module = await lab.engine().compile(GUEST, { sliceable: true });
      return Promise.all(PLACES.map(() => instantiate(module, look, () => [])));
    });
    await inEveryPlace(lab, (notes, at) => {
      const onSlice = () => host(notes, undefined as never) as undefined;
      return instances[at]!.invoke('work', [], { sliceFuel: 3_000, onSlice });
    });
  });

  test.each(Object.entries(HOSTS))('in a start function is that of instantiate: %s', async (_, host) => {
    const module = await elsewhere(() => lab.engine().compile(START));
    await inEveryPlace(lab, (notes) => {
      const numbers = hostFunction((() => host(notes, undefined as never)) as never);
      return module.instantiate({ imports: { env: { numbers } } });
    });
  });
});
