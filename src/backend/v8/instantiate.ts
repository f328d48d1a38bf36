// Makes an instance: links, applies the limits, runs what a guest runs before its first call.
import { AingleWasmError, createError } from '../../errors/error';
import type { Origin } from '../../errors/trap-frame';
import type { ModuleInfoJson } from '../backend';
import { type CallBuffer, Convention } from './convention';
import { exportedGlobals } from './globals';
import type { Guest, GuestOptions } from './guest';
import { GuestFunctions } from './guest-functions';
import { GuestMemory } from './guest-memory';
import { HostCalls } from './host-calls';
import { ImportObject } from './linker';
import { Meter } from './meter';
import { ABI_VERSION, HOOKS, METER } from './names';
import { exhausted, explainEnd, trapped } from './outcome';
import { V8References } from './references';
import { sliceHook } from './slice-hook';
import { V8Tables } from './tables';

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

interface FunctionTable {
  set(index: number, value: unknown): void;
}

/**
 * Makes the guest and runs, under one budget: its start function, `_initialize`, and the two questions of the guest kit.
 *
 * @param tableCap elements that no table of the engine may pass
 * @param origin undefined in a worker
 * @throws {AingleWasmError} `ERR_MEMORY_LIMIT`, `ERR_TABLE_LIMIT`, `ERR_OUT_OF_MEMORY`, and what a call can end with
 */
export function makeGuest(
  module: WebAssembly.Module,
  info: ModuleInfoJson,
  options: GuestOptions,
  tableCap: number,
  origin: Origin | undefined,
): Guest {
  const { limits } = options;
  const calls = new HostCalls(limits.hostCalls);
  const references = new V8References(info, calls);
  const { imports, exports } = link(module, info, origin, () => new ImportObject(info, options, calls, references));
  references.attach(exports);
  const meter = meterOf(exports, limits.callDepth);
  calls.attach(meter);
  const hooks = exports[HOOKS.table] as FunctionTable | undefined;
  hooks?.set(
    HOOKS.slice,
    sliceHook((rest) => calls.slice(rest)),
  );
  const memory = limitedMemory(exports, info, options);
  limitTables(exports, info, limits.tableElements);

  const functions = new GuestFunctions(info, exports);
  const enveloped = options.abi === 'envelope' || (options.abi === 'auto' && functions.speaksEnvelopes);
  const allocator = enveloped && functions.speaksEnvelopes ? functions.arenaAllocator() : functions.plainAllocator();
  const conventionWith = (buffer?: CallBuffer) =>
    new Convention(memory, allocator, enveloped, limits.outputBytes, buffer);
  calls.convention = conventionWith();

  calls.begin({ data: options.data });
  meter.begin(options.fuel);
  try {
    (exports[METER.start] as (() => void) | undefined)?.();
    functions.initialize?.();
    if (enveloped) calls.convention = conventionWith(introduce(functions, memory));
  } catch (thrown) {
    meter.end(false);
    throw thrown instanceof AingleWasmError
      ? thrown
      : explainEnd(thrown, { meter, calls, info, origin }, limits.callDepth, 'start');
  }
  if (!meter.end(true)) throw exhausted(meter, 'start');
  const globals = [...imports.globals, ...exportedGlobals(info, exports, references)];
  const tables = new V8Tables(info, options, exports, tableCap, references);
  return { info, origin, exports, memory, globals, references, tables, meter, calls, convention: calls.convention };
}

/** Links and initialises memory and tables. No guest code runs: prepare has taken the start function out. */
function link(
  module: WebAssembly.Module,
  info: ModuleInfoJson,
  origin: Origin | undefined,
  makeImports: () => ImportObject,
) {
  try {
    const imports = makeImports();
    return { imports, exports: new WebAssembly.Instance(module, imports.object).exports };
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError) throw trapped(thrown, info, origin, 'start');
    if (thrown instanceof RangeError) {
      throw createError('ERR_OUT_OF_MEMORY', 'start', { resource: "a guest's memory", limit: 0, value: 0 }, thrown);
    }
    throw createError('ERR_INTERNAL', 'link', { reason: `V8 threw ${thrown}` }, thrown);
  }
}

function meterOf(exports: WebAssembly.Exports, callDepth: number): Meter {
  return new Meter(
    exports[METER.fuel] as WebAssembly.Global<'i64'>,
    exports[METER.status] as WebAssembly.Global<'i32'>,
    exports[METER.depth] as WebAssembly.Global<'i32'>,
    callDepth,
  );
}

/** The guest's memory, which may not begin larger than the instance allows and not grow beyond it. */
function limitedMemory(
  exports: WebAssembly.Exports,
  info: ModuleInfoJson,
  { limits: { memoryBytes: limit }, memories }: GuestOptions,
): GuestMemory {
  (exports[METER.memoryCap] as WebAssembly.Global<'i32'>).value = limit / PAGE_BYTES;
  const declared = Math.min(info.memory?.max ?? MAX_PAGES, memories[0]?.max ?? MAX_PAGES) * PAGE_BYTES;
  const memory = new GuestMemory(exports[METER.memory] as WebAssembly.Memory | undefined, Math.min(limit, declared));
  const value = memory.bytes().length;
  if (value > limit) throw createError('ERR_MEMORY_LIMIT', 'link', { limit, value });
  return memory;
}

function limitTables(exports: WebAssembly.Exports, info: ModuleInfoJson, limit: number): void {
  (exports[METER.tableCap] as WebAssembly.Global<'i32'>).value = limit;
  if (info.tableElements > limit) throw createError('ERR_TABLE_LIMIT', 'link', { limit, value: info.tableElements });
}

/** Asks the guest kit for its version and its call buffer, which counts only if it lies in the memory. */
function introduce(functions: GuestFunctions, memory: GuestMemory): CallBuffer | undefined {
  const version = (functions.abiVersion?.() ?? ABI_VERSION) >>> 0;
  if (version > ABI_VERSION) {
    throw createError('ERR_FEATURE_DISABLED', 'link', { feature: `version ${version} of the call convention` });
  }
  const packed = functions.callBuffer?.();
  if (packed === undefined || packed < 0n) return undefined;
  const buffer = { ptr: Number(packed >> 32n), capacity: Number(packed & 0xffff_ffffn) };
  return memory.contains(buffer.ptr, buffer.capacity) ? buffer : undefined;
}
