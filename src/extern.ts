// What imports and exports are, in words: for messages, the same on every backend.
import type { ExternDescriptor, GlobalType } from './types';
import { formatType } from './values';

/** `(i32) -> (i64)`, `a memory of 1 to 2 pages`, `a mutable global of type i32`, `a table of 1 or more elements of type funcref`. */
export function formatExtern(wanted: ExternDescriptor): string {
  switch (wanted.kind) {
    case 'function':
      return formatType(wanted.type);
    case 'memory':
      return formatMemory(wanted.type);
    case 'global':
      return formatGlobal(wanted.type);
    case 'table':
      return formatTable(wanted.type);
  }
}

export function formatMemory({ min, max }: { min: number; max?: number | undefined }): string {
  return `a memory of ${min} ${max === undefined ? 'or more' : `to ${max}`} pages`;
}

export function formatTable({ element, min, max }: { element: string; min: number; max?: number | undefined }): string {
  return `a table of ${min} ${max === undefined ? 'or more' : `to ${max}`} elements of type ${element}`;
}

export function formatGlobal({ value, mutable }: GlobalType): string {
  return `a ${mutable ? 'mutable' : 'constant'} global of type ${value}`;
}
