import type { BackendInstance } from './backend/backend';
import { createError, invalidType, outOfRange } from './errors/error';
import { checkInteger, choice, optional, readTable } from './options/table';
import { Ownership } from './ownership';
import { defaultReference, type References, readHeldValue } from './references';
import type { TableType, Value } from './types';

/** As many as any engine allows. */
const MAX_ELEMENTS = 10_000_000;
const ELEMENT_TYPES = ['funcref', 'externref'] as const;

/** Where the elements are: with the table itself, or in the instance that it belongs to. Indices and sizes are checked before. */
export interface TablePlace {
  length(): number;
  get(index: number): Value;
  /** @throws `ERR_INVALID_ARG_TYPE` */
  set(index: number, value: unknown): void;
  /** @throws `ERR_INVALID_ARG_TYPE` */
  grow(elements: number, value: unknown): number;
}

type Element = TableType['element'];

const TYPE = {
  element: { read: choice(ELEMENT_TYPES, 'funcref').read, absent: requireElement },
  min: { read: readSize, absent: (option: string) => readSize(option, undefined) },
  max: optional((option, value) => checkInteger(option, value, 0, 2 ** 32 - 1)),
};

function requireElement(option: string): Element {
  throw invalidType(option, '"funcref" or "externref"', undefined);
}

function readSize(option: string, value: unknown): number {
  return checkInteger(option, value, 0, MAX_ELEMENTS);
}

/** The table of an index in an instance. */
export function tableOf(
  instance: BackendInstance,
  index: number,
  element: Element,
  references: References,
): TablePlace {
  const lower = (value: unknown) => references.lower('value', element, value) as number | null;
  return {
    length: () => instance.tableSize(index),
    get: (at) => references.lift(element, instance.tableGet(index, at)),
    set: (at, value) => instance.tableSet(index, at, lower(value), element),
    grow: (elements, value) => instance.tableGrow(index, elements, lower(value), element),
  };
}

/** Hidden from users, so that only this package makes a table of a place. */
class Bound {
  constructor(
    readonly element: Element,
    readonly bound: TablePlace,
  ) {}
}

/**
 * A table of references: made by the host to be imported, or exported by a guest.
 *
 * A table of `externref` holds any values of JavaScript with their identity. A table of `funcref` holds functions of the instance that it
 * belongs to, what `hostFunction` returned for declared types, and null; functions come out as callable values, exported ones as those of
 * `instance.exports`.
 *
 * One that the host made belongs to the first instance that imports it and follows that instance from then on: it is busy while the guest
 * runs and closed with it. An instantiation that fails leaves it as it was before.
 *
 * @example
 * const table = new Table({ element: 'funcref', min: 1 }, hostFunction(Math.abs, { params: ['f64'], results: ['f64'] }));
 * const instance = await module.instantiate({ imports: { env: { table } } });
 */
export class Table {
  /** What it holds. */
  readonly element: Element;
  readonly #ownership: Ownership<TablePlace, HeldElements>;

  /**
   * @param type `element`: `'funcref'` or `'externref'`; `min`: elements that it begins with, 0 … 10,000,000; `max`: most elements that it
   *   may grow to, default none. The instance's `limits.tableElements` holds besides.
   * @param initial what the elements begin with. Default: null for `funcref`, undefined for `externref`
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`
   */
  constructor(type: TableType, initial?: unknown) {
    if (type instanceof Bound) {
      this.element = type.element;
      this.#ownership = new Ownership(type);
      return;
    }
    const { element, min, max } = readTable('type', type, TYPE);
    if (max !== undefined && max < min) throw outOfRange('type.max', `at least type.min, ${min}`, max);
    this.element = element;
    const value = readHeldValue('initial', element, orDefault(element, initial));
    this.#ownership = new Ownership({ held: new HeldElements(element, min, max, value) });
  }

  /** @internal */
  static of(element: Element, place: TablePlace): Table {
    return new Table(new Bound(element, place) as unknown as TableType);
  }

  /** @internal */
  static ownership(table: Table): Ownership<TablePlace, HeldElements> {
    return table.#ownership;
  }

  /** Number of elements. */
  get length(): number {
    return this.#ownership.place.length();
  }

  /** @throws `ERR_OUT_OF_RANGE` outside of the table */
  get(index: number): Value {
    const { place } = this.#ownership;
    return place.get(checkIndex(index, place));
  }

  /**
   * @param value default: null for `funcref`, undefined for `externref`
   * @throws `ERR_OUT_OF_RANGE` outside of the table, `ERR_INVALID_ARG_TYPE` for what the table does not hold
   */
  set(index: number, value?: unknown): void {
    const { place } = this.#ownership;
    place.set(checkIndex(index, place), orDefault(this.element, value));
  }

  /**
   * Adds elements that are all `value` and returns how many there were before.
   *
   * @throws `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`
   * @throws {AingleWasmError} `ERR_TABLE_LIMIT` beyond the maximum and the instance's limit, `ERR_OUT_OF_MEMORY`
   */
  grow(by: number, value?: unknown): number {
    return this.#ownership.place.grow(checkInteger('by', by, 0, 2 ** 32 - 1), orDefault(this.element, value));
  }
}

function orDefault(element: Element, value: unknown): Value {
  return value === undefined ? defaultReference(element) : value;
}

function checkIndex(index: unknown, place: TablePlace): number {
  const length = place.length();
  if (length === 0 && typeof index === 'number') throw outOfRange('index', 'none: the table is empty', index);
  return checkInteger('index', index, 0, length - 1);
}

/** The elements of a table that belongs to no instance. */
export class HeldElements implements TablePlace {
  readonly element: Element;
  readonly max: number | undefined;
  readonly #elements: Value[];

  constructor(element: Element, min: number, max: number | undefined, value: Value) {
    this.element = element;
    this.max = max;
    this.#elements = new Array<Value>(min).fill(value);
  }

  get elements(): readonly Value[] {
    return this.#elements;
  }

  length(): number {
    return this.#elements.length;
  }

  get(index: number): Value {
    return this.#elements[index];
  }

  set(index: number, value: unknown): void {
    this.#elements[index] = readHeldValue('value', this.element, value);
  }

  grow(elements: number, value: unknown): number {
    const held = readHeldValue('value', this.element, value);
    const former = this.#elements.length;
    const limit = Math.min(this.max ?? MAX_ELEMENTS, MAX_ELEMENTS);
    if (former + elements > limit) throw createError('ERR_TABLE_LIMIT', 'call', { limit, value: former + elements });
    for (let added = 0; added < elements; added++) this.#elements.push(held);
    return former;
  }
}
