// The tables of one guest in the hands of its host.
import { createError } from '../../errors/error';
import type { TableType } from '../../types';
import type { ModuleInfoJson, RawValue } from '../backend';
import { type FunctionNumbers, toEngine } from './crossing';
import type { GuestOptions } from './guest';
import { RESERVED } from './names';

export class V8Tables {
  /** All of the module, by index; none if the module neither imports nor exports one. */
  readonly #tables: readonly WebAssembly.Table[];
  readonly #externs: readonly WebAssembly.Global<'externref'>[];
  /** By index, of those that cross. */
  readonly #maximums: ReadonlyMap<number, number>;
  readonly #limit: number;
  readonly #numbers: FunctionNumbers;

  constructor(
    info: ModuleInfoJson,
    { tables, limits }: GuestOptions,
    exports: WebAssembly.Exports,
    cap: number,
    numbers: FunctionNumbers,
  ) {
    this.#tables = shown(exports, RESERVED.table);
    this.#externs = shown(exports, RESERVED.extern);
    this.#limit = limits.tableElements;
    this.#numbers = numbers;
    const exported = info.exports.flatMap((item, position) =>
      item.kind === 'table' ? [[info.exportIndices[position]!, Math.min(item.type.max ?? cap, cap)] as const] : [],
    );
    const imported = tables.map(({ max }, index) => [index, max] as const);
    this.#maximums = new Map([...exported, ...imported]);
  }

  size(table: number): number {
    return this.#tables[table]!.length;
  }

  get(table: number, index: number): RawValue {
    const value = this.#tables[table]!.get(index);
    return typeof value === 'function' ? this.#numbers.numberOf(value) : (value as RawValue);
  }

  set(table: number, index: number, value: number | null, element: TableType['element']): void {
    this.#tables[table]!.set(index, toEngine([element], [value], this.#numbers)[0]);
  }

  /** @throws {AingleWasmError} `ERR_TABLE_LIMIT`, `ERR_OUT_OF_MEMORY` if V8 refuses below the limits */
  grow(table: number, elements: number, value: number | null, element: TableType['element']): number {
    const all = this.#tables.reduce((sum, { length }) => sum + length, 0);
    this.#require(all + elements, this.#limit);
    this.#require(this.size(table) + elements, this.#maximums.get(table)!);
    try {
      return this.#tables[table]!.grow(elements, toEngine([element], [value], this.#numbers)[0]);
    } catch {
      const details = { resource: "growth of a guest's table", limit: 0, value: elements };
      throw createError('ERR_OUT_OF_MEMORY', 'call', details);
    }
  }

  /** Numbers of the host's values in tables and globals. */
  heldExterns(): { held: number[]; seen: number } {
    const places: unknown[] = this.#externs.map(({ value }) => value);
    for (const table of this.#tables) {
      for (let at = 0; at < table.length; at++) {
        const value = table.get(at);
        // A table of functions holds nothing else.
        if (typeof value === 'function') break;
        places.push(value);
      }
    }
    return { held: places.filter((value) => typeof value === 'number'), seen: places.length };
  }

  #require(value: number, limit: number): void {
    if (value > limit) throw createError('ERR_TABLE_LIMIT', 'call', { limit, value });
  }
}

/** What is exported under a prefix and the numbers from 0 on. */
function shown<T>(exports: WebAssembly.Exports, prefix: string): T[] {
  const found: T[] = [];
  for (let item = exports[`${prefix}0`]; item !== undefined; item = exports[prefix + found.length]) {
    found.push(item as T);
  }
  return found;
}
