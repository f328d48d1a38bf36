// The forms of a guest's call: how each is written for the worker, and what its end gives.
import type { FunctionType, Receipt } from '../../../types';
import type { ModuleInfoJson, RawResult, RawValue, ResolvedHostFunction, ResolvedInstanceOptions } from '../../backend';
import type { Channel, Message } from './channel';
import type { CallerScope } from './host-scope';
import { Ask, End, type HostSpec, Kind, type MakeRequest, readValues, writeValues } from './protocol';

/** What a guest is asked, and how the answer is read. */
export interface Request<T> {
  readonly bytesIn: number;
  /** Whether it counts as a call. */
  readonly counted: boolean;
  /** @param slice fuel of a slice, 0 for none */
  write(channel: Channel, tenant: number, fuel: bigint, slice: bigint): void;
  read(channel: Channel, message: Message, receipt: () => Receipt): T;
}

export function makeRequest(
  tenant: number,
  module: WebAssembly.Module,
  info: ModuleInfoJson,
  { hostFunctions, references, memories, tables, globals, abi, afterTrap, limits, fuel }: ResolvedInstanceOptions,
  tableCap: number,
): Request<void> {
  const options = { memories, tables, globals, abi, afterTrap, limits, fuel };
  const request: MakeRequest = {
    tenant,
    module,
    info,
    options,
    hosts: hostFunctions.map(specOf),
    references: references.map(specOf),
    tableCap,
  };
  return {
    bytesIn: 0,
    counted: false,
    write: (channel) => channel.send(Kind.make, undefined, request),
    read: () => {},
  };
}

/** @param owned whether `input` may be taken away */
export function bytesRequest(exported: number, input: Uint8Array, owned: boolean): Request<RawResult> {
  return {
    bytesIn: input.length,
    counted: true,
    write: (channel, tenant, fuel, slice) => {
      ask(channel, tenant, exported, fuel, slice);
      channel.send(Kind.bytes, input, undefined, owned);
    },
    read: (_channel, { bytes }, receipt) => ({ bytes, receipt: receipt() }),
  };
}

/** A call of the guest that waits in the host function of `scope`: on what fuel that one has left. */
export function nestedRequest(exported: number, input: Uint8Array, scope: CallerScope): Request<RawResult> {
  return {
    bytesIn: input.length,
    counted: false,
    write: (channel, tenant) => {
      ask(channel, tenant, exported, scope.takeCharged(), 0n);
      channel.send(Kind.nested, input, undefined, true);
    },
    read: (_channel, { bytes }, receipt) => ({ bytes, receipt: receipt() }),
  };
}

/** A call of an exported function, or of what a reference stands for. */
export function valuesRequest(
  kind: typeof Kind.values | typeof Kind.reference,
  number: number,
  { params, results }: FunctionType,
  args: readonly RawValue[],
): Request<RawValue[]> {
  return {
    bytesIn: 0,
    counted: true,
    write: (channel, tenant, fuel, slice) => {
      ask(channel, tenant, number, fuel, slice);
      writeValues(channel, Ask.values, params, args);
      channel.send(kind);
    },
    read: (channel) => readValues(channel, End.values, results),
  };
}

function ask({ numbers, counts }: Channel, tenant: number, exported: number, fuel: bigint, slice: bigint): void {
  numbers[Ask.tenant] = tenant;
  numbers[Ask.export] = exported;
  counts[Ask.fuel] = fuel;
  counts[Ask.slice] = slice;
}

/** What a worker needs to know of a host function. */
export function specOf({ kind, module, name, type, cost }: ResolvedHostFunction): HostSpec {
  return { kind, module, name, type, cost };
}
