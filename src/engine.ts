import type { BackendEngine, BackendModule, LoadAttempt, ResolvedEngineOptions } from './backend/backend';
import { selectBackend } from './backend/select';
import { compiled, compilesObserved } from './diagnostics';
import { createError, invalidType, invalidValue } from './errors/error';
import { measureFuel } from './measure';
import { Module } from './module';
import { readEngineOptions } from './options/engine';
import { readCompileOptions } from './options/instance';
import { ownValue } from './options/table';
import { givenBytes, isPath, loadFile, SOURCE_TYPES } from './source';
import type {
  BackendKind,
  Bytes,
  CacheStats,
  CompileOptions,
  EngineOptions,
  EngineStats,
  FuelMeasurement,
  MeasureInput,
  MeasureOptions,
  ValidationResult,
} from './types';

const encoder = new TextEncoder();

/** What runs an engine's guests, and what was tried before. */
export interface BackendDescription {
  readonly kind: BackendKind;
  /** Version of the engine behind it. */
  readonly version: string;
  /** Where it was loaded from. */
  readonly source: string;
  readonly attempts: readonly LoadAttempt[];
}

/**
 * Compiles modules and holds the limits of what runs in them. One for each set of limits is enough; making one costs little.
 *
 * @example
 * const engine = new Engine({ meteringLimit: 1_000_000_000n });
 * const module = await engine.compile('guest.wasm');
 */
export class Engine {
  /** What runs guests here, and why. */
  readonly backend: BackendDescription;
  /** What this backend can do that another cannot, by name. */
  readonly capabilities: Readonly<Record<string, boolean>>;
  /** All options with their defaults, frozen. */
  readonly options: ResolvedEngineOptions;
  /** The cache of `compileCached`. */
  readonly cache: { stats(): CacheStats; clear(): void };
  readonly #engine: BackendEngine;
  /** Whether the caller asked for a time limit, which must not be dropped then. */
  readonly #timeoutAsked: boolean;
  #closed = false;

  /**
   * Checks all options at once. Starts no thread and reads no file but the backend's own.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` (also for unknown options)
   * @throws {RangeError} `ERR_OUT_OF_RANGE`
   * @throws {AingleWasmError} `ERR_ENGINE_UNAVAILABLE` if the backend asked for cannot run here
   */
  constructor(options?: EngineOptions) {
    this.options = readEngineOptions(options);
    this.#timeoutAsked = typeof ownValue(options ?? {}, 'timeoutMs') === 'number';
    const { factory, attempts } = selectBackend(this.options.backend);
    const { kind, version, source } = factory;
    this.backend = Object.freeze({ kind, version, source, attempts: Object.freeze([...attempts]) });
    this.capabilities = factory.capabilities;
    const engine = factory.createEngine(this.options, ownValue(options ?? {}, 'threads') !== undefined);
    this.#engine = engine;
    this.cache = Object.freeze({ stats: () => engine.cacheStats(), clear: () => engine.clearCache() });
  }

  /** What happened in this engine until now. */
  get stats(): EngineStats {
    return this.#engine.stats();
  }

  /** Whether `compile` would accept a module; says why if not. Nothing is compiled. */
  validate(source: Bytes): ValidationResult {
    this.#requireOpen();
    return this.#engine.validate(givenBytes('source', source));
  }

  /**
   * Prepares and compiles a module.
   *
   * @param source the module's bytes, or the path or `file:` URL of a file; a `.wat` file is assembled if the package `wabt` is installed
   * @throws {AingleWasmError} `ERR_MODULE_MALFORMED`, `ERR_MODULE_INVALID`, `ERR_FEATURE_DISABLED`, `ERR_MODULE_TOO_COMPLEX`,
   *   `ERR_MEMORY_LIMIT`, `ERR_TABLE_LIMIT`, `ERR_COMPILE_TIMEOUT` after `limits.compileMs`, `ERR_ENGINE_CLOSED`; file system errors as
   *   Node throws them
   */
  async compile(source: Bytes | string | URL, options?: CompileOptions): Promise<Module> {
    this.#requireOpen();
    const resolved = readCompileOptions(options);
    // Bytes are handed over at once, so that the caller may reuse them; only a file is waited for.
    const bytes = isPath(source) ? await loadFile(source) : givenBytes('source', source, SOURCE_TYPES);
    return this.#observed(() => this.#engine.compile(bytes, resolved));
  }

  /** As {@link compile}, of bytes, on this thread. */
  compileSync(source: Bytes, options?: CompileOptions): Module {
    this.#requireOpen();
    return this.#adopt(this.#engine.compileSync(givenBytes('source', source), readCompileOptions(options)));
  }

  /**
   * As {@link compile}, of bytes, kept in the engine's cache: the same label and bytes give the same compiled code, other bytes never do.
   *
   * @param label what the caller calls the module
   */
  async compileCached(label: string | Uint8Array, source: Bytes, options?: CompileOptions): Promise<Module> {
    this.#requireOpen();
    const resolved = readCompileOptions(options);
    const key = typeof label === 'string' ? encoder.encode(label) : label;
    if (!(key instanceof Uint8Array)) throw invalidType('label', 'a string or a Uint8Array', label);
    const bytes = givenBytes('source', source);
    return this.#observed(() => this.#engine.compileCached(key, bytes, resolved));
  }

  /**
   * Runs an exported function once for each sample input and says what the calls cost: the figures to choose a fuel limit by.
   *
   * Every input has a new instance, so that no call pays for what another left behind and the order does not matter. One runs at a time.
   * Instantiation is not counted. The counts are the same on every backend and machine.
   *
   * @param module compiled by this engine
   * @param name exported function
   * @param inputs bytes or text for `call`, arrays of core values for `invoke`; at least one
   * @param options `fuel` of each call (default `engine.options.meteringLimit`), `instance`: options of the instances
   * @throws {AingleWasmError} what instantiation fails with; `ERR_EXPORT_NOT_FOUND`; if no call returned, what the first one failed with
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` (no inputs; a module of another engine)
   * @example
   * const { p99, max } = await engine.measure(module, 'summarize', reports);
   * const limit = 4n * max;
   */
  async measure(
    module: Module,
    name: string,
    inputs: Iterable<MeasureInput>,
    options?: MeasureOptions,
  ): Promise<FuelMeasurement> {
    this.#requireOpen();
    if (!(module instanceof Module)) throw invalidType('module', 'a Module', module);
    if (!Module.isOf(this.options, module)) throw invalidValue('module', 'one that this engine compiled', module);
    return measureFuel(module, name, inputs, options);
  }

  /** Refuses new work, stops the calls that run, rejects those that wait for their turn, and resolves when all have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #observed(compile: () => Promise<BackendModule>): Promise<Module> {
    if (!compilesObserved()) return this.#adopt(await compile());
    const begun = performance.now();
    try {
      const module = this.#adopt(await compile());
      compiled({ module, wallMs: performance.now() - begun });
      return module;
    } catch (error) {
      compiled({ error, wallMs: performance.now() - begun });
      throw error;
    }
  }

  #adopt(module: BackendModule): Module {
    return Module.of(this.options, this.#timeoutAsked, module);
  }

  #requireOpen(): void {
    if (this.#closed) throw createError('ERR_ENGINE_CLOSED', 'close', { closed: 'engine' });
  }
}
