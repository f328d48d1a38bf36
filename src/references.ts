// What stands between the values of JavaScript and those of one guest where a number or bigint does not say it all: vectors, functions and
// values of the host.
import type { BackendInstance, NumericHost, RawValue } from './backend/backend';
import { createError, invalidType, invalidValue } from './errors/error';
import { ExternNumbers } from './externs';
import { referenceCall } from './host-call';
import type { Face } from './host-context';
import { HostFunction } from './host-function';
import type { FunctionType, Value, ValueType } from './types';
import { checkCount, readCoreValue, unwrapResults } from './values';

const VECTOR_BYTES = 16;
const FUNCTIONS = 'a function of this instance, what hostFunction returned, or null (funcref)';

type Callable = (...args: unknown[]) => unknown;

/** The functions that references can stand for, by themselves, with the instance that each belongs to. */
const owners = new WeakMap<Callable, { readonly owner: References; number(): number | null }>();

/**
 * The references of one instance. Before the instance exists, host functions can be given to it; values of the host at any time.
 */
export class References {
  /** Host functions that were given before the instance was made, by number. */
  readonly given: NumericHost[] = [];
  /** The instance as host functions see it. */
  readonly face: Face;
  readonly #externs = new ExternNumbers();
  readonly #hostFunctions = new Map<HostFunction, number>();
  readonly #callables = new Map<number, Callable>();
  #instance: BackendInstance | undefined;
  /** The instance is being made: what it begins with is settled. */
  #sealed = false;
  /** Positions of exported functions with what is exported there; once they have numbers, undefined. */
  #exports: (() => ReadonlyMap<number, Callable>) | undefined;
  /** Calls under way whose references nobody holds yet. */
  #calls = 0;

  constructor(face: Face) {
    this.face = face;
  }

  /** No host function can be given until the instance is there. */
  seal(): void {
    this.#sealed = true;
  }

  /** @param exports makes the exported functions, by position among the exports */
  attach(instance: BackendInstance, exports: () => ReadonlyMap<number, Callable>): void {
    this.#instance = instance;
    this.#exports = exports;
  }

  /** Says that the exported function at a position can be a reference. */
  own(position: number, callable: Callable): void {
    owners.set(callable, { owner: this, number: () => this.#attached.exportReference(position) });
  }

  /** Values of the host that have a number. */
  get size(): number {
    return this.#externs.size;
  }

  /** Checks and converts one value that the guest is about to get. @throws `ERR_INVALID_ARG_TYPE` */
  lower(option: string, type: ValueType, value: unknown): RawValue {
    this.#letGo();
    return this.#lower(option, type, value);
  }

  /** As {@link lower}, for the arguments of a function. @throws `ERR_INVALID_ARG_VALUE` for another number of them */
  lowerArguments(name: string, type: FunctionType, args: readonly unknown[]): RawValue[] {
    checkCount(name, type, args);
    this.#letGo();
    return type.params.map((param, index) => this.#lower(`${name}: argument ${index + 1}`, param, args[index]));
  }

  /** As {@link lower}, for what a host function returned. */
  lowerResults(types: readonly ValueType[], returned: unknown): RawValue[] {
    const option = 'The result of the host function';
    if (types.length === 0) return [];
    if (types.length === 1) return [this.#lower(option, types[0]!, returned)];
    if (!Array.isArray(returned) || returned.length !== types.length)
      throw invalidType(option, `an array of ${types.length} values`, returned);
    return types.map((type, index) => this.#lower(option, type, returned[index]));
  }

  lift(type: ValueType, raw: RawValue): Value {
    if (raw === null) return null;
    if (type === 'externref') return this.#externs.valueOf(raw as number);
    return type === 'funcref' ? this.#callable(raw as number) : raw;
  }

  liftAll(types: readonly ValueType[], raws: readonly RawValue[]): Value[] {
    return types.map((type, index) => this.lift(type, raws[index]!));
  }

  /** Runs a call whose arguments and results may be references that only this call holds. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await call();
    } finally {
      this.#calls--;
    }
  }

  #lower(option: string, type: ValueType, value: unknown): RawValue {
    switch (type) {
      case 'externref':
        return value === null ? null : this.#externs.numberOf(value);
      case 'funcref':
        return this.#function(option, value);
      case 'v128':
        return readVector(option, value);
      default:
        return readCoreValue(option, type, value);
    }
  }

  #function(option: string, value: unknown): number | null {
    if (value === null) return null;
    if (value instanceof HostFunction) return this.#give(option, value);
    const known = typeof value === 'function' ? owners.get(value as Callable) : undefined;
    if (known?.owner !== this) throw invalidType(option, FUNCTIONS, value);
    return known.number();
  }

  #give(option: string, fn: HostFunction): number {
    const known = this.#hostFunctions.get(fn);
    if (known !== undefined) return known;
    const host = this.#hostOf(option, fn);
    const number = this.#sealed ? this.#attached.addFunction(host) : this.given.push(host) - 1;
    this.#hostFunctions.set(fn, number);
    return number;
  }

  #hostOf(option: string, fn: HostFunction): NumericHost {
    const type = requireTypes(option, fn);
    const call = referenceCall(fn.call, type, fn.context, this);
    const name = fn.call.name || 'a function without a name';
    return { kind: 'numeric', module: '', name, type, cost: BigInt(fn.cost), call };
  }

  #callable(number: number): Callable {
    this.#numberExports();
    const known = this.#callables.get(number);
    if (known !== undefined) return known;
    const callable: Callable = (...args) => this.#call(number, args);
    owners.set(callable, { owner: this, number: () => number });
    this.#callables.set(number, callable);
    return callable;
  }

  /** References to exported functions are the exported functions. */
  #numberExports(): void {
    const exports = this.#exports?.();
    if (exports === undefined) return;
    this.#exports = undefined;
    for (const [position, callable] of exports) {
      const number = this.#attached.exportReference(position);
      if (number !== null && !this.#callables.has(number)) this.#callables.set(number, callable);
    }
  }

  #call(number: number, args: readonly unknown[]): unknown {
    const instance = this.#attached;
    const type = instance.functionType(number);
    const raws = this.lowerArguments('function reference', type, args);
    return unwrapResults(this.liftAll(type.results, instance.callFunction(number, raws)));
  }

  /** Lets go of the values that the guest does not hold, now and then, while nothing of it is under way. */
  #letGo(): void {
    const instance = this.#instance;
    if (!this.#externs.isDue || instance === undefined || this.#calls > 0) return;
    const { state } = instance;
    if (state !== 'idle' && state !== 'poisoned') return;
    const { held, seen } = instance.heldExterns();
    this.#externs.keep(held, seen);
  }

  get #attached(): BackendInstance {
    if (this.#instance === undefined) throw createError('ERR_INSTANCE_BUSY', 'start');
    return this.#instance;
  }
}

/**
 * Checks a value that belongs to no instance yet.
 *
 * @returns the value as it is to be kept: vectors are copied
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` for a host function without types
 */
export function readHeldValue(option: string, type: ValueType, value: unknown): Value {
  switch (type) {
    case 'externref':
      return value;
    case 'funcref':
      if (value === null) return value;
      if (!(value instanceof HostFunction))
        throw invalidType(option, 'what hostFunction returned, or null (funcref), until an instance has it', value);
      requireTypes(option, value);
      return value;
    case 'v128':
      return readVector(option, value);
    default:
      return readCoreValue(option, type, value);
  }
}

/** What a reference of this type is where nothing is said, as in JavaScript's own interface. */
export function defaultReference(type: 'funcref' | 'externref'): Value {
  return type === 'funcref' ? null : undefined;
}

function readVector(option: string, value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== VECTOR_BYTES)
    throw invalidType(option, `a Uint8Array of ${VECTOR_BYTES} bytes (v128)`, value);
  return Uint8Array.from(value);
}

function requireTypes(option: string, fn: HostFunction): FunctionType {
  const { params, results } = fn;
  if (params === undefined || results === undefined)
    throw invalidValue(option, 'a host function in a reference must have its params and results declared', fn);
  return { params: [...params], results: [...results] };
}
