// A suite on every backend: `onEveryBackend` runs its tests once for each, and then compares what the backends observed.
import { isDeepStrictEqual } from 'node:util';
import {
  type BackendKind,
  Engine,
  type EngineOptions,
  type Instance,
  type InstanceOptions,
  type Module,
} from 'aingle-wasm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BACKENDS } from './backends';
import { after, type Outcome, outcomeOf } from './outcome';
import { wat } from './wat';

/** For emulated machines, on which address space that is only reserved costs memory and time: pages that memories reserve. */
const bound = process.env.AINGLE_WASM_TEST_STATIC_MEMORY_BOUND;
const EVERYWHERE: EngineOptions = bound === undefined ? {} : { staticMemoryBound: Number(bound) };

/** For tests that start many workers at once, which take an emulated machine longer than a call or a compilation may take. */
export const UNHURRIED: EngineOptions = { timeoutMs: null, limits: { compileMs: 600_000 } };

/** What tests need of one backend. Engines made here are closed after the test that made them. */
export class Lab {
  readonly backend: BackendKind;
  readonly records = new Map<string, unknown[]>();
  readonly #engines: Engine[] = [];

  constructor(backend: BackendKind) {
    this.backend = backend;
  }

  engine(options: EngineOptions = {}): Engine {
    const engine = new Engine({ ...EVERYWHERE, ...options, backend: this.backend });
    this.#engines.push(engine);
    return engine;
  }

  /** Compiles text or bytes in an engine of its own. */
  compile(source: string | Uint8Array, options?: EngineOptions): Promise<Module> {
    return this.engine(options).compile(typeof source === 'string' ? wat(source) : source);
  }

  /** Compiles and instantiates text or bytes. */
  async instantiate(
    source: string | Uint8Array,
    options?: InstanceOptions,
    engineOptions?: EngineOptions,
  ): Promise<Instance> {
    return (await this.compile(source, engineOptions)).instantiate(options);
  }

  /** Notes something that must be the same on every backend, and returns it. */
  record<T>(value: T): T {
    const seen = this.records.get(this.#test);
    if (seen === undefined) this.records.set(this.#test, [value]);
    else seen.push(value);
    return value;
  }

  /** Forgets what the running test noted: a repeated test begins anew. */
  reset(): void {
    this.records.delete(this.#test);
  }

  /** The running test's name without the backend's. */
  get #test(): string {
    return (expect.getState().currentTestName ?? '').replace(` ${this.backend} > `, ' > ');
  }

  /** Runs `body`, notes what it came to and what it left of `instance`, and returns both. */
  async observe(
    instance: Instance | undefined,
    body: () => unknown,
  ): Promise<Outcome & { state?: string; fuelUsed?: bigint }> {
    const outcome = await outcomeOf(body);
    return this.record(instance === undefined ? outcome : { ...outcome, ...after(instance) });
  }

  async close(): Promise<void> {
    await Promise.all(this.#engines.splice(0).map((engine) => engine.close()));
  }
}

/** All labs by the title of their suite; what they noted on one machine can be compared with another. */
export const LABS = new Map<string, readonly Lab[]>();

/**
 * Defines tests on every backend, and one more that compares: all that {@link Lab.record} and {@link Lab.observe} noted must be equal.
 *
 * @param define called once for each backend
 */
export function onEveryBackend(title: string, define: (lab: Lab) => void): void {
  const labs = BACKENDS.map((backend) => new Lab(backend));
  LABS.set(title, labs);
  for (const lab of labs) {
    describe(`${title} on ${lab.backend}`, () => {
      beforeEach(() => lab.reset());
      afterEach(() => lab.close());
      define(lab);
    });
  }
  compareLabs(title, labs);
}

function compareLabs(title: string, [first, ...others]: readonly Lab[]): void {
  for (const other of others) {
    test(`${title}: ${first!.backend} and ${other.backend} observe the same`, () => {
      expect(first!.records.size).toBeGreaterThan(0);
      expect(differences(first!, other)).toEqual([]);
    });
  }
}

/** The tests in which two backends noted different things, with the first notes that differ. */
function differences(first: Lab, other: Lab): unknown[] {
  const names = new Set([...first.records.keys(), ...other.records.keys()]);
  return [...names].flatMap((name) => {
    const a = first.records.get(name) ?? [];
    const b = other.records.get(name) ?? [];
    const at = Array.from({ length: Math.max(a.length, b.length) }).findIndex((_, i) => !isDeepStrictEqual(a[i], b[i]));
    return at === -1 ? [] : [{ name, [first.backend]: a[at], [other.backend]: b[at] }];
  });
}
