// The addon by itself: whatever its functions are given, they return or throw.
import { Engine } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { wat } from '../conformance/support/wat';
import { GUEST } from './support';

type Binding = Record<string, (...args: unknown[]) => unknown>;

/** What the facade gave a function of the addon, the last time, before it was called. */
const given = new Map<string, readonly unknown[]>();

function noted(name: string, run: (...args: unknown[]) => unknown) {
  return (...args: unknown[]) => {
    given.set(name, args);
    return run(...args);
  };
}

/** The addon, caught while the facade loads it. From then on the facade's calls are noted. */
function load(): Binding {
  const { dlopen } = process;
  let binding: Binding | undefined;
  process.dlopen = (loading: { exports: object }, path: string) => {
    dlopen(loading, path);
    binding = loading.exports as Binding;
    loading.exports = Object.fromEntries(Object.entries(binding).map(([name, run]) => [name, noted(name, run)]));
  };
  new Engine({ backend: 'wasmer' });
  process.dlopen = dlopen;
  return binding!;
}

const binding = load();

/** Engine, module and instance of a kind, by the addon's functions and with options as the facade gives them. */
function world() {
  const limits = { memoryBytes: 1 << 24, callDepth: 100, outputBytes: 1 << 20 };
  const options = {
    backend: 'wasmer',
    meteringLimit: 1_000_000n,
    cacheSize: 0,
    limits,
    threads: 1,
    queue: 10,
  } as const;
  const imports = { env: { add: (a: number, b: number) => a + b } };
  new Engine(options).compileSync(wat(GUEST)).instantiateSync({ imports });
  const [runtime, engineOptions] = given.get('createEngine')!;
  const engine = binding.createEngine!(runtime, engineOptions);
  const compileOptions = given.get('compileSync')!.at(-1);
  const module = binding.compileSync!(engine, wat(GUEST), compileOptions);
  /** The first one decides on slices. */
  const functions: ((...args: number[]) => unknown)[] = [() => 0n, (_promise, _number, a, b) => a! + b!];
  const link = binding.createLink!(runtime, functions);
  const instance = binding.instantiateSync!(module, link, given.get('instantiateSync')!.at(-1));
  return { runtime, engine, module, functions, link, instance };
}

test('no function ends the process for its arguments', () => {
  const { functions: _, ...handles } = world();
  const strange = [undefined, null, 0, -1, 2 ** 53, Number.NaN, '', 'same', 1n, 1n << 70n, true, Symbol('s'), {}, []];
  const values = [
    ...strange,
    () => 1,
    new Uint8Array(3),
    new Float64Array(3),
    new Proxy({}, {}),
    ...Object.values(handles),
  ];
  // A small generator with a fixed seed: the same arguments in every run.
  let state = 12_345;
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  let thrown = 0;
  // A function that is made once for each runtime, like those of the binding.
  const functions = { ...binding, callSlab: binding.slabFunction!(handles.runtime) as Binding[string] };
  for (const [name, run] of Object.entries(functions)) {
    // Closing the engine and opening runtimes by the thousand are tested elsewhere.
    if (name === 'closeEngine' || name === 'openRuntime') continue;
    for (let round = 0; round < 400; round++) {
      try {
        run(...Array.from({ length: next(6) }, () => values[next(values.length)]));
      } catch {
        thrown += 1;
      }
    }
  }
  expect(thrown).toBeGreaterThan(1_000);
  const { instance } = world();
  expect(binding.invokeFew!(instance, binding.exportHandle!(instance, 'sum'), 3, 4)).toBe(7);
});

test('an external of another kind is refused', () => {
  const { engine, module, link, runtime, instance } = world();
  for (const other of [engine, module, link, runtime]) {
    expect(() => binding.fuelUsed!(other)).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }));
  }
  for (const other of [engine, instance, link, runtime]) expect(() => binding.moduleInfo!(other)).toThrow();
});

test('failures are plain objects with code, phase and details', () => {
  const { engine, instance } = world();
  const failure = (run: () => unknown) => {
    try {
      return run();
    } catch (thrown) {
      return thrown;
    }
  };
  const notFound = failure(() => binding.exportHandle!(instance, 'sum2'));
  expect(notFound).not.toBeInstanceOf(Error);
  expect(notFound).toMatchObject({
    code: 'ERR_EXPORT_NOT_FOUND',
    phase: 'call',
    details: { name: 'sum2', near: ['sum'] },
  });
  expect(failure(() => binding.validate!(engine, new Uint8Array(9)))).toMatchObject({ code: 'ERR_MODULE_MALFORMED' });
  expect(failure(() => binding.exportHandle!(instance, 7))).toMatchObject({ code: 'ERR_INTERNAL' });
});

test('a host function that cannot even begin is an error with what was thrown', () => {
  const { instance, functions } = world();
  const thrown = { odd: true };
  functions[1] = () => {
    throw thrown;
  };
  const sum = binding.exportHandle!(instance, 'sum');
  let failure: { code?: string; thrown?: unknown } = {};
  try {
    binding.invokeFew!(instance, sum, 1, 2);
  } catch (error) {
    failure = error as typeof failure;
  }
  expect(failure.code).toBe('ERR_HOST_FUNCTION');
  expect(failure.thrown).toBe(thrown);
});

test('results of another type than declared stop the guest', () => {
  for (const odd of ['7', 7n, undefined, null, {}, Symbol('s')]) {
    const { instance, functions } = world();
    functions[1] = () => odd;
    const sum = binding.exportHandle!(instance, 'sum');
    expect(() => binding.invokeFew!(instance, sum, 1, 2)).toThrow(
      expect.objectContaining({ code: 'ERR_HOST_FUNCTION' }),
    );
  }
});
