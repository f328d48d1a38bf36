// Prepared modules on V8 without the facade: the smallest host there is. Floats and vectors cross as integers through the adapters that
// `prepare` makes on demand, so every bit is seen; memories, tables, globals and references are V8's own.
import { AingleWasmError } from 'aingle-wasm';
import { prepareModule } from '../../../dist/fallback.js';
import type { ScriptValue } from './script';
import { Failure, type Target } from './target';
import type { Result } from './values';

const RESERVED = '__aingle_meter_';
/** Fuel of a call, which no script comes near. */
const FUEL = 2n ** 62n;
/** Depth of a call: the facade's default, at which V8's own stack has not ended. */
const DEPTH = 3_000;
const STATUS_DEPTH = 2;
/** One file has a `br_table` of 24,616 targets, more than is allowed by default. */
const CONFIG = JSON.stringify({ complexity: { branchTargets: 32_768 }, adapters: 'bits' });

/** V8's wordings of traps, Node 20 to 24. */
const TRAPS: readonly (readonly [RegExp, string])[] = [
  [/unreachable/, 'unreachable'],
  [/memory access out of bounds|data segment/, 'memory_out_of_bounds'],
  [/\btable\b|element segment/, 'table_out_of_bounds'],
  [/divide by zero|remainder by zero/, 'integer_divide_by_zero'],
  [/divide result unrepresentable/, 'integer_overflow'],
  [/float unrepresentable/, 'float_to_integer'],
  [/null function|signature mismatch/, 'indirect_call_mismatch'],
];

/** V8's WebAssembly as far as it is used here. Node's own types leave it to the DOM library. */
interface V8 {
  readonly Module: (new (
    bytes: Uint8Array,
  ) => object) & {
    imports(module: object): { readonly module: string; readonly name: string; readonly kind: string }[];
  };
  readonly Instance: new (module: object, imports: Imports) => { readonly exports: Exports };
  readonly Memory: new (type: { initial: number; maximum: number }) => object;
  readonly Table: new (type: { element: 'anyfunc'; initial: number; maximum: number }) => object;
  readonly Global: new (type: { value: string }, value: unknown) => { value: unknown };
}

type Imports = Record<string, Exports>;
// biome-ignore lint/suspicious/noExplicitAny: what a module exports is known at run time only
type Exports = Record<string, any>;
type Export = ReturnType<typeof prepareModule>['info']['exports'][number];

const v8 = WebAssembly as unknown as V8;

/** What a module imports; nothing for bytes that V8 refuses. */
export function moduleImports(wasm: Uint8Array): readonly { readonly module: string; readonly kind: string }[] {
  try {
    return v8.Module.imports(new v8.Module(wasm));
  } catch {
    return [];
  }
}

export interface PlainInstance {
  readonly exports: Exports;
  /** The author's exports, by name, with their positions. */
  readonly author: ReadonlyMap<string, { readonly item: Export; readonly position: number }>;
}

export class PlainTarget implements Target<PlainInstance> {
  readonly unable = new Set<never>();
  readonly #instances: PlainInstance[] = [];
  readonly #spectest = makeSpectest();

  validate(wasm: Uint8Array): void {
    prepared(wasm);
  }

  instantiate(wasm: Uint8Array, registered: ReadonlyMap<string, PlainInstance>): PlainInstance {
    const { bytes, info } = prepared(wasm);
    const modules = [...registered].map(([name, { exports }]) => [name, exports]);
    const imports = { spectest: this.#spectest, ...Object.fromEntries(modules) };
    const { exports } = this.#run(() => new v8.Instance(new v8.Module(bytes), imports));
    const author = new Map(info.exports.map((item, position) => [item.name, { item, position }]));
    const instance = { exports, author };
    this.#instances.push(instance);
    const start = exports[`${RESERVED}start`];
    if (start !== undefined) this.#run(start);
    return instance;
  }

  invoke(instance: PlainInstance, name: string, args: readonly ScriptValue[]): readonly Result[] {
    const { item, position } = found(instance, name);
    if (item.kind !== 'function') throw new Error(`${name} is no function`);
    const call = instance.exports[`${RESERVED}exact_${position}`] ?? instance.exports[name];
    const returned = this.#run(() => call(...args.flatMap(lower)));
    const cells = Array.isArray(returned) ? returned : [returned];
    return item.type.results.map((type) => lift(type, cells));
  }

  get(instance: PlainInstance, name: string): Result {
    const { item, position } = found(instance, name);
    if (item.kind !== 'global') throw new Error(`${name} is no global`);
    const read = instance.exports[`${RESERVED}exact_get_${position}`];
    const value = read === undefined ? instance.exports[name].value : this.#run(read);
    return lift(item.type.value, Array.isArray(value) ? value : [value]);
  }

  /** Sets the reserved globals of every instance, because a call may go on into others, and tells what it failed with. */
  #run<T>(act: () => T): T {
    for (const { exports } of this.#instances) {
      exports[`${RESERVED}fuel`].value = FUEL;
      exports[`${RESERVED}depth`].value = DEPTH;
      exports[`${RESERVED}status`].value = 0;
    }
    try {
      return act();
    } catch (thrown) {
      throw this.#explain(thrown);
    }
  }

  #explain(thrown: unknown): unknown {
    if (!(thrown instanceof Error)) return thrown;
    const status = this.#instances.map(({ exports }) => exports[`${RESERVED}status`].value).find((each) => each !== 0);
    if (status === STATUS_DEPTH) return new Failure('exhausted', 'call depth');
    if (status !== undefined) return new Error(`stopped with the status ${status}`);
    // V8 throws a TypeError for an import whose module is missing.
    if (thrown.name === 'LinkError' || /^WebAssembly.Instance\(\): Import/.test(thrown.message)) {
      return new Failure('unlinked', thrown.message);
    }
    const trap = TRAPS.find(([wording]) => wording.test(thrown.message))?.[1];
    return thrown.name === 'RuntimeError' && trap !== undefined ? new Failure('trap', thrown.message, trap) : thrown;
  }
}

function prepared(wasm: Uint8Array) {
  try {
    return prepareModule(wasm, CONFIG);
  } catch (error) {
    throw error instanceof AingleWasmError ? new Failure('refused', error.message) : error;
  }
}

function makeSpectest(): Exports {
  const functions = ['', '_i32', '_i64', '_f32', '_f64', '_i32_f32', '_f64_f64'];
  return {
    ...Object.fromEntries(functions.map((suffix) => [`print${suffix}`, () => undefined])),
    global_i32: new v8.Global({ value: 'i32' }, 666),
    global_i64: new v8.Global({ value: 'i64' }, 666n),
    global_f32: new v8.Global({ value: 'f32' }, 666.6),
    global_f64: new v8.Global({ value: 'f64' }, 666.6),
    table: new v8.Table({ element: 'anyfunc', initial: 10, maximum: 20 }),
    memory: new v8.Memory({ initial: 1, maximum: 2 }),
  };
}

function found(instance: PlainInstance, name: string) {
  const entry = instance.author.get(name);
  if (entry === undefined) throw new Error(`there is no export ${name}`);
  return entry;
}

/** Host objects of the scripts: one for each number, so that their identity tells the number. */
const objects = new Map<number, { readonly object: number }>();

/** A value as the adapters take it: one integer, two for a vector, or a reference. */
function lower(value: ScriptValue): unknown[] {
  if (!('bits' in value)) return [value.null ? null : hostObject(value.object!)];
  switch (value.type) {
    case 'i32':
    case 'f32':
      return [Number(value.bits) | 0];
    case 'i64':
    case 'f64':
      return [BigInt.asIntN(64, BigInt(value.bits))];
    case 'v128':
      return [BigInt.asIntN(64, BigInt(value.bits)), BigInt.asIntN(64, BigInt(value.bits) >> 64n)];
  }
}

function hostObject(object: number): { readonly object: number } {
  const known = objects.get(object) ?? { object };
  objects.set(object, known);
  return known;
}

/** Takes a value of a type off the front of what an adapter gave. */
function lift(type: ScriptValue['type'], cells: unknown[]): Result {
  const bits = () => BigInt.asUintN(64, cells.shift() as bigint);
  switch (type) {
    case 'i32':
    case 'f32':
      return { type, bits: String((cells.shift() as number) >>> 0) };
    case 'i64':
    case 'f64':
      return { type, bits: String(bits()) };
    case 'v128':
      return { type, bits: String(bits() | (bits() << 64n)) };
    case 'funcref':
      return { type, null: cells.shift() === null };
    case 'externref': {
      const reference = cells.shift() as { readonly object: number } | null;
      if (reference === null) return { type, null: true };
      if (objects.get(reference.object) !== reference) throw new Error('a host object that no script passed');
      return { type, null: false, object: reference.object };
    }
  }
}
