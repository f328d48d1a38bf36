// The functions of the addon (crates/node), as they are. They throw plain objects, see failure.ts; engines, modules, links and
// instances are opaque values that own native memory.
import type { BackendKind, CacheStats, EngineStats, FunctionType, ValueType } from '../../types';
import type { RawValue } from '../backend';

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
/** The bytes that a module was compiled from. */
export type NativeOrigin = Opaque<'origin'>;
/** A call that runs step by step. */
export type NativeStarted = Opaque<'started'>;
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
  /** Undefined: no limit. */
  timeoutMs: number | undefined;
  /** 0: as many as there are processors, and more for calls that take long. */
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
  tables: readonly {
    module: string;
    name: string;
    element: 'funcref' | 'externref';
    min: number;
    max: number;
    contents: readonly (number | null)[];
  }[];
  /** The functions behind `functions` in the link that references in tables and globals stand for, by number. */
  references: readonly { params: readonly ValueType[]; results: readonly ValueType[]; cost: bigint }[];
  /** `value` is the type; `bits` those of the value, for a reference 0 or its number plus 1. */
  globals: readonly { module: string; name: string; value: ValueType; mutable: boolean; bits: bigint }[];
  abi: 'auto' | 'envelope' | 'bytes';
  keepAfterTrap: boolean;
  limits: NativeLimits;
  fuel: bigint;
  /** Undefined: no limit. */
  timeoutMs: number | undefined;
}

export interface NativeCompileOptions {
  sliceable: boolean;
  /** Milliseconds. */
  limit: number;
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
    buffers: readonly [
      control: Float64Array,
      input: Uint8Array,
      output: Uint8Array,
      receipt: Float64Array,
      words: Float64Array,
      bytes: Uint8Array,
    ],
  ): NativeRuntime;

  createEngine(runtime: NativeRuntime, options: NativeEngineOptions): NativeEngine;
  /** Throws what `compile` would reject with. */
  validate(engine: NativeEngine, bytes: Uint8Array): void;
  compileSync(engine: NativeEngine, bytes: Uint8Array, options: NativeCompileOptions): NativeModule;
  /** With `label` through the cache. Resolves with a {@link NativeModule}. */
  compile(
    engine: NativeEngine,
    id: number,
    bytes: Uint8Array,
    label: Uint8Array | undefined,
    options: NativeCompileOptions,
  ): void;
  cacheStats(engine: NativeEngine): CacheStats;
  clearCache(engine: NativeEngine): void;
  engineStats(engine: NativeEngine): EngineStats;
  closeEngine(engine: NativeEngine, id: number): void;

  moduleDigest(module: NativeModule): string;
  /** JSON, see `ModuleInfoJson`. */
  moduleInfo(module: NativeModule): string;
  customSections(module: NativeModule, name: string): Uint8Array[];
  closeModule(module: NativeModule): void;
  /** What it was compiled from; outlives the module. */
  moduleOrigin(module: NativeModule): NativeOrigin;
  /** The author's offset for one in the prepared module, null if there is none. */
  originalOffset(origin: NativeOrigin, offset: number): number | null;

  /** `functions[i + 1](promise, number, …)` serves the i-th of `NativeInstanceOptions.functions`, then of `references`, then those of
   * `addFunction`; `promise` is the number of the promise of the guest's call, `number` that of the host call, both 0 in a synchronous call.
   * The first function decides on slices: it gets fuel used, fuel left and the slice's number as bigints, and gives the fuel to add, or −1 to
   * stop. The array is to be kept alive. */
  createLink(runtime: NativeRuntime, functions: readonly NativeHostFunction[]): NativeLink;
  instantiateSync(module: NativeModule, link: NativeLink, options: NativeInstanceOptions): NativeInstance;
  /** Resolves with a {@link NativeInstance}. */
  instantiate(module: NativeModule, id: number, link: NativeLink, options: NativeInstanceOptions): void;
  /** Fuel left of the call that waits in a host function; 0 if it does not wait any more. */
  fuelLeft(runtime: NativeRuntime, link: NativeLink, number: number): bigint;
  /** False if the call does not wait in this host function any more. */
  charge(runtime: NativeRuntime, link: NativeLink, number: number, fuel: bigint): boolean;
  /** Says, while the function of a host call runs, that its answer comes later. */
  deferHostCall(runtime: NativeRuntime, number: number): void;
  answerHostCall(runtime: NativeRuntime, number: number, value: unknown): void;
  failHostCall(runtime: NativeRuntime, number: number, thrown: unknown): void;
  /** Calls the guest that waits in a host call; resolves as `call`. False if it does not wait any more. */
  callGuest(runtime: NativeRuntime, number: number, id: number, name: string, input: Uint8Array): boolean;
  /** Stops the call of a promise. */
  abortCall(runtime: NativeRuntime, id: number): void;
  abortSteps(started: NativeStarted): void;
  /** Has the next step settle this promise; to be called before the host call is answered. */
  resumeSteps(runtime: NativeRuntime, started: NativeStarted, id: number): void;

  /** A synchronous call of bytes whose arguments and small output are in the shared buffers, see `Control` of shared.ts. Returns an output
   * that has no room there. */
  slabFunction(runtime: NativeRuntime): () => Uint8Array | undefined;
  /** By which `slabFunction` knows an instance. */
  instanceNumber(instance: NativeInstance): number;
  exportHandle(instance: NativeInstance, name: string): NativeHandle;
  /** No other thread may write to `input`. With `fuel` a receipt is left in its buffer; without it, the call has the engine's fuel. */
  callBytes(
    instance: NativeInstance,
    handle: NativeHandle,
    input: Uint8Array,
    fuel: bigint | undefined,
    limit: number,
  ): Uint8Array;
  /** Gives nothing, the one result, or an array of several. For functions of up to `FEW` parameters. */
  invokeFew(instance: NativeInstance, handle: NativeHandle, ...args: RawValue[]): unknown;
  invokeMany(instance: NativeInstance, handle: NativeHandle, args: readonly RawValue[]): unknown;
  /** Resolves with the output and a receipt. `limit` is in milliseconds, 0 for none; `slice` is the fuel of a slice. */
  call(
    instance: NativeInstance,
    id: number,
    handle: NativeHandle,
    input: Uint8Array,
    fuel: bigint,
    limit: number,
    slice: bigint | undefined,
  ): void;
  /** Resolves with an array of the results. */
  invoke(
    instance: NativeInstance,
    id: number,
    handle: NativeHandle,
    args: readonly RawValue[],
    fuel: bigint,
    limit: number,
    slice: bigint | undefined,
  ): void;
  /** Resolves with an array of the results, or a `NativeStep`. */
  start(
    instance: NativeInstance,
    id: number,
    handle: NativeHandle,
    args: readonly RawValue[],
    fuel: bigint,
    limit: number,
  ): NativeStarted;
  /** Index into `STATES` of instance.ts. */
  instanceState(instance: NativeInstance): number;
  fuelUsed(instance: NativeInstance): bigint;
  instanceStats(instance: NativeInstance): [calls: number, stopped: number, fuel: bigint];
  memoryPages(instance: NativeInstance): number;
  memoryRead(instance: NativeInstance, ptr: number, len: number): Uint8Array;
  memoryWrite(instance: NativeInstance, ptr: number, bytes: Uint8Array): void;
  memoryGrow(instance: NativeInstance, pages: number): number;
  globalGet(instance: NativeInstance, number: number): RawValue;
  globalSet(instance: NativeInstance, number: number, value: RawValue): void;
  exportReference(instance: NativeInstance, position: number): number | null;
  functionType(instance: NativeInstance, fn: number): FunctionType;
  /** `index` is the place of the function in the array of the link. */
  addFunction(
    instance: NativeInstance,
    index: number,
    params: readonly ValueType[],
    results: readonly ValueType[],
    cost: bigint,
  ): number;
  /** Gives an array of the results. */
  callFunction(instance: NativeInstance, fn: number, args: readonly RawValue[]): RawValue[];
  tableSize(instance: NativeInstance, table: number): number;
  tableGet(instance: NativeInstance, table: number, index: number): RawValue;
  tableSet(instance: NativeInstance, table: number, index: number, value: number | null): void;
  tableGrow(instance: NativeInstance, table: number, elements: number, value: number | null): number;
  /** The numbers, and behind them how many places were looked at. */
  heldExterns(instance: NativeInstance): number[];
  closeInstance(instance: NativeInstance): void;
}

export type NativeHostFunction = (promise: number, number: number, ...args: never[]) => unknown;

/** A host call that a guest waits in: its number, that of its function, the arguments. */
export type NativeStep = readonly [number: number, index: number, ...args: RawValue[]];
