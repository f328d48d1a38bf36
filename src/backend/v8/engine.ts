import { createHash } from 'node:crypto';
import { AingleWasmError, createError } from '../../errors/error';
import { prepareModule } from '../../fallback';
import type { CacheStats, EngineStats, ValidationResult } from '../../types';
import type { BackendEngine, BackendModule, ResolvedEngineOptions } from '../backend';
import { LruCache } from './cache';
import type { Meter } from './meter';
import { type CompiledModule, V8Module } from './module';
import { CallQueue } from './queue';

const PAGE_BYTES = 65_536;

/** Two counts of this size have an exact sum. */
const MAX_RECENT_FUEL = 2 ** 52;

/** A place among the live instances of an engine. */
export interface InstancePermit {
  /** Gives the place back; a second time does nothing. */
  release(): void;
}

/** Compiles with V8 and keeps what its modules and instances share. */
export class V8Engine implements BackendEngine {
  readonly options: ResolvedEngineOptions;
  readonly queue: CallQueue;
  closed = false;
  readonly #config: string;
  readonly #cache: LruCache<Promise<CompiledModule>>;
  /** Gives back the places of instances that were dropped without `close`. */
  readonly #dropped = new FinalizationRegistry<InstancePermit>((permit) => permit.release());
  #compiled = 0;
  #instances = 0;
  #calls = 0;
  #stopped = 0;
  #fuel = 0n;
  /** Fuel not yet in `#fuel`: an addition of numbers costs a fortieth of one of bigints. */
  #recentFuel = 0;

  constructor(options: ResolvedEngineOptions) {
    this.options = options;
    this.queue = new CallQueue(options.queue);
    this.#cache = new LruCache(options.cacheSize);
    this.#config = JSON.stringify({
      complexity: options.complexity,
      memoryPages: options.limits.memoryBytes / PAGE_BYTES,
      tableElements: options.limits.tableElements,
      canonicalizeNans: options.canonicalizeNans,
      costs: options.costs,
      adapters: 'vectors',
    });
  }

  validate(bytes: Uint8Array): ValidationResult {
    this.requireOpen();
    try {
      prepareModule(bytes, this.#config);
      return { ok: true };
    } catch (error) {
      if (!(error instanceof AingleWasmError) || error.code === 'ERR_INTERNAL') throw error;
      const { code, message, details } = error;
      const offset = details?.offset;
      return typeof offset === 'number' ? { ok: false, code, message, offset } : { ok: false, code, message };
    }
  }

  async compile(bytes: Uint8Array): Promise<BackendModule> {
    this.requireOpen();
    return new V8Module(this, await this.#compile(bytes, digestOf(bytes)));
  }

  compileSync(bytes: Uint8Array): BackendModule {
    this.requireOpen();
    const prepared = this.#prepare(bytes, digestOf(bytes));
    return new V8Module(this, this.#finish(prepared, compileNow(prepared.bytes)));
  }

  /**
   * The cache finds modules by the digest of their bytes, so the label cannot stand for other bytes. Simultaneous requests share one
   * compilation, which is why promises are kept.
   */
  async compileCached(_label: Uint8Array, bytes: Uint8Array): Promise<BackendModule> {
    this.requireOpen();
    const digest = digestOf(bytes);
    const compiled = this.#cache.get(digest) ?? this.#compileInto(digest, bytes);
    return new V8Module(this, await compiled);
  }

  cacheStats(): CacheStats {
    return this.#cache.stats();
  }

  clearCache(): void {
    this.#cache.clear();
  }

  stats(): EngineStats {
    this.#settleFuel();
    return Object.freeze({
      compiled: this.#compiled,
      instances: this.#instances,
      calls: this.#calls,
      stopped: this.#stopped,
      fuel: this.#fuel,
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.queue.refuseAll(engineClosed);
    this.#cache.clear();
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

  /** Gives the permit back when the instance is collected. */
  watch(instance: object, permit: InstancePermit): void {
    this.#dropped.register(instance, permit);
  }

  /** Counts a call that has ended. */
  countCall(meter: Meter, stopped: boolean): void {
    this.#calls++;
    if (stopped) this.#stopped++;
    const used = meter.usedNumber;
    if (used === undefined || used > MAX_RECENT_FUEL) this.#fuel += meter.used;
    else this.#recentFuel += used;
    if (this.#recentFuel > MAX_RECENT_FUEL) this.#settleFuel();
  }

  #settleFuel(): void {
    this.#fuel += BigInt(this.#recentFuel);
    this.#recentFuel = 0;
  }

  async #compile(bytes: Uint8Array, digest: string): Promise<CompiledModule> {
    const prepared = this.#prepare(bytes, digest);
    return this.#finish(prepared, await WebAssembly.compile(prepared.bytes).catch(compileFailed));
  }

  #compileInto(digest: string, bytes: Uint8Array): Promise<CompiledModule> {
    const prepared = this.#prepare(bytes, digest);
    const compiled = WebAssembly.compile(prepared.bytes).then(
      (module) => this.#finish(prepared, module),
      compileFailed,
    );
    this.#cache.set(digest, compiled, prepared.bytes.length);
    compiled.catch(() => this.#cache.delete(digest));
    return compiled;
  }

  #prepare(given: Uint8Array, digest: string): PreparedModule {
    const { bytes, info } = prepareModule(given, this.#config);
    const customSections = info.customSections.map(({ name, start, end }) => ({
      name,
      bytes: given.slice(start, end),
    }));
    return { bytes, info, digest, customSections };
  }

  #finish({ bytes, ...prepared }: PreparedModule, module: WebAssembly.Module): CompiledModule {
    this.#compiled++;
    return { ...prepared, module };
  }
}

type PreparedModule = Omit<CompiledModule, 'module'> & { readonly bytes: Uint8Array };

function compileNow(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    return compileFailed(error);
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function engineClosed(): AingleWasmError {
  return createError('ERR_ENGINE_CLOSED', 'close', { closed: 'engine' });
}

/** V8 refuses what `prepare` accepted: a fault of ours, or a limit of V8 beyond which the caller has raised a cap. */
function compileFailed(error: unknown): never {
  throw createError('ERR_INTERNAL', 'compile', { reason: `V8 did not compile the prepared module: ${error}` }, error);
}
