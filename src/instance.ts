import type { BackendInstance, ModuleInfoJson, ResolvedCallOptions } from './backend/backend';
import { CallResult } from './call-result';
import { invalidType } from './errors/error';
import { requireFunction } from './exports';
import { Global, globalOf } from './global';
import { Memory, memoryOf } from './memory';
import type { Module } from './module';
import { readCallOptions } from './options/instance';
import type { CallOptions, InstanceState, Value } from './types';
import { checkArguments } from './values';

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

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
    fuel: bigint,
    instance: BackendInstance,
    data: unknown,
    memory: Memory | undefined,
  ) {
    this.module = module;
    this.memory = memory ?? Memory.of(memoryOf(instance));
    this.#info = info;
    this.#instance = instance;
    this.#defaults = { fuel, data };
  }

  /** @internal */
  static of(
    module: Module,
    info: ModuleInfoJson,
    fuel: bigint,
    instance: BackendInstance,
    data: unknown,
    memory?: Memory,
  ): Instance {
    return new Instance(module, info, fuel, instance, data, memory);
  }

  /**
   * What the guest exports by name, without prototype: functions, which take and give core values (several results come as an array), the
   * {@link Memory} and {@link Global}s.
   */
  get exports(): Exports {
    this.#exports ??= bindExports(this.#info, this.#instance, this.memory);
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
   * @param args a number for each `i32`, `f32`, `f64`, a bigint for each `i64`
   */
  async invoke(name: string, args: readonly Value[] = [], options?: CallOptions): Promise<Value[]> {
    const type = requireFunction(this.#info, checkName(name));
    if (!Array.isArray(args)) throw invalidType('args', 'an array', args);
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

  #resolve(options: CallOptions | undefined): ResolvedCallOptions {
    if (options === undefined) return this.#defaults;
    const { fuel, data } = readCallOptions(options);
    return { fuel: fuel ?? this.#defaults.fuel, data: data ?? this.#defaults.data };
  }
}

function bindExports(info: ModuleInfoJson, instance: BackendInstance, memory: Memory): Exports {
  const bound: Record<string, unknown> = Object.create(null);
  let global = info.imports.filter(({ kind }) => kind === 'global').length;
  for (const item of info.exports) {
    if (item.kind === 'function') bound[item.name] = instance.exportFunction(item.name, item.type);
    else if (item.kind === 'memory') bound[item.name] = memory;
    else if (item.kind === 'global') bound[item.name] = Global.of(item.type, globalOf(instance, global++));
  }
  return Object.freeze(bound) as Exports;
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
