// The import object of an instance: the user's host functions and objects, and the functions of `aingle_v1`.
import { AingleWasmError } from '../../errors/error';
import { hostFailure } from '../../host-call';
import type { Value } from '../../types';
import type {
  EnvelopeHost,
  ModuleInfoJson,
  NumericHost,
  ResolvedHostFunction,
  ResolvedInstanceOptions,
  ResolvedMemory,
} from '../backend';
import type { HostCalls } from './host-calls';
import { CRC32_FUEL_SHIFT, SYSTEM_MODULE } from './names';

// biome-ignore lint/suspicious/noExplicitAny: the parameters' types are the import's
type ImportedFunction = (...args: any[]) => Value | readonly Value[] | undefined;

/** Every import of the module by module and name. The facade has matched names and types. */
export function importObject(
  info: ModuleInfoJson,
  { hostFunctions, memories, globals }: ResolvedInstanceOptions,
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

function numeric({ call, cost, name, type }: NumericHost, calls: HostCalls): ImportedFunction {
  const several = type.results.length > 1;
  return (...args) => {
    calls.enter(cost);
    let results: readonly Value[];
    try {
      results = call(args, calls.context);
    } catch (thrown) {
      throw calls.fail(hostFailure(name, thrown));
    }
    calls.leave();
    return several ? results : results[0];
  };
}

function envelope({ call, cost, name }: EnvelopeHost, calls: HostCalls): ImportedFunction {
  return (ptr: number, len: number) => {
    calls.enter(cost);
    const input = calls.convention.takeArgument(ptr >>> 0, len >>> 0);
    if (input instanceof AingleWasmError) throw calls.fail(input);
    let reply: Uint8Array;
    try {
      reply = call(input, calls.context);
    } catch (thrown) {
      throw calls.fail(hostFailure(name, thrown));
    }
    calls.leave();
    const packed = calls.convention.reply(reply);
    if (packed instanceof AingleWasmError) throw calls.fail(packed);
    return packed;
  };
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
