// Matches a module's imports with what the user gives: `imports` and `host` of the instance options.
import type { ModuleInfoJson, ResolvedHostFunction } from './backend/backend';
import { createError, invalidType, invalidValue } from './errors/error';
import type { ImportProblem } from './errors/messages';
import { BYTES_TYPE, isBytesType } from './exports';
import { envelopeCall, numericCall } from './host-call';
import { HostFunction } from './host-function';
import { plainObject } from './options/table';
import { suggest } from './suggest';
import type { EnvelopeHostFunction, FunctionType, ImportDescriptor, NumericHostFunction } from './types';
import { formatType, requireCarried, sameType } from './values';

/** Import module of host functions of bytes. */
const HOST_MODULE = 'env';
/** Import module that every backend provides by itself. */
const SYSTEM_MODULE = 'aingle_v1';

const SYSTEM_FUNCTIONS: Readonly<Record<string, FunctionType>> = {
  crc32: { params: ['i32', 'i32'], results: ['i32'] },
  panic: { params: ['i32', 'i32'], results: [] },
};

type Given = { readonly numeric: NumericHostFunction | HostFunction } | { readonly envelope: EnvelopeHostFunction };
type GivenModules = ReadonlyMap<string, ReadonlyMap<string, Given>>;

/**
 * One resolved host function for each function import, in the module's order; those of `aingle_v1` excepted.
 *
 * @throws `ERR_IMPORT_MISSING` or `ERR_IMPORT_TYPE` with all problems at once; the first where at least one import is missing
 * @throws TypeErrors for `imports` and `host` that are no objects of functions
 */
export function linkImports(info: ModuleInfoJson, imports: unknown, host: unknown): ResolvedHostFunction[] {
  const given = readGiven(imports, host);
  const resolved: ResolvedHostFunction[] = [];
  const problems: ImportProblem[] = [];
  for (const wanted of info.imports) {
    const linked = wanted.module === SYSTEM_MODULE ? linkSystem(wanted) : linkOne(wanted, given);
    if (linked === undefined) continue;
    if ('expected' in linked) problems.push(linked);
    else resolved.push(linked);
  }
  if (problems.length > 0) throw linkError(problems);
  return resolved;
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
      new Map(entries(`imports.${module}`, functions).map(([name, fn]) => [name, readNumeric(module, name, fn)])),
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

function readNumeric(module: string, name: string, fn: unknown): Given {
  if (typeof fn !== 'function' && !(fn instanceof HostFunction)) {
    throw invalidType(`imports.${module}.${name}`, 'a function, or what hostFunction returned', fn);
  }
  return { numeric: fn as NumericHostFunction | HostFunction };
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

function linkOne(wanted: ImportDescriptor, given: GivenModules): ResolvedHostFunction | ImportProblem {
  const module = given.get(wanted.module);
  const found = module?.get(wanted.name);
  if (found === undefined) return missing(wanted, module?.keys() ?? [], given);
  if (wanted.kind !== 'function') return mismatch(wanted, 'a function');
  requireCarried(wanted.type, 'link');
  return 'envelope' in found
    ? linkEnvelope(wanted, wanted.type, found.envelope)
    : linkNumeric(wanted, wanted.type, found.numeric);
}

function linkEnvelope(
  { module, name, ...wanted }: ImportDescriptor,
  type: FunctionType,
  fn: EnvelopeHostFunction,
): ResolvedHostFunction | ImportProblem {
  if (!isBytesType(type)) return mismatch({ module, name, ...wanted }, formatType(BYTES_TYPE));
  return { module, name, type, cost: 0n, kind: 'envelope', call: envelopeCall(fn) };
}

function linkNumeric(
  { module, name, ...wanted }: ImportDescriptor,
  type: FunctionType,
  given: NumericHostFunction | HostFunction,
): ResolvedHostFunction | ImportProblem {
  if (typeof given === 'function')
    return { module, name, type, cost: 0n, kind: 'numeric', call: numericCall(given, type, false) };
  const declared = { params: [...(given.params ?? type.params)], results: [...(given.results ?? type.results)] };
  if (!sameFunction(declared, type)) return mismatch({ module, name, ...wanted }, formatType(declared));
  return {
    module,
    name,
    type,
    cost: BigInt(given.cost),
    kind: 'numeric',
    call: numericCall(given.call, type, given.context),
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

function formatExtern(wanted: ImportDescriptor): string {
  return wanted.kind === 'function' ? formatType(wanted.type) : `a ${wanted.kind}`;
}
