// The import object of an instance: the user's host functions and objects, and the functions of `aingle_v1`.
import { AingleWasmError } from '../../errors/error';
import { hostFailure, promiseReturned } from '../../host-call';
import type { Value } from '../../types';
import type { EnvelopeHost, ModuleInfoJson, NumericHost, ResolvedHostFunction, ResolvedMemory } from '../backend';
import type { GuestOptions } from './guest';
import type { HostCalls } from './host-calls';
import { CRC32_FUEL_SHIFT, SYSTEM_MODULE } from './names';

// biome-ignore lint/suspicious/noExplicitAny: the parameters' types are the import's
type ImportedFunction = (...args: any[]) => Value | readonly Value[] | undefined;

/** Every import of the module by module and name. The facade has matched names and types. */
export function importObject(
  info: ModuleInfoJson,
  { hostFunctions, memories, globals }: GuestOptions,
  calls: HostCalls,
): WebAssembly.Imports {
  const imports: WebAssembly.Imports = Object.create(null);
  const add = (module: string, name: string, item: unknown) => {
    imports[module] ??= Object.create(null) as Record<string, unknown>;
    imports[module][name] = item;
  };
  for (const host of hostFunctions) add(host.module, host.name, imported(host, calls));
  for (const memory of memories) add(memory.module, memory.name, makeMemory(memory));
  for (const { module, name, type, value } of globals) add(module, name, new WebAssembly.Global(type, value));
  for (const { module, name } of info.imports) {
    if (module === SYSTEM_MODULE) add(module, name, SYSTEM[name]!(calls));
  }
  return imports;
}

function makeMemory({ pages, max, contents }: ResolvedMemory): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: max });
  new Uint8Array(memory.buffer).set(contents);
  return memory;
}

function imported(host: ResolvedHostFunction, calls: HostCalls): ImportedFunction {
  return host.kind === 'numeric' ? numeric(host, calls) : envelope(host, calls);
}

function numeric(host: NumericHost, calls: HostCalls): ImportedFunction {
  const { cost, name, type } = host;
  const several = type.results.length > 1;
  return (...args) => {
    calls.enter(name, cost);
    const results = answer(name, calls, () => host.call(args, calls));
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
    const reply = answer(name, calls, () => host.call(input, calls));
    calls.leave();
    const packed = calls.convention.reply(reply);
    if (packed instanceof AingleWasmError) throw calls.fail(packed);
    return packed;
  };
}

/** What a host function gives at once; what it throws, and a promise, end the guest's call. */
function answer<T>(name: string, calls: HostCalls, call: () => T | Promise<T>): T {
  let given: T | Promise<T>;
  try {
    given = call();
    if (given instanceof Promise) throw promiseReturned(given);
  } catch (thrown) {
    throw calls.fail(hostFailure(name, thrown));
  }
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
