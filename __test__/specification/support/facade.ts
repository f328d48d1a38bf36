// The public API as a target. JavaScript numbers lose the payload of a NaN; vectors and references do not cross.
import { AingleWasmError, type Engine, hostFunction, type Instance, type Value, type ValueType } from 'aingle-wasm';
import type { ScriptValue } from './script';
import { Failure, type Target, Uncarried } from './target';
import type { Result } from './values';

type NumberType = 'i32' | 'i64' | 'f32' | 'f64';

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

/** `print`, `print_i32`, `print_f64_f64`, …: functions without results that do nothing, their parameters in their names. */
const SPECTEST = Object.fromEntries(
  ['', '_i32', '_i64', '_f32', '_f64', '_i32_f32', '_f64_f64'].map((suffix) => {
    const params = suffix.split('_').slice(1) as ValueType[];
    return [`print${suffix}`, hostFunction(() => undefined, { params, results: [] })];
  }),
);

const cell = new DataView(new ArrayBuffer(8));

export class FacadeTarget implements Target<Instance> {
  readonly unable = new Set(['host-objects', 'linking', 'linking-table', 'references', 'globals'] as const);
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  validate(wasm: Uint8Array): void {
    run(() => this.#engine.compileSync(wasm));
  }

  instantiate(wasm: Uint8Array, registered: ReadonlyMap<string, Instance>): Instance {
    const exports = [...registered].map(([name, instance]) => [name, typedExports(instance)]);
    const imports = { spectest: SPECTEST, ...Object.fromEntries(exports) };
    return run(() => this.#engine.compileSync(wasm).instantiateSync({ imports, abi: 'bytes', afterTrap: 'keep' }));
  }

  invoke(instance: Instance, name: string, args: readonly ScriptValue[]): readonly Result[] {
    const found = instance.module.exports.find((each) => each.name === name);
    if (found?.kind !== 'function') throw new Error(`there is no exported function ${name}`);
    if ([...found.type.params, ...found.type.results].some((type) => !isNumber(type))) throw new Uncarried();
    const values = args.map(lower);
    const returned = run(() => instance.exports[name]!(...values));
    const results = found.type.results.length === 1 ? [returned] : (returned ?? []);
    return found.type.results.map((type, index) => lift(type as NumberType, results[index]));
  }

  get(): Result {
    throw new Uncarried('globals');
  }
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

function isNumber(type: ValueType): type is NumberType {
  return type === 'i32' || type === 'i64' || type === 'f32' || type === 'f64';
}

function lower(value: ScriptValue): Value {
  if (!('bits' in value)) throw new Uncarried();
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
    case 'v128':
      throw new Uncarried();
  }
}

function unlessNan(value: number): number {
  if (Number.isNaN(value)) throw new Uncarried();
  return value;
}

function lift(type: NumberType, value: unknown): Result {
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
  }
}
