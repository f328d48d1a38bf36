import type { BackendInstance, ModuleInfoJson, ResolvedCallOptions } from './backend/backend';
import { BoundExports, type Exports, type ImportedObjects } from './bound-exports';
import { CallResult } from './call-result';
import { invalidType } from './errors/error';
import { requireFunction } from './exports';
import { Memory, memoryOf } from './memory';
import type { Module } from './module';
import { readCallOptions } from './options/instance';
import type { References } from './references';
import type { CallOptions, FunctionType, InstanceState, Value } from './types';
import { checkArguments, isPlain } from './values';

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

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
    fuel: bigint,
    instance: BackendInstance,
    data: unknown,
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
    this.#defaults = { fuel, data };
  }

  /** @internal */
  static of(
    module: Module,
    info: ModuleInfoJson,
    fuel: bigint,
    instance: BackendInstance,
    data: unknown,
    imported: ImportedObjects,
    references: References,
  ): Instance {
    return new Instance(module, info, fuel, instance, data, imported, references);
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

  /**
   * Calls an exported function with bytes and resolves with what it returned. Waits for its turn.
   *
   * @param name exported function `(ptr: i32, len: i32) => i64`
   * @param input bytes, or text (sent as UTF-8); copied before this returns. Default: no bytes
   * @param options `fuel` (operators, default `engine.options.meteringLimit`), `data`
   * @throws {AingleWasmError} `ERR_FUEL_EXHAUSTED`, `ERR_TRAP`, `ERR_STACK_OVERFLOW`, `ERR_OUT_OF_MEMORY`, `ERR_HOST_FUNCTION` (the instance is
   *   then poisoned); `ERR_GUEST`, `ERR_GUEST_POINTER`, `ERR_ENVELOPE_*`, `ERR_OUTPUT_LIMIT` (it stays usable); `ERR_EXPORT_NOT_FOUND`,
   *   `ERR_QUEUE_FULL`, `ERR_INSTANCE_POISONED`, `ERR_INSTANCE_CLOSED`, `ERR_ENGINE_CLOSED` (nothing ran)
   * @example const { bytes } = await instance.call('resize', jpeg, { fuel: 50_000_000n })
   */
  async call(name: string, input?: Uint8Array | string, options?: CallOptions): Promise<CallResult> {
    return new CallResult(await this.#instance.call(checkName(name), toBytes(input), this.#resolve(options)));
  }

  /** As {@link call}, on this thread; refused with `ERR_INSTANCE_BUSY` while another call waits or runs. */
  callSync(name: string, input?: Uint8Array | string, options?: CallOptions): CallResult {
    return new CallResult(this.#instance.callSync(checkName(name), toBytes(input), this.#resolve(options)));
  }

  /** Bytes in, bytes out, on this thread, with the engine's fuel: the shortest path. Fails as {@link callSync} does. */
  callRaw(name: string, input: Uint8Array): Uint8Array {
    if (!(input instanceof Uint8Array)) throw invalidType('input', 'a Uint8Array', input);
    return this.#instance.callRaw(checkName(name), input);
  }

  /**
   * Calls an exported function with core values and resolves with an array of its results. Waits for its turn.
   *
   * @param args a {@link Value} for each parameter
   */
  async invoke(name: string, args: readonly Value[] = [], options?: CallOptions): Promise<Value[]> {
    const type = requireFunction(this.#info, checkName(name));
    if (!Array.isArray(args)) throw invalidType('args', 'an array', args);
    if (!isPlain(type)) return this.#invokeWithReferences(name, type, args, this.#resolve(options));
    checkArguments(name, type, args);
    return this.#instance.invoke(name, args, this.#resolve(options));
  }

  /** Gives the guest's memory back. Calls that wait are rejected with `ERR_INSTANCE_CLOSED`; one that runs ends first. */
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
    this.#exports ??= new BoundExports(this.#info, this.#instance, this.memory, this.#imported, this.#references);
    return this.#exports;
  }

  #resolve(options: CallOptions | undefined): ResolvedCallOptions {
    if (options === undefined) return this.#defaults;
    const { fuel, data } = readCallOptions(options);
    return { fuel: fuel ?? this.#defaults.fuel, data: data ?? this.#defaults.data };
  }
}

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'a string', name);
  return name;
}

function toBytes(input: unknown): Uint8Array {
  if (input === undefined) return NO_BYTES;
  if (typeof input === 'string') return encoder.encode(input);
  if (input instanceof Uint8Array) return input;
  throw invalidType('input', 'a Uint8Array or a string', input);
}
