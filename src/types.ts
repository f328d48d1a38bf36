// The public types that are not classes.
import type { ErrorCode } from './errors/codes';
import type { Global } from './global';
import type { HostContext } from './host-context';
import type { HostFunction } from './host-function';
import type { HostInput } from './host-input';
import type { Memory } from './memory';
import type { Table } from './table';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/**
 * A core value: `i32`, `f32`, `f64` are numbers, `i64` is a bigint, `v128` 16 bytes, least significant first, in a Uint8Array; a `funcref`
 * is a function or null, an `externref` any value, where null is the null reference.
 */
// biome-ignore lint/suspicious/noExplicitAny: what an externref is, only the caller knows
export type Value = any;

export type BackendKind = 'wasmer' | 'wasmi' | 'v8';

export type Bytes = Uint8Array | ArrayBuffer;

/** Upper bounds. An instance may ask for less than its engine, not for more. */
export interface Limits {
  /** Linear memory of an instance in bytes: a multiple of 65,536 below 2 GiB. Default 256 MiB on 64-bit machines, 64 MiB on 32-bit. */
  memoryBytes?: number;
  /** Elements of all tables of an instance together: 0 … 10,000,000. Default 1,000,000. */
  tableElements?: number;
  /** Call depth in weighted frames (a frame counts 1 and 1 more for each 16 parameters and locals): 1 … 20,000. Default 3,000. */
  callDepth?: number;
  /** Bytes of a call's result: 0 … 2^32−1. Default 64 MiB. */
  outputBytes?: number;
  /** Calls of host functions that a call may make: 0 … 2^53−1. Default: no limit. */
  hostCalls?: number;
  /** Live instances of an engine: 1 … 2^32−1. Default 100,000. Engines only. */
  instances?: number;
  /** Milliseconds that compiling a module may take: 1 … 2^31−1. Default 60,000. Engines only. */
  compileMs?: number;
}

/** Limits that an instance may lower for itself. */
export type InstanceLimits = Pick<Limits, 'memoryBytes' | 'tableElements' | 'callDepth' | 'outputBytes' | 'hostCalls'>;

/** What of a module is counted before any engine sees it. */
export type ComplexityCap =
  | 'moduleBytes'
  | 'functions'
  | 'bodyBytes'
  | 'locals'
  | 'params'
  | 'results'
  | 'nesting'
  | 'branchTargets'
  | 'types'
  | 'imports'
  | 'exports'
  | 'globals'
  | 'elements'
  | 'dataSegments'
  | 'segmentBytes'
  | 'nameBytes';

export interface EngineOptions {
  /** Which engine runs guests. Default `'auto'`: native where it loads, else `'v8'`. The environment variable `AINGLE_WASM_BACKEND` overrides `'auto'` only. */
  backend?: 'auto' | BackendKind;
  /** Fuel of a call, in operators: 1 … 2^62. Default 100,000,000,000. `'unlimited'` is 2^62. */
  meteringLimit?: bigint | number | 'unlimited';
  /**
   * Whether every NaN that arithmetic makes is the canonical one wherever the guest can see its bits. Default true. With false the bits
   * are the machine's own (on wasmi canonical all the same). Fuel does not change.
   */
  canonicalizeNans?: boolean;
  /**
   * What operators cost in place of 1, by their names in the text format: 1 … 2^20. `block`, `loop`, `else`, `end` and `nop` are always
   * free. Part of what a compiled module is: another table, another module.
   */
  costs?: Readonly<Record<string, number>>;
  /** Bytes of compiled code kept in memory, least recently used out first: 0 (none) … 2^53−1. Default 256 MiB. */
  cacheSize?: number;
  /** Largest memory, in pages of 64 KiB, whose whole address range is reserved at once: 0 … 65,536. Default `'auto'`. Native backend only. */
  staticMemoryBound?: 'auto' | number;
  limits?: Limits;
  /** Caps on what a module may contain; each 0 … 2^32−1. Defaults: docs/limits.md. */
  complexity?: Partial<Record<ComplexityCap, number>>;
  /** Milliseconds that a call may take, from its submission: 1 … 2^31−1, or null for no limit. Default 30,000. */
  timeoutMs?: number | null;
  /**
   * Calls that run at the same time: 1 … 1,024. Default: the machine's cores, beside which calls go on that take 20 ms and more while others wait; no
   * call begins beyond a number that is given.
   */
  threads?: number;
  /** Calls that may wait for a thread: 0 … 2^32−1. Default 10,000. */
  queue?: number;
}

export interface FunctionType {
  params: ValueType[];
  results: ValueType[];
}

/** Sizes in pages of 64 KiB. */
export interface MemoryType {
  min: number;
  max?: number;
}

/** Sizes in elements. */
export interface TableType {
  element: 'funcref' | 'externref';
  min: number;
  max?: number;
}

export interface GlobalType {
  value: ValueType;
  mutable: boolean;
}

export type ExternDescriptor =
  | { kind: 'function'; type: FunctionType }
  | { kind: 'memory'; type: MemoryType }
  | { kind: 'table'; type: TableType }
  | { kind: 'global'; type: GlobalType };

export type ImportDescriptor = { module: string; name: string } & ExternDescriptor;

export type ExportDescriptor = { name: string } & ExternDescriptor;

/** A host function of core values, called with the import's parameters as {@link Value}s. */
// biome-ignore lint/suspicious/noExplicitAny: the parameters' types are known only when a module is linked
export type NumericHostFunction = (...args: any[]) => unknown;

/** A host function of bytes in, bytes out. What it returns is copied into the guest; text as UTF-8, nothing as no bytes. */
export type EnvelopeHostFunction = (input: HostInput, context: HostContext) => HostOutput | Promise<HostOutput>;

/** What a host function of bytes gives back. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function declared without a result is meant to fit
export type HostOutput = Uint8Array | string | undefined | void;

/** How a module is compiled. */
export interface CompileOptions {
  /** Whether calls can be run in slices of fuel, see `sliceFuel`. Makes loops slower. Default false. */
  sliceable?: boolean;
}

export interface InstanceOptions {
  /** Functions of core values, memories, tables and globals by import module and name. A plain function takes the import's own type. */
  imports?: Record<string, Record<string, NumericHostFunction | HostFunction | Memory | Table | Global>>;
  /** Host functions of bytes by name, in the import module `env`. */
  host?: Record<string, EnvelopeHostFunction>;
  /** How `call` passes bytes. Default `'auto'`: `'envelope'` if the guest exports the allocator of the guest kit, else `'bytes'`. */
  abi?: 'auto' | 'envelope' | 'bytes';
  /** What an ordinary trap or a throwing host function leaves behind. Default `'poison'`: an instance that refuses every later call. */
  afterTrap?: 'poison' | 'keep';
  /**
   * On the v8 backend, where the guest of `await module.instantiate()` runs. Default `'own'`: in a worker thread of its own, about 5 MB.
   * `'shared'`: in one with the engine's other shared instances. They wait for each other, and whatever stops one of them (a deadline, a signal,
   * closing it during a call) ends all of them with `ERR_INSTANCE_POISONED`. Elsewhere it makes no difference.
   */
  worker?: 'own' | 'shared';
  limits?: InstanceLimits;
  /** Fuel of instantiation itself (start function), in operators: 1 … 2^62. Default: the engine's `meteringLimit`. */
  fuel?: bigint | number;
  /** Milliseconds that instantiation itself may take: 1 … 2^31−1, or null for no limit. Default: the engine's. */
  timeoutMs?: number | null;
  /** Stops the instantiation when it is aborted. */
  signal?: AbortSignal;
  /** Handed to host functions as `context.data`. */
  data?: unknown;
}

export interface CallOptions {
  /** Fuel of this call, in operators: 1 … 2^62. Default: the engine's `meteringLimit`. */
  fuel?: bigint | number;
  /** Milliseconds that this call may take, from now on and with the wait for its turn: 1 … 2^31−1, or null for no limit. Default: the engine's. */
  timeoutMs?: number | null;
  /** Stops this call when it is aborted; the reason becomes the error's cause. */
  signal?: AbortSignal;
  /** Handed to host functions of this call as `context.data` instead of the instance's. */
  data?: unknown;
  /** Fuel after which the guest pauses and `onSlice` decides, again and again: 1 … 2^62. For modules compiled with `sliceable`. Not in `callSync`. */
  sliceFuel?: bigint | number;
  /** Decides whether a paused guest goes on. Goes with `sliceFuel`. */
  onSlice?: SliceHandler;
}

/** What a guest has used when a slice of its fuel is over. */
export interface Slice {
  readonly fuelUsed: bigint;
  readonly fuelLeft: bigint;
  /** Slices until now, this one included. */
  readonly count: number;
}

/**
 * Called when a slice is over, and when the fuel is. Nothing: the guest goes on, if it has fuel. A number or bigint: as much fuel is added to
 * the call's limit first. `false`: the guest is stopped with `ERR_ABORTED`.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function declared without a result is meant to fit
export type SliceHandler = (slice: Slice) => SliceDecision | void | Promise<SliceDecision | void>;
export type SliceDecision = bigint | number | false | undefined;

/**
 * Where a guest run by `instance.start` is: done, or waiting for a host call that the embedder does whenever it likes. Exactly one of `resume` and
 * `fail` is to be called, once; a step that is dropped leaves the guest waiting until its deadline or until the instance is closed.
 */
export type Step =
  | { readonly done: true; readonly value: Value[] }
  | {
      readonly done: false;
      /** The import that the guest calls, with its arguments: core values, or the bytes for a function of `host`. */
      readonly hostCall: { readonly module: string; readonly name: string; readonly args: Value[] };
      /** Lets the guest go on with the host call's results: core values, or the bytes or text of a function of `host`. */
      resume(results?: readonly Value[]): Promise<Step>;
      /** Ends the guest as if the host function had thrown `error`. */
      fail(error: unknown): Promise<Step>;
    };

/** What an instance did since it was made. */
export interface InstanceStats {
  /** Calls of its guest that have ended. */
  readonly calls: number;
  /** Calls that were stopped: fuel, time, abort, the machine's memory. */
  readonly stopped: number;
  /** Fuel of all calls. */
  readonly fuel: bigint;
}

/** One sample: bytes or text for `instance.call`, or an array of core values for `instance.invoke`. */
export type MeasureInput = Uint8Array | string | readonly Value[];

export interface MeasureOptions {
  /** Options of the instances that the inputs run in: `imports`, `host`, `limits`, `abi` and so on. */
  instance?: InstanceOptions;
  /** Fuel of each call, in operators: 1 … 2^62. Default: the engine's `meteringLimit`. */
  fuel?: bigint | number;
}

/** What sample inputs cost, in fuel. The four figures are of the calls that returned, and each is the cost of one of them. */
export interface FuelMeasurement {
  /** Inputs that were run. */
  readonly count: number;
  /** Inputs whose call failed. */
  readonly failed: number;
  /** How many calls failed with each code. */
  readonly failures: { readonly [code in ErrorCode]?: number };
  readonly min: bigint;
  /** Half of the calls cost at most this. */
  readonly p50: bigint;
  /** 99 of 100 calls cost at most this; the same as `max` for fewer than 100 calls. */
  readonly p99: bigint;
  readonly max: bigint;
}

export interface Receipt {
  /** Operators executed. */
  readonly fuelUsed: bigint;
  readonly fuelLimit: bigint;
  /** Whether `fuelUsed` is exact; always true for a call that returned. */
  readonly fuelExact: boolean;
  /** Milliseconds from the start of the guest to its end. */
  readonly wallMs: number;
  /** Milliseconds the call waited for its turn. */
  readonly queueMs: number;
  /** Milliseconds of `wallMs` spent in host functions. */
  readonly hostMs: number;
  readonly hostCalls: number;
  /** Pages of the instance's memory after the call. */
  readonly memoryPages: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly backend: BackendKind;
}

/**
 * A function of the guest that was on its stack when it trapped; `details.frames` of `ERR_TRAP` are these, innermost first. As text it is
 * `inner (wasm-function[5]:0x6e)`.
 */
export interface TrapFrame {
  /** Its index in the module that was compiled. Imported functions come first. */
  readonly function: number;
  /** Its name, as the module's name section has it. Absent if that has none. */
  readonly name?: string;
  /**
   * Where it was: the byte offset, in the module that was compiled, of the operator that trapped or that called the next function. Undefined
   * if the backend cannot tell. The first time that a module's offsets are asked for it takes as long as preparing the module. JSON has it;
   * a structured clone does not.
   */
  readonly offset?: number | undefined;
  toString(): string;
}

export type ValidationResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly offset?: number };

export type InstanceState = 'idle' | 'running' | 'host' | 'poisoned' | 'closed';

export interface EngineStats {
  /** Modules compiled, cache hits not counted. */
  readonly compiled: number;
  /** Live instances. */
  readonly instances: number;
  /** Calls of guests that were begun. */
  readonly calls: number;
  /** Calls that were stopped: fuel, time, abort, the machine's memory. */
  readonly stopped: number;
  /** Fuel of all calls. */
  readonly fuel: bigint;
}

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly bytes: number;
  readonly entries: number;
}
