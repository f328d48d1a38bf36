// Matches a module's imports with what the user gives: `imports` and `host` of the instance options.
import type { ModuleInfoJson, ResolvedGlobal, ResolvedHostFunction, ResolvedMemory } from './backend/backend';
import { createError, invalidType, invalidValue } from './errors/error';
import type { ImportProblem } from './errors/messages';
import { BYTES_TYPE, isBytesType } from './exports';
import { formatExtern, formatGlobal, formatMemory } from './extern';
import { Global, globalOf } from './global';
import { envelopeCall, numericCall } from './host-call';
import type { Face } from './host-context';
import { HostFunction } from './host-function';
import { type HeldBytes, Memory, memoryOf } from './memory';
import { plainObject } from './options/table';
import type { Claim } from './ownership';
import { suggest } from './suggest';
import type {
  EnvelopeHostFunction,
  FunctionType,
  GlobalType,
  ImportDescriptor,
  MemoryType,
  NumericHostFunction,
} from './types';
import { formatType, requireCarried, sameType } from './values';

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
  | { readonly global: Global };
type GivenModules = ReadonlyMap<string, ReadonlyMap<string, Given>>;

/** What a module's imports resolve to. */
export interface Linked {
  /** In the order of the module's function imports; those of `aingle_v1` excepted. */
  readonly hostFunctions: ResolvedHostFunction[];
  readonly memories: ResolvedMemory[];
  /** In the order of the module's global imports. */
  readonly globals: ResolvedGlobal[];
  /** The memory that the instance will have, if it is the host's. */
  memory: Memory | undefined;
  /** Lets the instance that is about to be made have the host's objects. */
  claim(): Claim[];
}

/**
 * Links every import, without taking anything yet.
 *
 * @param memoryPages pages that no memory of the engine may pass
 * @param face the instance as host functions will see it
 * @throws `ERR_IMPORT_MISSING` or `ERR_IMPORT_TYPE` with all problems at once; the first where at least one import is missing
 * @throws TypeErrors for `imports` and `host` that are no objects of what can be imported
 */
export function linkImports(
  info: ModuleInfoJson,
  imports: unknown,
  host: unknown,
  memoryPages: number,
  face: Face,
): Linked {
  const linking = new Linking(readGiven(imports, host), memoryPages, face);
  for (const wanted of info.imports) linking.add(wanted);
  if (linking.problems.length > 0) throw linkError(linking.problems);
  return linking;
}

class Linking implements Linked {
  readonly hostFunctions: ResolvedHostFunction[] = [];
  readonly memories: ResolvedMemory[] = [];
  readonly globals: ResolvedGlobal[] = [];
  readonly problems: ImportProblem[] = [];
  memory: Memory | undefined;
  readonly #given: GivenModules;
  readonly #memoryPages: number;
  readonly #face: Face;
  /** Mutable globals with the import that each is given to: one variable cannot be two. */
  readonly #variables = new Map<Global, { readonly name: string; readonly number: number }>();

  constructor(given: GivenModules, memoryPages: number, face: Face) {
    this.#given = given;
    this.#memoryPages = memoryPages;
    this.#face = face;
  }

  claim(): Claim[] {
    const claims = [...this.#variables].map(([global, { number }]) =>
      Global.ownership(global).claim((instance) => globalOf(instance, number)),
    );
    if (this.memory !== undefined) claims.push(Memory.ownership(this.memory).claim(memoryOf));
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
    if (wanted.kind === 'global' && 'global' in found) return this.#global(wanted, wanted.type, found.global);
    return mismatch(wanted, describeGiven(found));
  }

  #function(wanted: ImportDescriptor, type: FunctionType, found: Given): ImportProblem | undefined {
    requireCarried(type, 'link');
    if ('memory' in found || 'global' in found) return mismatch(wanted, describeGiven(found));
    const linked =
      'envelope' in found
        ? linkEnvelope(wanted, type, found.envelope, this.#face)
        : linkNumeric(wanted, type, found.numeric, this.#face);
    if ('expected' in linked) return linked;
    this.hostFunctions.push(linked);
    return undefined;
  }

  #memory(wanted: ImportDescriptor, type: MemoryType, memory: Memory): ImportProblem | undefined {
    const { held } = Memory.ownership(memory);
    if (held === undefined) return mismatch(wanted, 'a memory that belongs to another instance');
    if (!memoryFits(type, held)) return mismatch(wanted, formatMemory({ min: held.pages(), max: held.max }));
    const max = Math.min(held.max ?? this.#memoryPages, this.#memoryPages);
    const { module, name } = wanted;
    this.memory = memory;
    this.memories.push({ module, name, pages: held.pages(), max, contents: held.contents });
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
    const value = Global.ownership(global).place.get();
    this.globals.push({ module, name, type, value });
    return undefined;
  }

  #variable(wanted: ImportDescriptor, global: Global): ImportProblem | undefined {
    const name = JSON.stringify([wanted.module, wanted.name]);
    const former = this.#variables.get(global);
    if (former !== undefined && former.name !== name) return mismatch(wanted, 'a global that has another name already');
    if (Global.ownership(global).held === undefined)
      return mismatch(wanted, 'a global that belongs to another instance');
    if (former === undefined) this.#variables.set(global, { name, number: this.globals.length });
    return undefined;
  }
}

/** A memory fits if it is at least as large as is asked for, and cannot outgrow what is asked for. */
function memoryFits({ min, max }: MemoryType, held: HeldBytes): boolean {
  return held.pages() >= min && (max === undefined || (held.max !== undefined && held.max <= max));
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
  if (item instanceof Global) return { global: item };
  if (typeof item !== 'function' && !(item instanceof HostFunction)) {
    throw invalidType(
      `imports.${module}.${name}`,
      'a function, what hostFunction returned, a Memory or a Global',
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
  face: Face,
): ResolvedHostFunction | ImportProblem {
  if (typeof given === 'function')
    return { module, name, type, cost: 0n, kind: 'numeric', call: numericCall(given, type, false, face) };
  const declared = { params: [...(given.params ?? type.params)], results: [...(given.results ?? type.results)] };
  if (!sameFunction(declared, type)) return mismatch({ module, name, ...wanted }, formatType(declared));
  return {
    module,
    name,
    type,
    cost: BigInt(given.cost),
    kind: 'numeric',
    call: numericCall(given.call, type, given.context, face),
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
  return 'global' in given ? formatGlobal(given.global.type) : 'a function';
}
