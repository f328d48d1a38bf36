// What `instance.exports` is made of. What a module exports twice is one object, and what it exports of the host's is the host's.
import type { BackendInstance, Ended, ModuleInfoJson, RawValue } from './backend/backend';
import { callsObserved } from './diagnostics';
import { Global, globalOf } from './global';
import type { Memory } from './memory';
import type { References } from './references';
import { Table, tableOf } from './table';
import type { ExportDescriptor, FunctionType } from './types';
import { isPlain, unwrapResults } from './values';

type Callable = (...args: unknown[]) => unknown;

// biome-ignore lint/suspicious/noExplicitAny: what a guest exports is known at run time only
export type Exports = Readonly<Record<string, any>>;

/** The host's objects that a module imports, by their index in the module. */
export interface ImportedObjects {
  readonly memory: Memory | undefined;
  readonly tables: readonly Table[];
  readonly globals: readonly Global[];
}

export class BoundExports {
  /** Without prototype. */
  readonly object: Exports;
  /** By position among the exports. */
  readonly functions = new Map<number, Callable>();
  readonly #instance: BackendInstance;
  readonly #references: References;
  readonly #bound: Record<ExportDescriptor['kind'], Map<number, unknown>>;
  readonly #memory: Memory;
  readonly #ended: (name: string, callee: () => Callable) => Ended;
  /** Number of the next exported global, see `BackendInstance.globalGet`. */
  #global: number;

  constructor(
    info: ModuleInfoJson,
    instance: BackendInstance,
    memory: Memory,
    imported: ImportedObjects,
    references: References,
    ended: (name: string, callee: () => Callable) => Ended,
  ) {
    this.#ended = ended;
    this.#instance = instance;
    this.#references = references;
    this.#memory = memory;
    this.#bound = {
      function: new Map(),
      memory: new Map(),
      table: new Map(imported.tables.entries()),
      global: new Map(imported.globals.entries()),
    };
    this.#global = imported.globals.length;
    const object: Record<string, unknown> = Object.create(null);
    for (const [position, item] of info.exports.entries()) {
      object[item.name] = this.#bind(item, position, info.exportIndices[position]!);
    }
    this.object = Object.freeze(object);
  }

  #bind(item: ExportDescriptor, position: number, index: number): unknown {
    const bound = this.#bound[item.kind];
    const number = item.kind === 'global' ? this.#global++ : index;
    if (!bound.has(index)) bound.set(index, this.#make(item, position, number));
    return bound.get(index);
  }

  #make(item: ExportDescriptor, position: number, number: number): unknown {
    switch (item.kind) {
      case 'function':
        return this.#function(item.name, item.type, position);
      case 'memory':
        return this.#memory;
      case 'table': {
        const { element } = item.type;
        return Table.of(element, tableOf(this.#instance, number, element, this.#references));
      }
      case 'global': {
        const { type } = item;
        return Global.of(type, globalOf(this.#instance, number, type.value, this.#references));
      }
    }
  }

  #function(name: string, type: FunctionType, position: number): Callable {
    const ended = this.#ended(name, () => callable);
    const callable: Callable = isPlain(type)
      ? (this.#instance.exportFunction(name, type, ended) as Callable)
      : this.#withReferences(name, type, ended);
    this.functions.set(position, callable);
    this.#references.own(position, callable);
    return callable;
  }

  #withReferences(name: string, type: FunctionType, ended: Ended): Callable {
    const [instance, references] = [this.#instance, this.#references];
    return (...args) => {
      const raws = references.lowerArguments(name, type, args);
      let results: RawValue[];
      try {
        results = instance.invokeSync(name, raws);
      } catch (thrown) {
        return ended(thrown);
      }
      if (callsObserved()) ended();
      return unwrapResults(references.liftAll(type.results, results));
    };
  }
}
