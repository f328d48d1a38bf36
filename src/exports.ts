// Looking up exported functions of a module.
import type { ModuleInfoJson } from './backend/backend';
import { type AingleWasmError, createError } from './errors/error';
import { suggest } from './suggest';
import type { FunctionType } from './types';
import { formatType, sameType } from './values';

/** The type of `call`: pointer and length in, both packed out. */
export const BYTES_TYPE: FunctionType = { params: ['i32', 'i32'], results: ['i64'] };

/**
 * The type of the exported function `name`.
 *
 * @throws `ERR_EXPORT_NOT_FOUND` with near names
 */
export function requireFunction(info: ModuleInfoJson, name: string): FunctionType {
  const type = findFunction(info, name);
  if (type === undefined) throw notFound(info, name, () => true);
  return type;
}

/**
 * Checks that the module exports a function `name` that takes and returns bytes, `(i32, i32) -> (i64)`.
 *
 * @throws `ERR_EXPORT_NOT_FOUND` with near names of that type
 */
export function requireBytesFunction(info: ModuleInfoJson, name: string): void {
  const type = findFunction(info, name);
  if (type === undefined || !isBytesType(type)) throw notFound(info, name, isBytesType, formatType(BYTES_TYPE));
}

/** The error for an input that finds no place: the guest exports none of the allocators of docs/abi.md. */
export function noAllocator(info: ModuleInfoJson): AingleWasmError {
  return notFound(info, 'malloc', () => true, '(i32) -> (i32)');
}

export function isBytesType(type: FunctionType): boolean {
  return sameType(type.params, BYTES_TYPE.params) && sameType(type.results, BYTES_TYPE.results);
}

/** Types of a module's exported functions by name, made on the first question. */
const functionsOf = new WeakMap<ModuleInfoJson, ReadonlyMap<string, FunctionType>>();

export function findFunction(info: ModuleInfoJson, name: string): FunctionType | undefined {
  return functions(info).get(name);
}

function functions(info: ModuleInfoJson): ReadonlyMap<string, FunctionType> {
  let found = functionsOf.get(info);
  if (found === undefined) {
    found = new Map(info.exports.flatMap((item) => (item.kind === 'function' ? [[item.name, item.type]] : [])));
    functionsOf.set(info, found);
  }
  return found;
}

function notFound(info: ModuleInfoJson, name: string, fits: (type: FunctionType) => boolean, expected?: string) {
  const candidates = [...functions(info)].flatMap(([candidate, type]) => (fits(type) ? [candidate] : []));
  const near = suggest(
    name,
    candidates.filter((candidate) => candidate !== name),
  );
  return createError(
    'ERR_EXPORT_NOT_FOUND',
    'call',
    expected === undefined ? { name, near } : { name, expected, near },
  );
}
