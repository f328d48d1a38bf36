import type { BackendInstance, ModuleInfoJson, RawResult, RawStep, ResolvedCallOptions } from './backend/backend';
import { BoundExports, type Exports, type ImportedObjects } from './bound-exports';
import { CallResult } from './call-result';
import { called, callsObserved } from './diagnostics';
import { createError, invalidType, invalidValue, leave } from './errors/error';
import { requireFunction } from './exports';
import { type CallInput, toBytes } from './input';
import { Memory, memoryOf } from './memory';
import type { Module } from './module';
import { readCallOptions } from './options/instance';
import type { References } from './references';
import { openStep } from './step';
import { Termination } from './termination';
import type { CallOptions, FunctionType, InstanceState, InstanceStats, Step, Value } from './types';
import { checkArguments, isPlain } from './values';

/**
 * A guest with its memory. Made by `module.instantiate`.
 *
 * One call runs at a time: `call` and `invoke` wait for their turn, every other call is refused with `ERR_INSTANCE_BUSY` meanwhile.
 * A trap, a stop or a throwing host function leaves it poisoned (see docs/errors.md): take a new one.
 */
export class Instance {
  readonly module: Module;
  /** The instance's memory: the one that it imports, or its own. */
  readonly memory: Memory;
  readonly #info: ModuleInfoJson;
  readonly #instance: BackendInstance;
  readonly #defaults: ResolvedCallOptions;
  readonly #imported: ImportedObjects;
  readonly #references: References;
  #exports: BoundExports | undefined;

  private constructor(
    module: Module,
    info: ModuleInfoJson,
    defaults: ResolvedCallOptions,
    instance: BackendInstance,
    imported: ImportedObjects,
    references: References,
  ) {
    this.module = module;
    this.memory = imported.memory ?? Memory.of(memoryOf(instance));
    this.#info = info;
    this.#instance = instance;
    this.#imported = imported;
    this.#references = references;
    references.attach(instance, () => this.#bound.functions);
    this.#defaults = defaults;
  }

  /** @internal */
  static of(
    module: Module,
    info: ModuleInfoJson,
    defaults: ResolvedCallOptions,
    instance: BackendInstance,
    imported: ImportedObjects,
    references: References,
  ): Instance {
    return new Instance(module, info, defaults, instance, imported, references);
  }

  /**
   * What the guest exports by name, without prototype: functions, which take and give core values (several results come as an array), the
   * {@link Memory}, {@link Table}s and {@link Global}s.
   */
  get exports(): Exports {
    return this.#bound.object;
  }

  /** `idle`, `running` or waiting to run, `host` while a host function runs, `poisoned`, `closed`. */
  get state(): InstanceState {
    return this.#instance.state;
  }

  /** Fuel of the last finished call of any kind; after instantiation, that of the start function. */
  get fuelUsed(): bigint {
    return this.#instance.fuelUsed;
  }

  /** What the instance did since it was made. */
  get stats(): InstanceStats {
    return this.#instance.stats;
  }

  /**
   * Calls an exported function with bytes and resolves with what it returned. Waits for its turn.
   *
   * @param name exported function `(ptr: i32, len: i32) => i64`
   * @param input bytes, or text (sent as UTF-8); copied before this returns. Default: no bytes
   * @param options `fuel` (operators, default `engine.options.meteringLimit`), `timeoutMs` (default `engine.options.timeoutMs`), `signal`, `data`,
   *   `sliceFuel` with `onSlice`
   * @throws {AingleWasmError} `ERR_FUEL_EXHAUSTED`, `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_TRAP`, `ERR_STACK_OVERFLOW`, `ERR_OUT_OF_MEMORY`,
   *   `ERR_HOST_FUNCTION` (the instance is then poisoned); `ERR_GUEST`, `ERR_GUEST_POINTER`, `ERR_ENVELOPE_*`, `ERR_OUTPUT_LIMIT` (it stays usable);
   *   `ERR_EXPORT_NOT_FOUND`, `ERR_QUEUE_FULL`, `ERR_INSTANCE_POISONED`, `ERR_INSTANCE_CLOSED`, `ERR_ENGINE_CLOSED` (nothing ran)
   * @example const { bytes } = await instance.call('resize', jpeg, { timeoutMs: 200 })
   */
  async call(name: string, input?: CallInput, options?: CallOptions): Promise<CallResult> {
    checkName(name);
    const bytes = toBytes(input);
    const resolved = this.#resolve(options);
    try {
      return this.#result(name, await this.#instance.call(name, bytes, resolved));
    } catch (thrown) {
      return this.#result(name, this.#ended(name, thrown, call));
    }
  }

  /** As {@link call}, on this thread; refused with `ERR_INSTANCE_BUSY` while another call waits or runs. */
  callSync(name: string, input?: CallInput, options?: CallOptions): CallResult {
    checkName(name);
    const bytes = toBytes(input);
    const resolved = this.#resolveUnsliced(options);
    try {
      return this.#result(name, this.#instance.callSync(name, bytes, resolved));
    } catch (thrown) {
      return this.#result(name, this.#ended(name, thrown, callSync));
    }
  }

  /** Bytes in, bytes out, on this thread, with the engine's fuel and time: the shortest path. Fails as {@link callSync} does. */
  callRaw(name: string, input: Uint8Array): Uint8Array {
    if (!(input instanceof Uint8Array)) throw invalidType('input', 'a Uint8Array', input);
    try {
      const output = this.#instance.callRaw(checkName(name), input);
      if (callsObserved()) called({ instance: this, name });
      return output;
    } catch (thrown) {
      return this.#ended(name, thrown, callRaw).bytes;
    }
  }

  /**
   * Calls an exported function with core values and resolves with an array of its results. Waits for its turn. A host function that ends the call
   * by `terminate` makes it resolve with an array of the one value given there.
   *
   * @param args a {@link Value} for each parameter
   */
  async invoke(name: string, args: readonly Value[] = [], options?: CallOptions): Promise<Value[]> {
    const type = this.#functionType(name, args);
    const resolved = this.#resolve(options);
    try {
      const results = await this.#invoke(name, type, args, resolved);
      if (callsObserved()) called({ instance: this, name });
      return results;
    } catch (thrown) {
      return [this.#ended(name, thrown, invoke).bytes];
    }
  }

  /**
   * Calls an exported function with core values, step by step: every host call of the guest is handed to the caller, who answers when and how it
   * likes. The functions given as imports are not called.
   *
   * @example
   * let step = await instance.start('run');
   * while (!step.done) step = await step.resume([await answer(step.hostCall)]);
   * console.log(step.value);
   */
  async start(name: string, args: readonly Value[] = [], options?: CallOptions): Promise<Step> {
    const type = this.#functionType(name, args);
    const resolved = this.#resolveUnsliced(options);
    const raws = this.#references.lowerArguments(name, type, args);
    return this.#step(name, type, () => this.#instance.start(name, raws, resolved));
  }

  /** Stops the call that runs, rejects those that wait, all with `ERR_INSTANCE_CLOSED`, and gives the guest's memory back. */
  close(): void {
    this.#instance.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #invokeWithReferences(name: string, type: FunctionType, args: readonly Value[], options: ResolvedCallOptions) {
    const references = this.#references;
    return references.during(async () => {
      const raws = references.lowerArguments(name, type, args);
      return references.liftAll(type.results, await this.#instance.invoke(name, raws, options));
    });
  }

  get #bound(): BoundExports {
    this.#exports ??= new BoundExports(
      this.#info,
      this.#instance,
      this.memory,
      this.#imported,
      this.#references,
      (name, callee) => (thrown) => {
        if (thrown !== undefined) return this.#ended(name, thrown, callee()).bytes;
        called({ instance: this, name });
        return undefined;
      },
    );
    return this.#exports;
  }

  #resolve(options: CallOptions | undefined): ResolvedCallOptions {
    if (options === undefined) return this.#defaults;
    const resolved = readCallOptions(options, this.#defaults);
    const { signal } = resolved;
    if (signal?.aborted === true) throw createError('ERR_ABORTED', 'call', undefined, signal.reason);
    return resolved;
  }

  #resolveUnsliced(options: CallOptions | undefined): ResolvedCallOptions {
    const resolved = this.#resolve(options);
    if (resolved.slices === undefined) return resolved;
    throw invalidValue('sliceFuel', 'slices are for call and invoke', options?.sliceFuel);
  }

  #functionType(name: string, args: readonly Value[]): FunctionType {
    const type = requireFunction(this.#info, checkName(name));
    if (!Array.isArray(args)) throw invalidType('args', 'an array', args);
    return type;
  }

  /** No async function: results of calls that end together shall come in the order of the calls, of whatever kind. */
  #invoke(name: string, type: FunctionType, args: readonly Value[], options: ResolvedCallOptions): Promise<Value[]> {
    if (!isPlain(type)) return this.#invokeWithReferences(name, type, args, options);
    checkArguments(name, type, args);
    return this.#instance.invoke(name, args, options) as Promise<Value[]>;
  }

  #result(name: string, raw: RawResult): CallResult {
    if (callsObserved()) called({ instance: this, name, receipt: raw.receipt });
    return new CallResult(raw);
  }

  /**
   * A call that did not return: what it resolves with if a host function has terminated it, else its error is thrown.
   *
   * @param callee what was called, see {@link leave}
   */
  #ended(name: string, thrown: unknown, callee: (...args: never[]) => unknown): RawResult {
    if (thrown instanceof Termination) return thrown as RawResult;
    leave(thrown, callee);
    if (callsObserved()) called({ instance: this, name, error: thrown });
    throw thrown;
  }

  async #step(name: string, type: FunctionType, next: () => Promise<RawStep>): Promise<Step> {
    let step: RawStep;
    try {
      step = await this.#references.during(next);
    } catch (thrown) {
      return { done: true, value: [this.#ended(name, thrown, this.#step).bytes] };
    }
    if (!step.done) return openStep(step, this.#references, (then) => this.#step(name, type, then));
    if (callsObserved()) called({ instance: this, name });
    return { done: true, value: this.#references.liftAll(type.results, step.value) };
  }
}

const { call, callSync, callRaw, invoke } = Instance.prototype;

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'a string', name);
  return name;
}
