import type {
  BackendInstance,
  BackendModule,
  ModuleInfoJson,
  ResolvedCallOptions,
  ResolvedEngineOptions,
  ResolvedInstanceOptions,
} from './backend/backend';
import { createError, invalidType, leave } from './errors/error';
import type { Face } from './host-context';
import { type Linked, linkImports } from './imports';
import { Instance } from './instance';
import { PAGE_BYTES } from './options/engine';
import { readInstanceOptions } from './options/instance';
import type { Claim } from './ownership';
import { References } from './references';
import { Termination } from './termination';
import type { ExportDescriptor, ImportDescriptor, InstanceOptions } from './types';

/** A compiled module: immutable, made by `engine.compile`, instantiated any number of times. */
export class Module {
  /** Hexadecimal SHA-256 of the bytes given. */
  readonly digest: string;
  /** What it imports, in its order. */
  readonly imports: readonly ImportDescriptor[];
  /** What it exports, in its order. */
  readonly exports: readonly ExportDescriptor[];
  readonly #engine: ResolvedEngineOptions;
  /** Whether the engine was made with a time limit, rather than with the default one. */
  readonly #timeoutAsked: boolean;
  readonly #module: BackendModule;
  #closed = false;

  private constructor(engine: ResolvedEngineOptions, timeoutAsked: boolean, module: BackendModule) {
    this.#engine = engine;
    this.#timeoutAsked = timeoutAsked;
    this.#module = module;
    this.digest = module.digest;
    this.imports = deepFreeze(module.info.imports);
    this.exports = deepFreeze(module.info.exports);
  }

  /** @internal */
  static of(engine: ResolvedEngineOptions, timeoutAsked: boolean, module: BackendModule): Module {
    return new Module(engine, timeoutAsked, module);
  }

  /** @internal Whether the engine of these options made it. */
  static isOf(engine: ResolvedEngineOptions, module: Module): boolean {
    return module.#engine === engine;
  }

  /** The contents of the custom sections of this name, in order, copied. */
  customSections(name: string): Uint8Array[] {
    this.#requireOpen();
    if (typeof name !== 'string') throw invalidType('name', 'a string', name);
    return this.#module.customSections(name);
  }

  /**
   * Makes an instance and runs its start function and `_initialize`, if it has them, under `fuel` and `timeoutMs`. On the v8 backend the guest
   * gets a thread of its own.
   *
   * @throws {AingleWasmError} `ERR_IMPORT_MISSING`, `ERR_IMPORT_TYPE` (all at once), `ERR_MEMORY_LIMIT`, `ERR_TABLE_LIMIT`,
   *   `ERR_OUT_OF_MEMORY` (also for too many live instances), and what a call can end with, since guest code runs
   */
  async instantiate(options?: InstanceOptions): Promise<Instance> {
    const { resolved, linked, adopt } = this.#resolve(options);
    const claims = linked.claim();
    try {
      return adopt(await this.#module.instantiate(resolved), claims);
    } catch (thrown) {
      for (const claim of claims) claim.giveBack();
      throw notMade(thrown, instantiate);
    }
  }

  /**
   * As {@link instantiate}, on this thread. On the v8 backend the guest stays on this thread: its calls are short, and nothing can stop them in time.
   *
   * @throws {AingleWasmError} `ERR_ENGINE_UNAVAILABLE` if a time limit was asked for that would not hold
   */
  instantiateSync(options?: InstanceOptions): Instance {
    const { resolved, linked, adopt } = this.#resolve(options);
    const claims = linked.claim();
    try {
      return adopt(this.#module.instantiateSync(resolved), claims);
    } catch (thrown) {
      for (const claim of claims) claim.giveBack();
      throw notMade(thrown, instantiateSync);
    }
  }

  /** Lets go of the compiled code as soon as no instance needs it. Instances that exist go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#module.close();
  }

  /** The resolved options, and what makes the instance's public face once the backend has made its own. */
  #resolve(options: InstanceOptions | undefined) {
    this.#requireOpen();
    const asked = readInstanceOptions(options, this.#engine);
    const { abi, afterTrap, worker, limits, fuel, timeoutMs, signal, data } = asked;
    if (signal?.aborted === true) throw createError('ERR_ABORTED', 'start', undefined, signal.reason);
    const { info } = this.#module;
    const face: Face = {};
    const { memoryBytes, tableElements } = this.#engine.limits;
    const caps = { memoryPages: memoryBytes / PAGE_BYTES, tableElements };
    const references = new References(face);
    const linked = linkImports(info, asked.imports, asked.host, caps, references);
    checkMemory(linked, limits.memoryBytes);
    checkTables(linked, info, limits.tableElements);
    references.seal();
    const { hostFunctions, memories, tables, globals, imported } = linked;
    const timeoutAsked = asked.timeoutAsked || (this.#timeoutAsked && timeoutMs !== null);
    // Written out: a spread takes some microseconds, of 9 to 18 for an instance.
    const resolved: ResolvedInstanceOptions = {
      abi,
      afterTrap,
      worker,
      limits,
      fuel,
      timeoutMs,
      timeoutAsked,
      signal,
      data,
      hostFunctions,
      memories,
      tables,
      globals,
      references: references.given,
    };
    const defaults: ResolvedCallOptions = {
      fuel: this.#engine.meteringLimit,
      timeoutMs: this.#engine.timeoutMs,
      timeoutAsked: false,
      signal: undefined,
      data,
      slices: undefined,
    };
    const adopt = (instance: BackendInstance, claims: readonly Claim[]) => {
      for (const claim of claims) claim.settle(instance);
      face.instance = Instance.of(this, info, defaults, instance, imported, references);
      return face.instance;
    };
    return { resolved, linked, adopt };
  }

  #requireOpen(): void {
    if (this.#closed) throw createError('ERR_ENGINE_CLOSED', 'link', { closed: 'module' });
  }
}

const { instantiate, instantiateSync } = Module.prototype;

/** A start function that a host function has terminated leaves no instance, and nothing that could be returned. */
function notMade(thrown: unknown, callee: (...args: never[]) => unknown): unknown {
  const error = Termination.is(thrown) ? createError('ERR_ABORTED', 'start') : thrown;
  leave(error, callee);
  return error;
}

/** A memory that the host gives may not be larger than the instance allows. */
function checkMemory({ memories }: Linked, limit: number): void {
  for (const { pages } of memories) {
    const value = pages * PAGE_BYTES;
    if (value > limit) throw createError('ERR_MEMORY_LIMIT', 'link', { limit, value });
  }
}

/** Tables that the host gives larger than they are asked for count as they are. */
function checkTables({ extraElements }: Linked, { tableElements }: ModuleInfoJson, limit: number): void {
  const value = tableElements + extraElements;
  if (extraElements > 0 && value > limit) throw createError('ERR_TABLE_LIMIT', 'link', { limit, value });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
