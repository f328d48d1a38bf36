import type { BackendInstance, ModuleInfoJson, ResolvedCallOptions } from './backend/backend';
import { CallResult } from './call-result';
import { invalidType, outOfRange } from './errors/error';
import { requireFunction } from './exports';
import type { Module } from './module';
import { PAGE_BYTES } from './options/engine';
import { readCallOptions } from './options/instance';
import { checkInteger } from './options/table';
import type { CallOptions, InstanceMemory, InstanceState, Value } from './types';
import { checkArguments } from './values';

const NO_BYTES = new Uint8Array(0);
const MAX_PAGES = 65_536;
const encoder = new TextEncoder();

// biome-ignore lint/suspicious/noExplicitAny: what a guest exports is known at run time only
type ExportedFunction = (...args: any[]) => any;
type Exports = Readonly<Record<string, ExportedFunction>>;

/**
 * A guest with its memory. Made by `module.instantiate`.
 *
 * One call runs at a time: `call` and `invoke` wait for their turn, every other call is refused with `ERR_INSTANCE_BUSY` meanwhile.
 * A trap, a stop or a throwing host function leaves it poisoned (see docs/errors.md): take a new one.
 */
export class Instance {
  readonly module: Module;
  readonly memory: InstanceMemory;
  readonly #info: ModuleInfoJson;
  readonly #instance: BackendInstance;
  readonly #defaults: ResolvedCallOptions;
  #exports: Exports | undefined;

  private constructor(module: Module, info: ModuleInfoJson, fuel: bigint, instance: BackendInstance, data: unknown) {
    this.module = module;
    this.memory = new Memory(instance);
    this.#info = info;
    this.#instance = instance;
    this.#defaults = { fuel, data };
  }

  /** @internal */
  static of(module: Module, info: ModuleInfoJson, fuel: bigint, instance: BackendInstance, data: unknown): Instance {
    return new Instance(module, info, fuel, instance, data);
  }

  /** The guest's exported functions by name, without prototype. They take and give core values; several results come as an array. */
  get exports(): Exports {
    this.#exports ??= bindExports(this.#info, this.#instance);
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

function bindExports(info: ModuleInfoJson, instance: BackendInstance): Exports {
  const bound: Record<string, ExportedFunction> = Object.create(null);
  for (const item of info.exports) {
    if (item.kind === 'function') bound[item.name] = instance.exportFunction(item.name, item.type);
  }
  return Object.freeze(bound);
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

class Memory implements InstanceMemory {
  readonly #instance: BackendInstance;

  constructor(instance: BackendInstance) {
    this.#instance = instance;
  }

  get pages(): number {
    return this.#instance.memoryPages();
  }

  get byteLength(): number {
    return this.pages * PAGE_BYTES;
  }

  read(ptr: number, len: number): Uint8Array {
    this.#checkRange(ptr, len);
    return this.#instance.memoryRead(ptr, len);
  }

  write(ptr: number, bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array)) throw invalidType('bytes', 'a Uint8Array', bytes);
    this.#checkRange(ptr, bytes.length);
    this.#instance.memoryWrite(ptr, bytes);
  }

  grow(pages: number): number {
    return this.#instance.memoryGrow(checkInteger('pages', pages, 0, MAX_PAGES));
  }

  #checkRange(ptr: number, len: number): void {
    const { byteLength } = this;
    checkInteger('ptr', ptr, 0, byteLength);
    checkInteger('len', len, 0, byteLength);
    if (ptr + len > byteLength)
      throw outOfRange('ptr + len', `at most the memory's ${byteLength.toLocaleString('en-US')} bytes`, ptr + len);
  }
}
