import type { BackendInstance, BackendModule, ModuleInfoJson, ResolvedInstanceOptions } from '../backend';
import type { V8Engine } from './engine';
import { V8Instance } from './instance';
import { makeGuest } from './instantiate';
import type { V8Origin } from './origin';
import { unstoppable } from './refusals';
import { RemoteInstance } from './worker/remote-instance';
import { makeRequest } from './worker/request';
import { Watch } from './worker/watch';

/** What compiling gives: shared by all modules of the same bytes that came from the cache. */
export interface CompiledModule {
  readonly module: WebAssembly.Module;
  readonly info: ModuleInfoJson;
  readonly digest: string;
  /** Whether its calls can be run in slices. */
  readonly sliceable: boolean;
  readonly origin: V8Origin;
}

export class V8Module implements BackendModule {
  readonly #engine: V8Engine;
  readonly #compiled: CompiledModule;

  constructor(engine: V8Engine, compiled: CompiledModule) {
    this.#engine = engine;
    this.#compiled = compiled;
  }

  get digest(): string {
    return this.#compiled.digest;
  }

  get info(): ModuleInfoJson {
    return this.#compiled.info;
  }

  customSections(name: string): Uint8Array[] {
    const { info, origin } = this.#compiled;
    const sections = info.customSections.filter((section) => section.name === name);
    return sections.map(({ start, end }) => origin.bytes.slice(start, end));
  }

  async instantiate(options: ResolvedInstanceOptions): Promise<BackendInstance> {
    this.#engine.requireOpen();
    const { module, info } = this.#compiled;
    const watch = new Watch({ timeoutMs: options.timeoutMs, signal: options.signal, phase: 'start' });
    const tenancy = await this.#engine.admitTenant(options.worker === 'shared', watch);
    const instance = new RemoteInstance(this.#engine, tenancy, this.#compiled, options);
    try {
      await instance.make(
        makeRequest(tenancy.tenant, module, info, options, this.#engine.options.limits.tableElements),
        options,
        watch,
      );
    } catch (error) {
      instance.close();
      throw error;
    }
    this.#engine.watch(instance, tenancy);
    return instance;
  }

  instantiateSync(options: ResolvedInstanceOptions): BackendInstance {
    this.#engine.requireOpen();
    if (options.timeoutAsked) throw unstoppable('time limit', 'start');
    const permit = this.#engine.admitInstance();
    try {
      const guest = makeGuest(
        this.#compiled.module,
        this.#compiled.info,
        options,
        this.#engine.options.limits.tableElements,
        this.#compiled.origin,
      );
      const instance = new V8Instance(this.#engine, permit, guest, options);
      this.#engine.watch(instance, permit);
      return instance;
    } catch (error) {
      permit.release();
      throw error;
    }
  }

  /** The compiled code goes with the last reference to it. */
  close(): void {}
}
