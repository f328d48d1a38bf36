// The functions that references of one guest stand for, by number.
import { createError } from '../../errors/error';
import type { FunctionType } from '../../types';
import type { ModuleInfoJson, NumericHost, RawValue } from '../backend';
import { type BridgeFunction, bridge } from './bridges';
import { type FunctionNumbers, fromEngine, listed, toEngine } from './crossing';
import type { HostCalls } from './host-calls';
import { RESERVED } from './names';

export class V8References implements FunctionNumbers {
  readonly #info: ModuleInfoJson;
  readonly #calls: HostCalls;
  readonly #functions: unknown[] = [];
  readonly #numbers = new Map<unknown, number>();
  readonly #bridges = new Map<string, BridgeFunction>();
  /** Types of the host's functions. */
  readonly #given = new Map<number, FunctionType>();
  /** By index in the prepared module; made at the first question. */
  #types: ReadonlyMap<number, FunctionType> | undefined;
  #exports: WebAssembly.Exports = {};

  constructor(info: ModuleInfoJson, calls: HostCalls) {
    this.#info = info;
    this.#calls = calls;
  }

  /** The guest exists. */
  attach(exports: WebAssembly.Exports): void {
    this.#exports = exports;
  }

  functionOf(number: number): unknown {
    return this.#functions[number];
  }

  numberOf(fn: unknown): number {
    const known = this.#numbers.get(fn);
    if (known !== undefined) return known;
    const number = this.#functions.push(fn) - 1;
    this.#numbers.set(fn, number);
    return number;
  }

  /** The number of an exported function, which is known by its position. */
  exported(position: number): number | null {
    const fn = this.#exports[RESERVED.reference + position];
    return fn === undefined ? null : this.numberOf(fn);
  }

  /**
   * Makes a function of the host's one that tables can hold.
   *
   * @param call takes and gives values as V8 passes them
   */
  add({ type }: NumericHost, call: BridgeFunction): number {
    const calls = this.#calls;
    const reference = bridge('given', type, (...args) => {
      const depth: number = args.pop();
      calls.enterReference(args.pop(), depth);
      return [...listed(call(...args)), calls.rest()];
    });
    const number = this.numberOf(reference);
    this.#given.set(number, type);
    return number;
  }

  typeOf(number: number): FunctionType {
    const type = this.#given.get(number) ?? this.#declared.get(indexOf(this.#functions[number]));
    if (type === undefined) throw createError('ERR_INTERNAL', 'call', { reason: 'a function without a type' });
    return type;
  }

  /** Calls what a reference stands for, within a call that has begun. */
  call(number: number, args: readonly RawValue[]): RawValue[] {
    const type = this.typeOf(number);
    const key = `${type.params} ${type.results}`;
    const caller = this.#bridges.get(key) ?? bridge('call', type);
    this.#bridges.set(key, caller);
    const values = toEngine(type.params, args, this);
    const returned = this.#calls.throughReference((fuel, depth) =>
      listed(caller(...values, fuel, depth, this.#functions[number])),
    );
    return fromEngine(type.results, returned, this);
  }

  get #declared(): ReadonlyMap<number, FunctionType> {
    const { types, functions } = this.#info.references;
    this.#types ??= new Map(functions.map(([index, type]) => [index, types[type]!]));
    return this.#types;
  }
}

/** V8 names an exported function by its index. */
function indexOf(fn: unknown): number {
  return Number((fn as { readonly name: string }).name);
}
