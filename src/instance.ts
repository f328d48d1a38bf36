import type { BackendInstance, ModuleInfoJson, RawResult, RawStep, ResolvedCallOptions } from './backend/backend';
import { CallResult } from './call-result';
import { called, callsObserved } from './diagnostics';
import { createError, invalidType, invalidValue } from './errors/error';
import { requireFunction } from './exports';
import { Global, globalOf } from './global';
import { type CallInput, toBytes } from './input';
import { Memory, memoryOf } from './memory';
import type { Module } from './module';
import { readCallOptions } from './options/instance';
import { openStep } from './step';
import { Termination } from './termination';
import type { CallOptions, FunctionType, InstanceState, InstanceStats, Step, Value } from './types';
import { checkArguments } from './values';

// biome-ignore lint/suspicious/noExplicitAny: what a guest exports is known at run time only
type Exports = Readonly<Record<string, any>>;

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
  #exports: Exports | undefined;

  private constructor(
    module: Module,
    info: ModuleInfoJson,
    defaults: ResolvedCallOptions,
    instance: BackendInstance,
    memory: Memory | undefined,
  ) {
    this.module = module;
    this.memory = memory ?? Memory.of(memoryOf(instance));
    this.#info = info;
    this.#instance = instance;
    this.#defaults = defaults;
  }

  /** @internal */
  static of(
    module: Module,
    info: ModuleInfoJson,
    defaults: ResolvedCallOptions,
    instance: BackendInstance,
    memory?: Memory,
  ): Instance {
    return new Instance(module, info, defaults, instance, memory);
  }

  /**
   * What the guest exports by name, without prototype: functions, which take and give core values (several results come as an array), the
   * {@link Memory} and {@link Global}s.
   */
  get exports(): Exports {
    this.#exports ??= this.#bindExports();
    return this.#exports;
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
      return this.#result(name, this.#ended(name, thrown));
    }
  }

  /** As {@link call}, on this thread; refused with `ERR_INSTANCE_BUSY` while another call waits or runs. */
  callSync(name: string, input?: CallInput, options?: CallOptions): CallResult {
    checkName(name);
    const bytes = toBytes(input);
    const resolved = this.#resolve(options);
    if (resolved.slices !== undefined)
      throw invalidValue('sliceFuel', 'slices are for call and invoke', options?.sliceFuel);
    try {
      return this.#result(name, this.#instance.callSync(name, bytes, resolved));
    } catch (thrown) {
      return this.#result(name, this.#ended(name, thrown));
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
      return this.#ended(name, thrown).bytes;
    }
  }

  /**
   * Calls an exported function with core values and resolves with an array of its results. Waits for its turn. A host function that ends the call
   * by `terminate` makes it resolve with an array of the one value given there.
   *
   * @param args a number for each `i32`, `f32`, `f64`, a bigint for each `i64`
   */
  async invoke(name: string, args: readonly Value[] = [], options?: CallOptions): Promise<Value[]> {
    this.#checkInvocation(name, args);
    const resolved = this.#resolve(options);
    try {
      const results = await this.#instance.invoke(name, args, resolved);
      if (callsObserved()) called({ instance: this, name });
      return results;
    } catch (thrown) {
      return [this.#ended(name, thrown).bytes as never];
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
    this.#checkInvocation(name, args);
    const resolved = this.#resolve(options);
    return this.#step(name, this.#instance.start(name, args, resolved));
  }

  /** Stops the call that runs, rejects those that wait, all with `ERR_INSTANCE_CLOSED`, and gives the guest's memory back. */
  close(): void {
    this.#instance.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #resolve(options: CallOptions | undefined): ResolvedCallOptions {
    if (options === undefined) return this.#defaults;
    const resolved = readCallOptions(options, this.#defaults);
    const { signal } = resolved;
    if (signal?.aborted === true) throw createError('ERR_ABORTED', 'call', undefined, signal.reason);
    return resolved;
  }

  #checkInvocation(name: string, args: readonly Value[]): void {
    const type = requireFunction(this.#info, checkName(name));
    if (!Array.isArray(args)) throw invalidType('args', 'an array', args);
    checkArguments(name, type, args);
  }

  #result(name: string, raw: RawResult): CallResult {
    if (callsObserved()) called({ instance: this, name, receipt: raw.receipt });
    return new CallResult(raw);
  }

  /** A call that did not return: what it resolves with if a host function has terminated it, else its error is thrown. */
  #ended(name: string, thrown: unknown): RawResult {
    if (thrown instanceof Termination) return thrown as RawResult;
    if (callsObserved()) called({ instance: this, name, error: thrown });
    throw thrown;
  }

  async #step(name: string, raw: Promise<RawStep>): Promise<Step> {
    let step: RawStep;
    try {
      step = await raw;
    } catch (thrown) {
      return { done: true, value: [this.#ended(name, thrown).bytes as never] };
    }
    if (!step.done) return openStep(step, (next) => this.#step(name, next));
    if (callsObserved()) called({ instance: this, name });
    return step;
  }

  #bindExports(): Exports {
    const bound: Record<string, unknown> = Object.create(null);
    let global = this.#info.imports.filter(({ kind }) => kind === 'global').length;
    for (const item of this.#info.exports) {
      if (item.kind === 'function') bound[item.name] = this.#bindFunction(item.name, item.type);
      else if (item.kind === 'memory') bound[item.name] = this.memory;
      else if (item.kind === 'global') bound[item.name] = Global.of(item.type, globalOf(this.#instance, global++));
    }
    return Object.freeze(bound) as Exports;
  }

  #bindFunction(name: string, type: FunctionType) {
    return this.#instance.exportFunction(name, type, (thrown) => {
      if (thrown !== undefined) return this.#ended(name, thrown).bytes;
      called({ instance: this, name });
      return undefined;
    });
  }
}

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'a string', name);
  return name;
}
