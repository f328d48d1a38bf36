// Matches a module's imports with what the user gives: `imports` and `host` of the instance options.
import type {
  ModuleInfoJson,
  RawValue,
  ResolvedGlobal,
  ResolvedHostFunction,
  ResolvedMemory,
  ResolvedTable,
} from './backend/backend';
import type { ImportedObjects } from './bound-exports';
import { createError, invalidType, invalidValue } from './errors/error';
import type { ImportProblem } from './errors/messages';
import { BYTES_TYPE, isBytesType } from './exports';
import { formatExtern, formatGlobal, formatMemory, formatTable } from './extern';
import { Global, globalOf } from './global';
import { envelopeCall, numericCall, referenceCall } from './host-call';
import type { Face } from './host-context';
import { HostFunction } from './host-function';
import { type HeldBytes, Memory, memoryOf } from './memory';
import { plainObject } from './options/table';
import type { Claim } from './ownership';
import type { References } from './references';
import { suggest } from './suggest';
import { type HeldElements, Table, tableOf } from './table';
import type {
  EnvelopeHostFunction,
  FunctionType,
  GlobalType,
  ImportDescriptor,
  MemoryType,
  NumericHostFunction,
  TableType,
  ValueType,
} from './types';
import { formatType, isPlain, sameType } from './values';

/** Import module of host functions of bytes. */
const HOST_MODULE = 'env';
/** Import module that every backend provides by itself. */
const SYSTEM_MODULE = 'aingle_v1';

const SYSTEM_FUNCTIONS: Readonly<Record<string, FunctionType>> = {
  crc32: { params: ['i32', 'i32'], results: ['i32'] },
  panic: { params: ['i32', 'i32'], results: [] },
};

type Numeric = NumericHostFunction | HostFunction;
type Given =
  | { readonly numeric: Numeric }
  | { readonly envelope: EnvelopeHostFunction }
  | { readonly memory: Memory }
  | { readonly table: Table }
  | { readonly global: Global };
type GivenModules = ReadonlyMap<string, ReadonlyMap<string, Given>>;

/** What a module's imports resolve to. */
export interface Linked {
  /** In the order of the module's function imports; those of `aingle_v1` excepted. */
  readonly hostFunctions: ResolvedHostFunction[];
  readonly memories: ResolvedMemory[];
  /** In the order of the module's table imports. */
  readonly tables: ResolvedTable[];
  /** Elements of those tables beyond what the module asks for. */
  readonly extraElements: number;
  /** In the order of the module's global imports. */
  readonly globals: ResolvedGlobal[];
  /** The objects themselves. */
  readonly imported: ImportedObjects;
  /** Lets the instance that is about to be made have the host's objects. */
  claim(): Claim[];
}

/**
 * Links every import, without taking anything yet.
 *
 * @param caps what no memory and no table of the engine may pass
 * @param references numbers what the host's tables and globals hold
 * @throws `ERR_IMPORT_MISSING` or `ERR_IMPORT_TYPE` with all problems at once; the first where at least one import is missing
 * @throws TypeErrors for `imports` and `host` that are no objects of what can be imported
 */
export function linkImports(
  info: ModuleInfoJson,
  imports: unknown,
  host: unknown,
  caps: Caps,
  references: References,
): Linked {
  const linking = new Linking(readGiven(imports, host), caps, references);
  for (const wanted of info.imports) linking.add(wanted);
  if (linking.problems.length > 0) throw linkError(linking.problems);
  return linking;
}

interface Caps {
  readonly memoryPages: number;
  readonly tableElements: number;
}

/** An object that one instance has to itself, with the import that it is given to: one variable cannot be two. */
interface Owned<T> {
  readonly object: T;
  readonly name: string;
  /** Index among the imports of its kind. */
  readonly index: number;
}

class Linking implements Linked {
  readonly hostFunctions: ResolvedHostFunction[] = [];
  readonly memories: ResolvedMemory[] = [];
  readonly tables: ResolvedTable[] = [];
  extraElements = 0;
  readonly globals: ResolvedGlobal[] = [];
  readonly problems: ImportProblem[] = [];
  readonly imported = { memory: undefined as Memory | undefined, tables: [] as Table[], globals: [] as Global[] };
  readonly #given: GivenModules;
  readonly #caps: Caps;
  readonly #references: References;
  /** Mutable globals. */
  readonly #variables = new Map<Global, Owned<Global>>();
  readonly #tables = new Map<Table, Owned<Table>>();

  constructor(given: GivenModules, caps: Caps, references: References) {
    this.#given = given;
    this.#caps = caps;
    this.#references = references;
  }

  claim(): Claim[] {
    const references = this.#references;
    const claims = [...this.#variables.values()].map(({ object, index }) =>
      Global.ownership(object).claim((instance) => globalOf(instance, index, object.type.value, references)),
    );
    for (const { object, index } of this.#tables.values()) {
      claims.push(Table.ownership(object).claim((instance) => tableOf(instance, index, object.element, references)));
    }
    const { memory } = this.imported;
    if (memory !== undefined) claims.push(Memory.ownership(memory).claim(memoryOf));
    return claims;
  }

  add(wanted: ImportDescriptor): void {
    const problem = wanted.module === SYSTEM_MODULE ? linkSystem(wanted) : this.#link(wanted);
    if (problem !== undefined) this.problems.push(problem);
  }

  #link(wanted: ImportDescriptor): ImportProblem | undefined {
    const module = this.#given.get(wanted.module);
    const found = module?.get(wanted.name);
    if (found === undefined) return missing(wanted, module?.keys() ?? [], this.#given);
    if (wanted.kind === 'function') return this.#function(wanted, wanted.type, found);
    if (wanted.kind === 'memory' && 'memory' in found) return this.#memory(wanted, wanted.type, found.memory);
    if (wanted.kind === 'table' && 'table' in found) return this.#table(wanted, wanted.type, found.table);
    if (wanted.kind === 'global' && 'global' in found) return this.#global(wanted, wanted.type, found.global);
    return mismatch(wanted, describeGiven(found));
  }

  #function(wanted: ImportDescriptor, type: FunctionType, found: Given): ImportProblem | undefined {
    if (!('envelope' in found || 'numeric' in found)) return mismatch(wanted, describeGiven(found));
    const linked =
      'envelope' in found
        ? linkEnvelope(wanted, type, found.envelope, this.#references.face)
        : linkNumeric(wanted, type, found.numeric, this.#references);
    if ('expected' in linked) return linked;
    this.hostFunctions.push(linked);
    return undefined;
  }

  #memory(wanted: ImportDescriptor, type: MemoryType, memory: Memory): ImportProblem | undefined {
    const { held } = Memory.ownership(memory);
    if (held === undefined) return mismatch(wanted, 'a memory that belongs to another instance');
    if (!memoryFits(type, held)) return mismatch(wanted, formatMemory({ min: held.pages(), max: held.max }));
    const max = Math.min(held.max ?? this.#caps.memoryPages, this.#caps.memoryPages);
    const { module, name } = wanted;
    this.imported.memory = memory;
    this.memories.push({ module, name, pages: held.pages(), max, contents: held.contents });
    return undefined;
  }

  #table(wanted: ImportDescriptor, type: TableType, table: Table): ImportProblem | undefined {
    const { held } = Table.ownership(table);
    const problem = this.#own(wanted, table, held, this.#tables, this.tables.length);
    if (problem !== undefined || held === undefined) return problem;
    const min = held.length();
    if (!tableFits(type, held)) return mismatch(wanted, formatTable({ element: held.element, min, max: held.max }));
    const max = Math.min(held.max ?? this.#caps.tableElements, this.#caps.tableElements);
    const contents = held.elements.map((value) => this.#lower(held.element, value) as number | null);
    const { module, name } = wanted;
    this.extraElements += min - type.min;
    this.imported.tables.push(table);
    this.tables.push({ module, name, element: held.element, min, max, contents: withoutNulls(contents) });
    return undefined;
  }

  #global(wanted: ImportDescriptor, type: GlobalType, global: Global): ImportProblem | undefined {
    if (type.value !== global.type.value || type.mutable !== global.type.mutable)
      return mismatch(wanted, formatGlobal(global.type));
    const { module, name } = wanted;
    if (type.mutable) {
      const problem = this.#variable(wanted, global);
      if (problem !== undefined) return problem;
    }
    const value = this.#lower(type.value, Global.ownership(global).place.get());
    this.imported.globals.push(global);
    this.globals.push({ module, name, type, value });
    return undefined;
  }

  #lower(type: ValueType, value: unknown): RawValue {
    return this.#references.lower('value', type, value);
  }

  #variable(wanted: ImportDescriptor, global: Global): ImportProblem | undefined {
    return this.#own(wanted, global, Global.ownership(global).held, this.#variables, this.globals.length);
  }

  /** Notes an object that one instance has to itself. */
  #own<T>(
    wanted: ImportDescriptor,
    object: T,
    held: unknown,
    owned: Map<T, Owned<T>>,
    index: number,
  ): ImportProblem | undefined {
    const name = JSON.stringify([wanted.module, wanted.name]);
    const former = owned.get(object);
    if (former !== undefined && former.name !== name)
      return mismatch(wanted, `a ${wanted.kind} that has another name already`);
    if (held === undefined) return mismatch(wanted, `a ${wanted.kind} that belongs to another instance`);
    if (former === undefined) owned.set(object, { object, name, index });
    return undefined;
  }
}

/** A memory fits if it is at least as large as is asked for, and cannot outgrow what is asked for. */
function memoryFits({ min, max }: MemoryType, held: HeldBytes): boolean {
  return held.pages() >= min && (max === undefined || (held.max !== undefined && held.max <= max));
}

/** A table fits if it holds what is asked for, and its size is one that is asked for. */
function tableFits({ element, min, max }: TableType, held: HeldElements): boolean {
  const sizes = held.length() >= min && (max === undefined || (held.max !== undefined && held.max <= max));
  return element === held.element && sizes;
}

/** The elements up to the last that is not null. */
function withoutNulls(contents: (number | null)[]): (number | null)[] {
  return contents.slice(0, contents.findLastIndex((value) => value !== null) + 1);
}

function linkError(problems: readonly ImportProblem[]) {
  const missing = problems.some((problem) => problem.actual === undefined);
  const imports = Object.freeze(problems.map((problem) => Object.freeze(problem)));
  return createError(missing ? 'ERR_IMPORT_MISSING' : 'ERR_IMPORT_TYPE', 'link', { imports });
}

function readGiven(imports: unknown, host: unknown): GivenModules {
  const modules = new Map<string, Map<string, Given>>();
  for (const [module, functions] of entries('imports', imports)) {
    if (module === SYSTEM_MODULE)
      throw invalidValue(`imports.${module}`, 'this module is provided by the engine', functions);
    modules.set(
      module,
      new Map(entries(`imports.${module}`, functions).map(([name, item]) => [name, readImport(module, name, item)])),
    );
  }
  const env = modules.get(HOST_MODULE) ?? new Map<string, Given>();
  for (const [name, fn] of entries('host', host)) {
    if (typeof fn !== 'function') throw invalidType(`host.${name}`, 'a function', fn);
    if (env.has(name)) throw invalidValue(`host.${name}`, `imports.${HOST_MODULE} has the same name; give it once`, fn);
    env.set(name, { envelope: fn as EnvelopeHostFunction });
  }
  return modules.set(HOST_MODULE, env);
}

function readImport(module: string, name: string, item: unknown): Given {
  if (item instanceof Memory) return { memory: item };
  if (item instanceof Table) return { table: item };
  if (item instanceof Global) return { global: item };
  if (typeof item !== 'function' && !(item instanceof HostFunction)) {
    throw invalidType(
      `imports.${module}.${name}`,
      'a function, what hostFunction returned, a Memory, a Table or a Global',
      item,
    );
  }
  return { numeric: item as Numeric };
}

function entries(option: string, value: unknown): [string, unknown][] {
  return value === undefined ? [] : Object.entries(plainObject(option, value));
}

function linkSystem(wanted: ImportDescriptor): ImportProblem | undefined {
  const provided = Object.hasOwn(SYSTEM_FUNCTIONS, wanted.name) ? SYSTEM_FUNCTIONS[wanted.name] : undefined;
  if (provided === undefined) return missing(wanted, Object.keys(SYSTEM_FUNCTIONS));
  return wanted.kind === 'function' && sameFunction(wanted.type, provided)
    ? undefined
    : mismatch(wanted, formatType(provided));
}

function linkEnvelope(
  { module, name, ...wanted }: ImportDescriptor,
  type: FunctionType,
  fn: EnvelopeHostFunction,
  face: Face,
): ResolvedHostFunction | ImportProblem {
  if (!isBytesType(type)) return mismatch({ module, name, ...wanted }, formatType(BYTES_TYPE));
  return { module, name, type, cost: 0n, kind: 'envelope', call: envelopeCall(fn, face) };
}

function linkNumeric(
  { module, name, ...wanted }: ImportDescriptor,
  type: FunctionType,
  given: NumericHostFunction | HostFunction,
  references: References,
): ResolvedHostFunction | ImportProblem {
  const call = (fn: NumericHostFunction, context: boolean) =>
    isPlain(type) ? numericCall(fn, type, context, references.face) : referenceCall(fn, type, context, references);
  if (typeof given === 'function') return { module, name, type, cost: 0n, kind: 'numeric', call: call(given, false) };
  const declared = { params: [...(given.params ?? type.params)], results: [...(given.results ?? type.results)] };
  if (!sameFunction(declared, type)) return mismatch({ module, name, ...wanted }, formatType(declared));
  return {
    module,
    name,
    type,
    cost: BigInt(given.cost),
    kind: 'numeric',
    call: call(given.call, given.context),
  };
}

function sameFunction(a: FunctionType, b: FunctionType): boolean {
  return sameType(a.params, b.params) && sameType(a.results, b.results);
}

/** Near names: of the same import module, then `module.name` of others. */
function missing(wanted: ImportDescriptor, names: Iterable<string>, given?: GivenModules): ImportProblem {
  const near = suggest(wanted.name, names);
  for (const [module, functions] of given ?? []) {
    if (near.length === 0 && module !== wanted.module && functions.has(wanted.name))
      near.push(`${module}.${wanted.name}`);
  }
  return { module: wanted.module, name: wanted.name, expected: formatExtern(wanted), near };
}

function mismatch(wanted: ImportDescriptor, actual: string): ImportProblem {
  return { module: wanted.module, name: wanted.name, expected: formatExtern(wanted), actual, near: [] };
}

function describeGiven(given: Given): string {
  if ('memory' in given) return 'a memory';
  if ('table' in given) return 'a table';
  return 'global' in given ? formatGlobal(given.global.type) : 'a function';
}
