// What a caller and a worker say to each other: kinds of messages, where their words are, how values and errors are written.
import type { ErrorCode, Phase } from '../../../errors/codes';
import { type AingleWasmError, createError } from '../../../errors/error';
import type { Details } from '../../../errors/messages';
import { type Origin, type RawFrames, trapFrames } from '../../../errors/trap-frame';
import type { FunctionType, TableType, ValueType } from '../../../types';
import type { ModuleInfoJson, RawValue, ResolvedHostFunction } from '../../backend';
import { halves, joined } from '../crossing';
import type { GuestOptions } from '../guest';
import type { Channel } from './channel';

export const Kind = {
  /** To the worker: prepare and compile a module. */
  compile: 0,
  /** Make a guest. */
  make: 1,
  /** Forget a guest. */
  drop: 2,
  /** Call a function of bytes. */
  bytes: 3,
  /** Call a function of core values. */
  values: 4,
  /** Call a function of bytes of the guest that waits in a host function. */
  nested: 5,
  memoryRead: 6,
  memoryWrite: 7,
  memoryGrow: 8,
  globalGet: 9,
  globalSet: 10,
  /** The host function that the worker waits for has returned, or failed. */
  returned: 11,
  refused: 12,
  /** From the worker: the request is done, or has failed. */
  done: 13,
  failed: 14,
  /** The guest calls a host function. */
  host: 15,
  /** To the worker: call what a reference stands for. */
  reference: 16,
  /** Do something with tables or references. */
  objects: 17,
} as const;

/** Words of a request; values follow. */
export const Ask = { tenant: 0, export: 1, fuel: 2, slice: 3, values: 4 } as const;

/** Words of an access to a memory (address and length, pages) or to a global (its number), and of the answer. */
export const Access = { tenant: 0, at: 1, length: 2, value: 3 } as const;

/** Words of an answer to a host call; results follow. */
export const Reply = { charged: 0, values: 1 } as const;

/** Words of what the worker says of a call that has ended; results follow. */
export const End = { used: 0, limit: 1, wallMs: 2, hostMs: 3, hostCalls: 4, pages: 5, left: 6, values: 7 } as const;

/** Words of a host call; arguments follow. */
export const Call = { host: 0, left: 1, pages: 2, values: 3 } as const;

/** Stands for the decision about a slice in place of a host function's number. */
export const SLICE_HOST = -1;

/** Words of a slice that is over, and of the decision: how much fuel is added, -1 to stop. */
export const SliceOver = { used: Call.values, left: Call.values + 1, count: Call.values + 2 } as const;
export const SliceDecided = { more: Reply.values } as const;

/** What a guest is made from. */
export interface MakeRequest {
  readonly tenant: number;
  readonly module: WebAssembly.Module;
  readonly info: ModuleInfoJson;
  readonly options: Omit<GuestOptions, 'hostFunctions' | 'references' | 'data'>;
  readonly hosts: readonly HostSpec[];
  /** What functions in tables and globals stand for; their numbers follow those of the host functions. */
  readonly references: readonly HostSpec[];
  /** Elements that no table of the engine may pass. */
  readonly tableCap: number;
}

/** What can be done with the tables and references of a guest at rest. */
export interface Objects {
  exportReference(position: number): number | null;
  functionType(fn: number): FunctionType;
  /** `host` is the number of the host function among all of the instance. */
  addFunction(spec: HostSpec, host: number): number;
  tableSize(table: number): number;
  tableGet(table: number, index: number): RawValue;
  tableSet(table: number, index: number, value: number | null, element: TableType['element']): void;
  tableGrow(table: number, elements: number, value: number | null, element: TableType['element']): number;
  heldExterns(): { readonly held: readonly number[]; readonly seen: number };
}

export interface ObjectsRequest {
  readonly name: keyof Objects;
  readonly args: readonly unknown[];
}

/** A host function without the function. */
export type HostSpec = Pick<ResolvedHostFunction, 'kind' | 'module' | 'name' | 'type' | 'cost'>;

export interface CompileRequest {
  readonly bytes: Uint8Array;
  readonly config: string;
}

/** An error on its way to the caller. */
export interface Fault {
  readonly code: ErrorCode;
  readonly phase: Phase;
  readonly details: Details | undefined;
  readonly cause?: unknown;
  /** Whether it leaves the guest unusable. */
  readonly poisoned: boolean;
  /** Whether the guest ran, and the words say what it used. */
  readonly measured: boolean;
}

/** A vector takes two words, every other value one. References are numbers, null is -1. */
export function writeValues(
  { numbers, counts }: Channel,
  at: number,
  types: readonly ValueType[],
  values: readonly RawValue[],
): void {
  let word = at;
  for (let index = 0; index < types.length; index++) {
    const value = values[index]!;
    if (typeof value === 'bigint') counts[word++] = value;
    else if (value instanceof Uint8Array) {
      counts.set(halves(value), word);
      word += 2;
    } else numbers[word++] = value ?? NULL;
  }
}

export function readValues({ numbers, counts }: Channel, at: number, types: readonly ValueType[]): RawValue[] {
  let word = at;
  return types.map((type) => {
    if (type === 'i64') return counts[word++]!;
    if (type === 'v128') {
      word += 2;
      return joined(counts[word - 2]!, counts[word - 1]!);
    }
    const value = numbers[word++]!;
    return value === NULL && (type === 'funcref' || type === 'externref') ? null : value;
  });
}

const NULL = -1;

export function faultOf(error: AingleWasmError, poisoned: boolean, measured: boolean): Fault {
  const { code, phase, details } = error;
  const fault = { code, phase, details, poisoned, measured };
  return code === 'ERR_INTERNAL' ? { ...fault, cause: error.cause } : fault;
}

/** @param origin of the guest, if a trap can be among its faults */
export function errorOfFault(
  { code, phase, details: told, ...rest }: Omit<Fault, 'poisoned' | 'measured'>,
  origin?: Origin,
): AingleWasmError {
  const details = code === 'ERR_TRAP' ? { ...told, frames: trapFrames(told!.frames as RawFrames, origin) } : told;
  return 'cause' in rest ? createError(code, phase, details, rest.cause) : createError(code, phase, details);
}

/** Types of the globals of an instance by number: the imported ones, then the exported ones. */
export function globalTypes(info: ModuleInfoJson): ValueType[] {
  return [...info.imports, ...info.exports].flatMap((item) => (item.kind === 'global' ? [item.type.value] : []));
}
