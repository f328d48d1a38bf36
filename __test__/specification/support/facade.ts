// The public API as a target. JavaScript numbers lose the payload of a NaN; all else crosses whole.
import {
  AingleWasmError,
  type Engine,
  Global,
  type GlobalType,
  hostFunction,
  type Instance,
  Memory,
  Table,
  type Value,
  type ValueType,
} from 'aingle-wasm';
import type { ScriptValue } from './script';
import { Failure, type Target, Uncarried } from './target';
import type { Result } from './values';

const KINDS: Readonly<Record<string, Failure['kind']>> = {
  ERR_MODULE_MALFORMED: 'refused',
  ERR_MODULE_INVALID: 'refused',
  ERR_MODULE_TOO_COMPLEX: 'refused',
  ERR_FEATURE_DISABLED: 'refused',
  ERR_IMPORT_MISSING: 'unlinked',
  ERR_IMPORT_TYPE: 'unlinked',
  ERR_TRAP: 'trap',
  ERR_STACK_OVERFLOW: 'exhausted',
};

/** Constant globals. */
const GLOBALS = { global_i32: 666, global_i64: 666n, global_f32: 666.6, global_f64: 666.6 };

/** `print`, `print_i32`, `print_f64_f64`, …: functions without results that do nothing, their parameters in their names. */
const FUNCTIONS = Object.fromEntries(
  ['', '_i32', '_i64', '_f32', '_f64', '_i32_f32', '_f64_f64'].map((suffix) => {
    const params = suffix.split('_').slice(1) as ValueType[];
    return [`print${suffix}`, hostFunction(() => undefined, { params, results: [] })];
  }),
);

const cell = new DataView(new ArrayBuffer(8));

export class FacadeTarget implements Target<Instance> {
  readonly unable = new Set(['linking', 'linking-table'] as const);
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  validate(wasm: Uint8Array): void {
    run(() => this.#engine.compileSync(wasm));
  }

  instantiate(wasm: Uint8Array, registered: ReadonlyMap<string, Instance>): Instance {
    const exports = [...registered].map(([name, instance]) => [name, typedExports(instance)]);
    const imports = { spectest: spectest(), ...Object.fromEntries(exports) };
    return run(() => this.#engine.compileSync(wasm).instantiateSync({ imports, abi: 'bytes', afterTrap: 'keep' }));
  }

  invoke(instance: Instance, name: string, args: readonly ScriptValue[]): readonly Result[] {
    const found = instance.module.exports.find((each) => each.name === name);
    if (found?.kind !== 'function') throw new Error(`there is no exported function ${name}`);
    const values = args.map(lower);
    const returned = run(() => instance.exports[name]!(...values));
    const results = found.type.results.length === 1 ? [returned] : (returned ?? []);
    return found.type.results.map((type, index) => lift(type, results[index]));
  }

  get(instance: Instance, name: string): Result {
    const global: Global = instance.exports[name];
    return lift(global.type.value, global.value);
  }
}

/** Objects of the host, which belong to the one instance that they are given to. */
function spectest() {
  const globals = Object.entries(GLOBALS).map(([name, value]) => {
    const type: GlobalType = { value: name.split('_')[1] as ValueType, mutable: false };
    return [name, new Global(type, value)];
  });
  return {
    ...FUNCTIONS,
    ...Object.fromEntries(globals),
    table: new Table({ element: 'funcref', min: 10, max: 20 }),
    memory: new Memory({ min: 1, max: 2 }),
  };
}

/** Exported functions as host functions of their own types. */
function typedExports(instance: Instance) {
  const functions = instance.module.exports.filter((each) => each.kind === 'function');
  return Object.fromEntries(
    functions.map(({ name, type }) => [name, hostFunction(instance.exports[name]!, { ...type })]),
  );
}

/** What a function of another instance failed with comes wrapped in the host function that it was. */
function run<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    let error = thrown;
    while (error instanceof AingleWasmError && error.code === 'ERR_HOST_FUNCTION') error = error.cause;
    const kind = error instanceof AingleWasmError ? KINDS[error.code] : undefined;
    if (kind === undefined) throw thrown;
    const { code, message, details } = error as AingleWasmError;
    throw new Failure(kind, `${code} ${message}`, details?.trap);
  }
}

/** Host objects of the scripts: one for each number, so that their identity tells the number. */
const objects = new Map<number, { readonly object: number }>();

function hostObject(object: number): { readonly object: number } {
  const known = objects.get(object) ?? { object };
  objects.set(object, known);
  return known;
}

function lower(value: ScriptValue): Value {
  if (!('bits' in value)) return value.null ? null : hostObject(value.object!);
  switch (value.type) {
    case 'i32':
      return Number(value.bits) | 0;
    case 'i64':
      return BigInt.asIntN(64, BigInt(value.bits));
    case 'f32':
      cell.setUint32(0, Number(value.bits));
      return unlessNan(cell.getFloat32(0));
    case 'f64':
      cell.setBigUint64(0, BigInt(value.bits));
      return unlessNan(cell.getFloat64(0));
    case 'v128': {
      const view = new DataView(new ArrayBuffer(16));
      view.setBigUint64(0, BigInt.asUintN(64, BigInt(value.bits)), true);
      view.setBigUint64(8, BigInt(value.bits) >> 64n, true);
      return new Uint8Array(view.buffer);
    }
  }
}

function unlessNan(value: number): number {
  if (Number.isNaN(value)) throw new Uncarried();
  return value;
}

function lift(type: ValueType, value: unknown): Result {
  switch (type) {
    case 'i32':
      return { type, bits: String((value as number) >>> 0) };
    case 'i64':
      return { type, bits: String(BigInt.asUintN(64, value as bigint)) };
    case 'f32':
      if (Number.isNaN(value)) return { type, bits: undefined };
      cell.setFloat32(0, value as number);
      return { type, bits: String(cell.getUint32(0)) };
    case 'f64':
      if (Number.isNaN(value)) return { type, bits: undefined };
      cell.setFloat64(0, value as number);
      return { type, bits: String(cell.getBigUint64(0)) };
    case 'v128': {
      const { buffer, byteOffset } = value as Uint8Array;
      const view = new DataView(buffer, byteOffset);
      return { type, bits: String(view.getBigUint64(0, true) | (view.getBigUint64(8, true) << 64n)) };
    }
    case 'funcref':
      return { type, null: value === null };
    case 'externref': {
      if (value === null) return { type, null: true };
      const { object } = value as { readonly object: number };
      if (objects.get(object) !== value) throw new Error('a host object that no script passed');
      return { type, null: false, object };
    }
  }
}
