// The import object of an instance: the user's host functions and objects, and the functions of `aingle_v1`.
import { AingleWasmError } from '../../errors/error';
import { hostFailure, promiseReturned } from '../../host-call';
import { isPlain } from '../../values';
import type {
  EnvelopeHost,
  ModuleInfoJson,
  NumericHost,
  RawValue,
  ResolvedHostFunction,
  ResolvedMemory,
  ResolvedTable,
} from '../backend';
import { fromEngine, toEngine } from './crossing';
import { type GlobalCell, type MadeGlobal, makeGlobal } from './globals';
import type { GuestOptions } from './guest';
import type { HostCalls } from './host-calls';
import { CRC32_FUEL_SHIFT, SYSTEM_MODULE } from './names';
import type { V8References } from './references';

// biome-ignore lint/suspicious/noExplicitAny: the parameters' types are the import's
type ImportedFunction = (...args: any[]) => RawValue | readonly RawValue[] | undefined;

/** Every import of the module by module and name. The facade has matched names and types. */
export class ImportObject {
  readonly object: WebAssembly.Imports = Object.create(null);
  /** The host's globals, in the order of the module's global imports. */
  readonly globals: GlobalCell[] = [];

  constructor(
    info: ModuleInfoJson,
    { hostFunctions, memories, tables, globals, references: given }: GuestOptions,
    calls: HostCalls,
    references: V8References,
  ) {
    for (const host of given) references.add(host, numeric(host, calls, references));
    for (const host of hostFunctions) this.#add(host, imported(host, calls, references));
    for (const memory of memories) this.#add(memory, makeMemory(memory));
    for (const table of tables) this.#addOnce(table, () => makeTable(table, references));
    const made = new Map<unknown, MadeGlobal>();
    for (const global of globals) {
      const extern = this.#addOnce(global, () => {
        const fresh = makeGlobal(global, references);
        made.set(fresh.extern, fresh);
        return fresh.extern;
      });
      this.globals.push(made.get(extern)!.cell);
    }
    for (const item of info.imports) {
      if (item.module === SYSTEM_MODULE) this.#add(item, SYSTEM[item.name]!(calls));
    }
  }

  #add({ module, name }: ImportName, item: unknown): void {
    this.#namesOf(module)[name] = item;
  }

  /** An object that is imported twice is one. */
  #addOnce({ module, name }: ImportName, make: () => unknown): unknown {
    const names = this.#namesOf(module);
    names[name] ??= make();
    return names[name];
  }

  #namesOf(module: string): Record<string, unknown> {
    this.object[module] ??= Object.create(null) as Record<string, unknown>;
    return this.object[module];
  }
}

interface ImportName {
  readonly module: string;
  readonly name: string;
}

function makeTable({ element, min, max, contents }: ResolvedTable, references: V8References): WebAssembly.Table {
  const type = { element: element === 'funcref' ? 'anyfunc' : element, initial: min, maximum: max } as const;
  const table = new WebAssembly.Table(type, null);
  for (const [index, value] of contents.entries()) table.set(index, toEngine([element], [value], references)[0]);
  return table;
}

function makeMemory({ pages, max, contents }: ResolvedMemory): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: max });
  new Uint8Array(memory.buffer).set(contents);
  return memory;
}

function imported(host: ResolvedHostFunction, calls: HostCalls, references: V8References): ImportedFunction {
  return host.kind === 'numeric' ? numeric(host, calls, references) : envelope(host, calls);
}

/** A host function of core values, as the guest calls it. */
export function numeric(host: NumericHost, calls: HostCalls, references: V8References): ImportedFunction {
  return isPlain(host.type) ? plain(host, calls) : withReferences(host, calls, references);
}

/** Vectors and references are converted around what a plain function does. */
function withReferences(host: NumericHost, calls: HostCalls, references: V8References): ImportedFunction {
  const { params, results } = host.type;
  const call: NumericHost['call'] = (args, scope) => {
    const returned = host.call(fromEngine(params, args, references), scope);
    // A promise ends the call as it is.
    return returned instanceof Promise ? returned : (toEngine(results, returned, references) as RawValue[]);
  };
  return plain({ ...host, call }, calls, results.length > 1 || results[0] === 'v128');
}

function plain(host: NumericHost, calls: HostCalls, several = host.type.results.length > 1): ImportedFunction {
  const { cost, name } = host;
  return (...args) => {
    calls.enter(name, cost);
    let results: readonly RawValue[];
    // Here and not in a function that is handed a closure: that took a quarter of a host call's time.
    try {
      results = atOnce(host.call(args, calls));
    } catch (thrown) {
      throw calls.fail(hostFailure(name, thrown));
    }
    calls.leave();
    return several ? results : results[0];
  };
}

function envelope(host: EnvelopeHost, calls: HostCalls): ImportedFunction {
  const { cost, name } = host;
  return (ptr: number, len: number) => {
    calls.enter(name, cost);
    const input = calls.convention.takeArgument(ptr >>> 0, len >>> 0);
    if (input instanceof AingleWasmError) throw calls.fail(input);
    let reply: Uint8Array;
    try {
      reply = atOnce(host.call(input, calls));
    } catch (thrown) {
      throw calls.fail(hostFailure(name, thrown));
    }
    calls.leave();
    const packed = calls.convention.reply(reply);
    if (packed instanceof AingleWasmError) throw calls.fail(packed);
    return packed;
  };
}

/** What a host function gives. @throws in place of a promise, which nothing can wait for here */
function atOnce<T>(given: T | Promise<T>): T {
  if (given instanceof Promise) throw promiseReturned(given);
  return given;
}

const SYSTEM: Readonly<Record<string, (calls: HostCalls) => ImportedFunction>> = {
  crc32: (calls) => (ptr: number, len: number) => {
    const length = len >>> 0;
    calls.chargeGuest(length >>> CRC32_FUEL_SHIFT);
    const checksum = calls.convention.checksum(ptr >>> 0, length);
    if (checksum instanceof AingleWasmError) throw calls.fail(checksum);
    return checksum;
  },
  panic: (calls) => (ptr: number, len: number) => {
    calls.reportPanic(ptr >>> 0, len >>> 0);
    return undefined;
  },
};
