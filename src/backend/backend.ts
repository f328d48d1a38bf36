// The seam between the facade and what runs guests. A backend is given options that were checked and resolved; it is the only side
// that knows an engine. Errors cross it as `AingleWasmError`, made by `createError`.
import type { HostScope } from '../host-context';
import type {
  BackendKind,
  CacheStats,
  ComplexityCap,
  EngineStats,
  ExportDescriptor,
  FunctionType,
  GlobalType,
  ImportDescriptor,
  InstanceState,
  InstanceStats,
  MemoryType,
  Receipt,
  SliceHandler,
  TableType,
  ValidationResult,
  Value,
} from '../types';

/**
 * A value as it crosses to a backend: as {@link Value} has them, but for references: null, or the number of a function or of a value of
 * the host. The facade numbers the host's values; a backend numbers functions, those that its instance was made with first, from 0.
 */
export type RawValue = number | bigint | Uint8Array | null;

/** One way to run guests that could be loaded here. */
export interface BackendFactory {
  readonly kind: BackendKind;
  /** Version of the engine behind it, such as `6.1.0`. */
  readonly version: string;
  /** Where it came from: a file name without its directories, or `node`. */
  readonly source: string;
  readonly capabilities: Readonly<Record<string, boolean>>;
  /** @param threadsAsked whether the number of threads was asked for, so that it must not be exceeded */
  createEngine(options: ResolvedEngineOptions, threadsAsked: boolean): BackendEngine;
}

/** A backend that was tried, and why it is not used. */
export interface LoadAttempt {
  readonly source: string;
  readonly reason: string;
}

/** What a loader returns; it never throws. */
export interface LoadResult {
  /** The default one first; empty if nothing could be loaded. */
  readonly factories: readonly BackendFactory[];
  readonly attempts: readonly LoadAttempt[];
}

export interface ResolvedLimits {
  readonly memoryBytes: number;
  readonly tableElements: number;
  readonly callDepth: number;
  readonly outputBytes: number;
  /** Undefined: no limit. */
  readonly hostCalls: number | undefined;
}

export interface ResolvedEngineOptions {
  readonly backend: 'auto' | BackendKind;
  readonly meteringLimit: bigint;
  readonly canonicalizeNans: boolean;
  /** Weights of the operators that do not have their default one. */
  readonly costs: Readonly<Record<string, number>>;
  readonly cacheSize: number;
  readonly staticMemoryBound: 'auto' | number;
  readonly limits: ResolvedLimits & { readonly instances: number; readonly compileMs: number };
  readonly complexity: Readonly<Record<ComplexityCap, number>>;
  /** Milliseconds of a call; null: no limit. */
  readonly timeoutMs: number | null;
  readonly threads: number;
  readonly queue: number;
}

export interface ResolvedCompileOptions {
  readonly sliceable: boolean;
}

/** What the JSON of `prepare` says about a module: the user's view, without reserved names. */
export interface ModuleInfoJson {
  readonly imports: readonly ImportDescriptor[];
  readonly exports: readonly ExportDescriptor[];
  /** Ranges in the original bytes. */
  readonly customSections: readonly { readonly name: string; readonly start: number; readonly end: number }[];
  readonly hasStart: boolean;
  /** The memory, exported or not, with the maximum that the module declares. */
  readonly memory?: MemoryType;
  /** Elements that all tables, exported or not, begin with. */
  readonly tableElements: number;
  /** For each export its index among the functions, tables, memories or globals of the module. */
  readonly exportIndices: readonly number[];
  /** How many functions the author's module has; those behind them are made by prepare. */
  readonly functions: number;
  /** Functions that references stand for: pairs of an index in the prepared module and a position in `types`. For the v8 backend only. */
  readonly references: {
    readonly types: readonly FunctionType[];
    readonly functions: readonly (readonly [number, number])[];
  };
}

/**
 * One imported function with what serves it; the facade has matched names and types.
 *
 * `numeric`: `call(args, scope)` takes the parameters as core values and returns the results as core values, one for each result
 * of `type`, converted and checked. `envelope`: `call(input, scope)` takes and returns bytes; `input` must be a copy of the guest's.
 * Either may return a promise of that instead; where nothing can wait for it the call ends as by `hostFailure(name, promiseReturned(promise))`.
 * Whatever it throws or rejects with goes through `hostFailure` of src/host-call.ts and ends the guest's call: an error, or a `Termination`,
 * which the backend rejects the call with in turn, its `receipt` filled in.
 */
export type ResolvedHostFunction = NumericHost | EnvelopeHost;

interface HostBase {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
  /** Fuel charged before each call. */
  readonly cost: bigint;
}

export interface NumericHost extends HostBase {
  readonly kind: 'numeric';
  call(args: readonly RawValue[], scope: HostScope): readonly RawValue[] | Promise<readonly RawValue[]>;
}

export interface EnvelopeHost extends HostBase {
  readonly kind: 'envelope';
  call(input: Uint8Array, scope: HostScope): Uint8Array | Promise<Uint8Array>;
}

/** A memory that is to be made for the instance. */
export interface ResolvedMemory {
  readonly module: string;
  readonly name: string;
  /** What it begins with. */
  readonly pages: number;
  /** Its own maximum, at most the engine's. */
  readonly max: number;
  /** What it begins with; zeros follow. Copied before `instantiate` returns. */
  readonly contents: Uint8Array;
}

/** A table that is to be made for the instance. One that is listed twice under one name is one table. */
export interface ResolvedTable {
  readonly module: string;
  readonly name: string;
  readonly element: TableType['element'];
  readonly min: number;
  /** Its own maximum, at most the engine's. */
  readonly max: number;
  /** What it begins with; nulls follow. */
  readonly contents: readonly (number | null)[];
}

/** A global that is to be made for the instance. One that is listed twice under one name is one global. */
export interface ResolvedGlobal {
  readonly module: string;
  readonly name: string;
  readonly type: GlobalType;
  readonly value: RawValue;
}

export interface ResolvedInstanceOptions {
  /** The host's memory, if the module imports one. */
  readonly memories: readonly ResolvedMemory[];
  /** The host's tables, in the order of the module's table imports. */
  readonly tables: readonly ResolvedTable[];
  /** What functions in those and in the globals stand for, by number. */
  readonly references: readonly NumericHost[];
  /** The host's globals, in the order of the module's global imports. */
  readonly globals: readonly ResolvedGlobal[];
  /** In the order of the module's function imports; functions of `aingle_v1` are not in it, a backend provides them. */
  readonly hostFunctions: readonly ResolvedHostFunction[];
  readonly abi: 'auto' | 'envelope' | 'bytes';
  readonly afterTrap: 'poison' | 'keep';
  /** Where a backend gives guests threads of their own: whether this one may live on one with others. */
  readonly worker: 'own' | 'shared';
  /** At most the engine's. */
  readonly limits: ResolvedLimits;
  /** Of instantiation itself, as `timeoutMs` and `signal`. */
  readonly fuel: bigint;
  /** Milliseconds from now; null: no limit. */
  readonly timeoutMs: number | null;
  /** Whether the user asked for a time limit, of this or of the engine, rather than got the default one. */
  readonly timeoutAsked: boolean;
  readonly signal: AbortSignal | undefined;
  readonly data: unknown;
}

export interface ResolvedCallOptions {
  readonly fuel: bigint;
  /** Milliseconds from the submission; null: no limit. */
  readonly timeoutMs: number | null;
  /** Whether this call asked for a time limit. */
  readonly timeoutAsked: boolean;
  /** Not aborted yet: the facade has looked. */
  readonly signal: AbortSignal | undefined;
  readonly data: unknown;
  readonly slices: ResolvedSlices | undefined;
}

export interface ResolvedSlices {
  readonly fuel: bigint;
  /** The user's function; what it returns or throws goes through `sliceDecision` of src/slices.ts. */
  readonly decide: SliceHandler;
}

/** Where a stepwise call is. Arguments and results are raw values, or the bytes of an envelope function; the facade has checked them. */
export type RawStep =
  | { readonly done: true; readonly value: RawValue[] }
  | {
      readonly done: false;
      readonly host: ResolvedHostFunction;
      readonly args: RawValue[];
      resume(results: readonly RawValue[]): Promise<RawStep>;
      fail(error: unknown): Promise<RawStep>;
    };

/** See `BackendInstance.exportFunction`. */
export type Ended = (thrown?: unknown) => unknown;

export interface RawResult {
  readonly bytes: Uint8Array;
  readonly receipt: Receipt;
}

export interface BackendEngine {
  validate(bytes: Uint8Array): ValidationResult;
  /** Copies what it needs of `bytes` before it returns; so do the other compile functions. */
  compile(bytes: Uint8Array, options: ResolvedCompileOptions): Promise<BackendModule>;
  compileSync(bytes: Uint8Array, options: ResolvedCompileOptions): BackendModule;
  compileCached(label: Uint8Array, bytes: Uint8Array, options: ResolvedCompileOptions): Promise<BackendModule>;
  cacheStats(): CacheStats;
  clearCache(): void;
  stats(): EngineStats;
  close(): Promise<void>;
}

export interface BackendModule {
  readonly digest: string;
  readonly info: ModuleInfoJson;
  customSections(name: string): Uint8Array[];
  instantiate(options: ResolvedInstanceOptions): Promise<BackendInstance>;
  instantiateSync(options: ResolvedInstanceOptions): BackendInstance;
  close(): void;
}

export interface BackendInstance {
  readonly state: InstanceState;
  readonly fuelUsed: bigint;
  readonly stats: InstanceStats;
  /** Copies `input` before it returns. */
  call(name: string, input: Uint8Array, options: ResolvedCallOptions): Promise<RawResult>;
  callSync(name: string, input: Uint8Array, options: ResolvedCallOptions): RawResult;
  callRaw(name: string, input: Uint8Array): Uint8Array;
  /** `args` were checked against the export's type. */
  invoke(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawValue[]>;
  /** As {@link invoke}, on this thread, with the engine's fuel. */
  invokeSync(name: string, args: readonly RawValue[]): RawValue[];
  /** As `invoke`, with every host function served by steps instead of by its function. */
  start(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawStep>;
  /**
   * The function behind `instance.exports[name]`, where its type is plain: checks its arguments with `checkArguments` and returns with
   * `unwrapResults`.
   *
   * @param ended told what a call of it was thrown, and what it answers or throws is what the caller gets; told undefined after a call that
   *   returned, if `callsObserved` of src/diagnostics.ts
   */
  exportFunction(name: string, type: FunctionType, ended: Ended): (...args: Value[]) => unknown;
  memoryPages(): number;
  /** The range was checked against `memoryPages`. */
  memoryRead(ptr: number, len: number): Uint8Array;
  memoryWrite(ptr: number, bytes: Uint8Array): void;
  memoryGrow(pages: number): number;
  /** Reads the global of a number: the imported ones come first, then the exported ones, both in the module's order. */
  globalGet(number: number): RawValue;
  /** Writes such a global. It is mutable, and the value was checked and converted. */
  globalSet(number: number, value: RawValue): void;
  /** The exported function at a position among the exports, as a reference; null if no reference can cross. */
  exportReference(position: number): number | null;
  functionType(fn: number): FunctionType;
  /** Calls a function that a reference stands for, as {@link invokeSync} does. */
  callFunction(fn: number, args: readonly RawValue[]): RawValue[];
  /** Makes a host function one that references stand for, for as long as the instance lives. */
  addFunction(host: NumericHost): number;
  /** Elements of the table of an index in the module. In the others, too, the index was checked against it. */
  tableSize(table: number): number;
  tableGet(table: number, index: number): RawValue;
  /** `element` is what the table holds. */
  tableSet(table: number, index: number, value: number | null, element: TableType['element']): void;
  /** @throws {AingleWasmError} `ERR_TABLE_LIMIT`, `ERR_OUT_OF_MEMORY` */
  tableGrow(table: number, elements: number, value: number | null, element: TableType['element']): number;
  /** The host's values that the guest holds while it is at rest, and in how many places they were looked for. */
  heldExterns(): { readonly held: readonly number[]; readonly seen: number };
  /** Stops the call that runs, rejects those that wait, and frees the guest as soon as nothing uses it. */
  close(): void;
}
