import type { AingleWasmError } from '../../errors/error';
import type { CacheStats, EngineStats, ValidationResult } from '../../types';
import type { BackendEngine, ResolvedCompileOptions, ResolvedEngineOptions, ResolvedLimits } from '../backend';
import type {
  NativeCompileOptions,
  NativeEngine,
  NativeEngineOptions,
  NativeKind,
  NativeLimits,
  NativeModule,
} from './binding';
import { native, toError } from './failure';
import { NativeBackendModule } from './module';
import type { Runtime } from './runtime';

export class NativeBackendEngine implements BackendEngine {
  readonly #runtime: Runtime;
  readonly #engine: NativeEngine;
  readonly #compileMs: number;

  constructor(runtime: Runtime, options: ResolvedEngineOptions, threadsAsked: boolean) {
    this.#runtime = runtime;
    this.#compileMs = options.limits.compileMs;
    const given = engineOptions(runtime.kind, options, threadsAsked);
    this.#engine = native(() => runtime.binding.createEngine(runtime.handle, given));
  }

  validate(bytes: Uint8Array): ValidationResult {
    try {
      this.#runtime.binding.validate(this.#engine, bytes);
      return { ok: true };
    } catch (raw) {
      const { code, message, details } = toError(raw) as AingleWasmError;
      const offset = details?.offset;
      return typeof offset === 'number' ? { ok: false, code, message, offset } : { ok: false, code, message };
    }
  }

  compile(bytes: Uint8Array, options: ResolvedCompileOptions): Promise<NativeBackendModule> {
    return this.#compile(bytes, undefined, options);
  }

  compileCached(label: Uint8Array, bytes: Uint8Array, options: ResolvedCompileOptions): Promise<NativeBackendModule> {
    return this.#compile(bytes, label, options);
  }

  compileSync(bytes: Uint8Array, options: ResolvedCompileOptions): NativeBackendModule {
    const compile = () => this.#runtime.binding.compileSync(this.#engine, bytes, this.#compileOptions(options));
    return this.#wrap(native(compile), options);
  }

  cacheStats(): CacheStats {
    return native(() => this.#runtime.binding.cacheStats(this.#engine));
  }

  clearCache(): void {
    native(() => this.#runtime.binding.clearCache(this.#engine));
  }

  stats(): EngineStats {
    return native(() => this.#runtime.binding.engineStats(this.#engine));
  }

  close(): Promise<void> {
    return this.#runtime.promise((id) => this.#runtime.binding.closeEngine(this.#engine, id));
  }

  async #compile(
    bytes: Uint8Array,
    label: Uint8Array | undefined,
    options: ResolvedCompileOptions,
  ): Promise<NativeBackendModule> {
    const { binding } = this.#runtime;
    const begin = (id: number) => binding.compile(this.#engine, id, bytes, label, this.#compileOptions(options));
    return this.#wrap(await this.#runtime.promise<NativeModule>(begin), options);
  }

  #compileOptions({ sliceable }: ResolvedCompileOptions): NativeCompileOptions {
    return { sliceable, limit: this.#compileMs };
  }

  #wrap(module: NativeModule, { sliceable }: ResolvedCompileOptions): NativeBackendModule {
    return new NativeBackendModule(this.#runtime, module, sliceable);
  }
}

/** The addon reads properties wherever they come from: objects for it name all that it reads, what is undefined as well, or have no prototype. */
function engineOptions(
  backend: NativeKind,
  options: ResolvedEngineOptions,
  threadsAsked: boolean,
): NativeEngineOptions {
  const {
    meteringLimit,
    canonicalizeNans,
    costs,
    cacheSize,
    staticMemoryBound,
    limits,
    complexity,
    timeoutMs,
    threads,
    queue,
  } = options;
  return {
    backend,
    meteringLimit,
    canonicalizeNans,
    costs,
    cacheSize,
    staticMemoryBound: staticMemoryBound === 'auto' ? undefined : staticMemoryBound,
    limits: nativeLimits(limits),
    instances: limits.instances,
    complexity,
    timeoutMs: timeoutMs ?? undefined,
    threads: threadsAsked ? threads : 0,
    queue,
  };
}

export function nativeLimits({
  memoryBytes,
  tableElements,
  callDepth,
  outputBytes,
  hostCalls,
}: ResolvedLimits): NativeLimits {
  return { memoryBytes, tableElements, callDepth, outputBytes, hostCalls };
}
