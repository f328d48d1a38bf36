// The functions of the addon (crates/node), as they are. They throw plain objects, see failure.ts; engines, modules, links and
// instances are opaque values that own native memory.
import type { BackendKind, CacheStats, EngineStats, Value, ValueType } from '../../types';

declare const brand: unique symbol;
interface Opaque<Name extends string> {
  readonly [brand]: Name;
}
export type NativeRuntime = Opaque<'runtime'>;
export type NativeEngine = Opaque<'engine'>;
export type NativeModule = Opaque<'module'>;
/** Connects the host functions of one instance. */
export type NativeLink = Opaque<'link'>;
export type NativeInstance = Opaque<'instance'>;
/** An exported function of one instance. */
export type NativeHandle = number;

/** Kinds of backend that an addon may contain. */
export type NativeKind = Exclude<BackendKind, 'v8'>;

export interface NativeEngineInfo {
  readonly kind: NativeKind;
  /** Such as `6.1.0`. */
  readonly version: string;
  /** Why it cannot run in this process; undefined if it can. */
  readonly obstacle?: string;
}

export interface NativeEngineOptions {
  backend: NativeKind;
  meteringLimit: bigint;
  canonicalizeNans: boolean;
  /** Weights by operator. */
  costs: Readonly<Record<string, number>>;
  cacheSize: number;
  /** Undefined: chosen by the core. */
  staticMemoryBound: number | undefined;
  limits: NativeLimits;
  instances: number;
  complexity: Readonly<Record<string, number>>;
  threads: number;
  queue: number;
}

export interface NativeLimits {
  memoryBytes: number;
  tableElements: number;
  callDepth: number;
  outputBytes: number;
  /** Undefined: no limit. */
  hostCalls: number | undefined;
}

export interface NativeInstanceOptions {
  functions: readonly { module: string; name: string; cost: bigint; envelope: boolean }[];
  memories: readonly { module: string; name: string; pages: number; max: number; contents: Uint8Array }[];
  /** `value` is the type; `bits` those of the value. */
  globals: readonly { module: string; name: string; value: ValueType; mutable: boolean; bits: bigint }[];
  abi: 'auto' | 'envelope' | 'bytes';
  keepAfterTrap: boolean;
  limits: NativeLimits;
  fuel: bigint;
}

/** Functions with `id` return at once and settle the promise of that number later, see settle.ts. */
export interface Binding {
  /** Of the package that it was built with. */
  version(): string;
  /** The engines inside, the default one first. */
  engines(): readonly NativeEngineInfo[];
  /** The buffers are described in shared.ts. */
  openRuntime(
    settle: (count: number, values: readonly unknown[]) => void,
    input: Uint8Array,
    output: Uint8Array,
    receipt: Float64Array,
    words: Float64Array,
    bytes: Uint8Array,
  ): NativeRuntime;

  createEngine(runtime: NativeRuntime, options: NativeEngineOptions): NativeEngine;
  /** Throws what `compile` would reject with. */
  validate(engine: NativeEngine, bytes: Uint8Array): void;
  compileSync(engine: NativeEngine, bytes: Uint8Array): NativeModule;
  /** With `label` through the cache. Resolves with a {@link NativeModule}. */
  compile(engine: NativeEngine, id: number, bytes: Uint8Array, label: Uint8Array | undefined): void;
  cacheStats(engine: NativeEngine): CacheStats;
  clearCache(engine: NativeEngine): void;
  engineStats(engine: NativeEngine): EngineStats;
  closeEngine(engine: NativeEngine, id: number): void;

  moduleDigest(module: NativeModule): string;
  /** JSON, see `ModuleInfoJson`. */
  moduleInfo(module: NativeModule): string;
  customSections(module: NativeModule, name: string): Uint8Array[];
  closeModule(module: NativeModule): void;

  /** `functions[i](call, …)` serves the i-th of `NativeInstanceOptions.functions`; `call` is the number of the promise of the call that
   * is going on, 0 for a synchronous one. The array is to be kept alive. */
  createLink(runtime: NativeRuntime, functions: readonly NativeHostFunction[]): NativeLink;
  instantiateSync(module: NativeModule, link: NativeLink, options: NativeInstanceOptions): NativeInstance;
  /** Resolves with a {@link NativeInstance}. */
  instantiate(module: NativeModule, id: number, link: NativeLink, options: NativeInstanceOptions): void;
  /** Fuel left of the call that waits in a host function. */
  fuelLeft(link: NativeLink): bigint;
  /** False if no call waits in a host function. */
  charge(link: NativeLink, fuel: bigint): boolean;

  exportHandle(instance: NativeInstance, name: string): NativeHandle;
  /** The input is the first `length` bytes of the shared buffer for inputs. A number is the length of the output in the other one. With
   * `fuel` a receipt is left in its buffer; without it, the call has the engine's fuel. */
  callSlab(
    instance: NativeInstance,
    handle: NativeHandle,
    length: number,
    fuel: bigint | undefined,
  ): number | Uint8Array;
  /** As `callSlab`, without the shared buffers; no other thread may write to `input`. */
  callBytes(instance: NativeInstance, handle: NativeHandle, input: Uint8Array, fuel: bigint | undefined): Uint8Array;
  /** Gives nothing, the one result, or an array of several. For functions of up to `FEW` parameters. */
  invokeFew(instance: NativeInstance, handle: NativeHandle, ...args: Value[]): unknown;
  invokeMany(instance: NativeInstance, handle: NativeHandle, args: readonly Value[]): unknown;
  /** Resolves with the output and a receipt. */
  call(instance: NativeInstance, id: number, handle: NativeHandle, input: Uint8Array, fuel: bigint): void;
  /** Resolves with an array of the results. */
  invoke(instance: NativeInstance, id: number, handle: NativeHandle, args: readonly Value[], fuel: bigint): void;
  /** Index into `STATES` of instance.ts. */
  instanceState(instance: NativeInstance): number;
  fuelUsed(instance: NativeInstance): bigint;
  memoryPages(instance: NativeInstance): number;
  memoryRead(instance: NativeInstance, ptr: number, len: number): Uint8Array;
  memoryWrite(instance: NativeInstance, ptr: number, bytes: Uint8Array): void;
  memoryGrow(instance: NativeInstance, pages: number): number;
  globalGet(instance: NativeInstance, number: number): Value;
  globalSet(instance: NativeInstance, number: number, value: Value): void;
  closeInstance(instance: NativeInstance): void;
}

export type NativeHostFunction = (call: number, ...args: never[]) => unknown;
