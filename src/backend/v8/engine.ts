import { createHash } from 'node:crypto';
import { AingleWasmError, createError } from '../../errors/error';
import { prepareModule } from '../../fallback';
import type { CacheStats, EngineStats, ValidationResult } from '../../types';
import type {
  BackendEngine,
  BackendModule,
  ModuleInfoJson,
  ResolvedCompileOptions,
  ResolvedEngineOptions,
} from '../backend';
import { Backlog } from './backlog';
import { LruCache } from './cache';
import { compileNow } from './compile';
import { Compiler } from './compiler';
import { type CompiledModule, V8Module } from './module';
import { V8Origin } from './origin';
import { CallQueue } from './queue';
import { engineClosed } from './refusals';
import { Totals, type Usage } from './totals';
import { Places } from './worker/places';
import { refuseTakers, takeThread, takeThreadNow, warm } from './worker/pool';
import { Tenancy } from './worker/tenancy';
import type { Thread } from './worker/thread';
import type { Watch } from './worker/watch';

const PAGE_BYTES = 65_536;

/** A place among the live instances of an engine. */
export interface InstancePermit {
  /** Gives the place back; a second time does nothing. */
  release(): void;
}

/** Compiles with V8 and keeps what its modules and instances share. */
export class V8Engine implements BackendEngine {
  readonly options: ResolvedEngineOptions;
  readonly backlog: Backlog;
  readonly queue: CallQueue;
  /** Of the calls that run in workers. */
  readonly places: Places;
  closed = false;
  readonly #config: object;
  readonly #compiler: Compiler;
  readonly #cache: LruCache<Promise<CompiledModule>>;
  /** Gives back what instances had that were dropped without `close`. */
  readonly #dropped = new FinalizationRegistry<InstancePermit>((permit) => permit.release());
  readonly #totals = new Totals();
  /** Guests that live in workers. */
  readonly #tenancies = new Set<Tenancy>();
  /** The worker of the instances that share one. */
  #shared: Thread | undefined;
  #compiled = 0;
  #instances = 0;

  constructor(options: ResolvedEngineOptions, threadsAsked: boolean) {
    this.options = options;
    this.backlog = new Backlog(options.queue);
    this.queue = new CallQueue(this.backlog);
    this.places = new Places(options.threads, !threadsAsked);
    this.#compiler = new Compiler(options.limits.compileMs);
    this.#cache = new LruCache(options.cacheSize);
    this.#config = {
      complexity: options.complexity,
      memoryPages: options.limits.memoryBytes / PAGE_BYTES,
      tableElements: options.limits.tableElements,
      canonicalizeNans: options.canonicalizeNans,
      costs: options.costs,
      adapters: 'vectors',
    };
  }

  validate(bytes: Uint8Array): ValidationResult {
    this.requireOpen();
    try {
      prepareModule(bytes, this.#configFor(DEFAULT));
      return { ok: true };
    } catch (error) {
      if (!(error instanceof AingleWasmError) || error.code === 'ERR_INTERNAL') throw error;
      const { code, message, details } = error;
      const offset = details?.offset;
      return typeof offset === 'number' ? { ok: false, code, message, offset } : { ok: false, code, message };
    }
  }

  async compile(bytes: Uint8Array, options: ResolvedCompileOptions): Promise<BackendModule> {
    this.requireOpen();
    const given = new Uint8Array(bytes);
    return new V8Module(this, await this.#compile(given, digestOf(given), options));
  }

  compileSync(bytes: Uint8Array, options: ResolvedCompileOptions): BackendModule {
    this.requireOpen();
    const origin = new V8Origin(new Uint8Array(bytes), this.#configFor(options));
    const { bytes: prepared, info } = prepareModule(origin.bytes, origin.config);
    return new V8Module(this, this.#finish(origin, digestOf(origin.bytes), compileNow(prepared), info, options));
  }

  /**
   * The cache finds modules by the digest of their bytes, so the label cannot stand for other bytes. Simultaneous requests share one
   * compilation, which is why promises are kept.
   */
  async compileCached(_label: Uint8Array, bytes: Uint8Array, options: ResolvedCompileOptions): Promise<BackendModule> {
    this.requireOpen();
    const digest = digestOf(bytes);
    const key = `${digest} ${options.sliceable}`;
    const compiled = this.#cache.get(key) ?? this.#compileInto(key, new Uint8Array(bytes), digest, options);
    return new V8Module(this, await compiled);
  }

  cacheStats(): CacheStats {
    return this.#cache.stats();
  }

  clearCache(): void {
    this.#cache.clear();
  }

  stats(): EngineStats {
    const { calls, stopped, fuel } = this.#totals;
    return Object.freeze({ compiled: this.#compiled, instances: this.#instances, calls, stopped, fuel });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.queue.refuseAll(engineClosed);
    this.#compiler.stop(engineClosed);
    this.#cache.clear();
    refuseTakers(this.places, engineClosed);
    const threads = new Set([...this.#tenancies].map(({ thread }) => thread));
    for (const tenancy of this.#tenancies) tenancy.evict();
    this.#shared?.end();
    await Promise.all([...threads].flatMap((thread) => (thread.dead === undefined ? [] : [thread.exited])));
  }

  requireOpen(): void {
    if (this.closed) throw engineClosed();
  }

  /**
   * Takes a place for an instance.
   * @throws {AingleWasmError} `ERR_OUT_OF_MEMORY` if all are taken
   */
  admitInstance(): InstancePermit {
    const limit = this.options.limits.instances;
    if (this.#instances >= limit) {
      throw createError('ERR_OUT_OF_MEMORY', 'link', { resource: 'instances', limit, value: this.#instances + 1 });
    }
    this.#instances++;
    let held = true;
    return {
      release: () => {
        if (held) this.#instances--;
        held = false;
      },
    };
  }

  /**
   * Takes a place for an instance, and one in a worker for its guest.
   *
   * @param shared whether the guest may live in one worker with others
   * @param watch until when that may take
   * @throws {AingleWasmError} `ERR_OUT_OF_MEMORY` if all places are taken, `ERR_ENGINE_UNAVAILABLE` without workers, and what `watch` ends it with
   */
  async admitTenant(shared: boolean, watch: Watch): Promise<Tenancy> {
    const permit = this.admitInstance();
    try {
      const thread = shared ? this.#sharedThread() : await takeThread(this.places, watch);
      if (!shared) warm();
      const tenancy = new Tenancy(thread, permit, shared, () => this.#tenancies.delete(tenancy));
      this.#tenancies.add(tenancy);
      return tenancy;
    } catch (error) {
      permit.release();
      throw error;
    }
  }

  /** Gives the permit back when the instance is collected. */
  watch(instance: object, permit: InstancePermit): void {
    this.#dropped.register(instance, permit);
  }

  /** Counts a call that has ended. */
  countCall(usage: Usage, stopped: boolean): void {
    this.#totals.count(usage, stopped);
  }

  #sharedThread(): Thread {
    if (this.#shared === undefined || this.#shared.dead !== undefined) this.#shared = takeThreadNow();
    return this.#shared;
  }

  #configFor({ sliceable }: ResolvedCompileOptions): string {
    return JSON.stringify(sliceable ? { ...this.#config, sliceable } : this.#config);
  }

  /** `given` must not change any more. */
  async #compile(given: Uint8Array, digest: string, options: ResolvedCompileOptions): Promise<CompiledModule> {
    const config = this.#configFor(options);
    const { module, info } = await this.#compiler.compile({ bytes: given, config });
    return this.#finish(new V8Origin(given, config), digest, module, info, options);
  }

  #compileInto(
    key: string,
    given: Uint8Array,
    digest: string,
    options: ResolvedCompileOptions,
  ): Promise<CompiledModule> {
    const compiled = this.#compile(given, digest, options);
    this.#cache.set(key, compiled, given.length);
    compiled.catch(() => this.#cache.delete(key));
    return compiled;
  }

  #finish(
    origin: V8Origin,
    digest: string,
    module: WebAssembly.Module,
    info: ModuleInfoJson,
    { sliceable }: ResolvedCompileOptions,
  ): CompiledModule {
    this.#compiled++;
    return { module, info, digest, origin, sliceable };
  }
}

const DEFAULT: ResolvedCompileOptions = { sliceable: false };

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
