// What a caller and a worker say to each other: kinds of messages, where their words are, how values and errors are written.
import type { ErrorCode, Phase } from '../../../errors/codes';
import { type AingleWasmError, createError } from '../../../errors/error';
import type { Details } from '../../../errors/messages';
import type { Value, ValueType } from '../../../types';
import type { ModuleInfoJson, ResolvedHostFunction } from '../../backend';
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
} as const;

/** Words of a request; values follow. */
export const Ask = { tenant: 0, export: 1, fuel: 2, slice: 3, values: 4 } as const;

/** Words of an access to a memory (address and length, pages) or to a global (its number), and of the answer. */
export const Access = { tenant: 0, at: 1, length: 2, value: 3 } as const;

/** Words of an answer to a host call; results follow. */
export const Reply = { charged: 0, values: 1 } as const;

/** Words of what the worker says of a call that has ended; results follow. */
export const End = { used: 0, limit: 1, wallMs: 2, hostMs: 3, hostCalls: 4, pages: 5, left: 6, values: 7 } as const;

/** Words of a host call; arguments follow. The number after the last host function stands for the decision about a slice. */
export const Call = { host: 0, left: 1, pages: 2, values: 3 } as const;

/** Words of a slice that is over, and of the decision: how much fuel is added, -1 to stop. */
export const SliceOver = { used: Call.values, left: Call.values + 1, count: Call.values + 2 } as const;
export const SliceDecided = { more: Reply.values } as const;

/** What a guest is made from. */
export interface MakeRequest {
  readonly tenant: number;
  readonly module: WebAssembly.Module;
  readonly info: ModuleInfoJson;
  readonly options: Omit<GuestOptions, 'hostFunctions' | 'data'>;
  readonly hosts: readonly HostSpec[];
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
  /** Whether it leaves the guest unusable, or, of a nested call, ends the one that waits as well. */
  readonly poisoned: boolean;
  /** Whether the guest ran, and the words say what it used. */
  readonly measured: boolean;
}

export function writeValues(
  { numbers, counts }: Channel,
  at: number,
  types: readonly ValueType[],
  values: readonly Value[],
): void {
  for (let index = 0; index < types.length; index++) {
    if (types[index] === 'i64') counts[at + index] = values[index] as bigint;
    else numbers[at + index] = values[index] as number;
  }
}

export function readValues({ numbers, counts }: Channel, at: number, types: readonly ValueType[]): Value[] {
  return types.map((type, index) => (type === 'i64' ? counts[at + index]! : numbers[at + index]!));
}

export function faultOf(error: AingleWasmError, poisoned: boolean, measured: boolean): Fault {
  const { code, phase, details } = error;
  const fault = { code, phase, details, poisoned, measured };
  return code === 'ERR_INTERNAL' ? { ...fault, cause: error.cause } : fault;
}

export function errorOfFault({ code, phase, details, ...rest }: Omit<Fault, 'poisoned' | 'measured'>): AingleWasmError {
  return 'cause' in rest ? createError(code, phase, details, rest.cause) : createError(code, phase, details);
}

/** Types of the globals of an instance by number: the imported ones, then the exported ones. */
export function globalTypes(info: ModuleInfoJson): ValueType[] {
  return [...info.imports, ...info.exports].flatMap((item) => (item.kind === 'global' ? [item.type.value] : []));
}
