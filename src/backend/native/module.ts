import type { BackendModule, ModuleInfoJson, ResolvedInstanceOptions } from '../backend';
import type { NativeInstance, NativeInstanceOptions, NativeModule } from './binding';
import { bare, nativeLimits } from './engine';
import { native } from './failure';
import { HostSide } from './host-side';
import { NativeBackendInstance } from './instance';
import type { Runtime } from './runtime';

export class NativeBackendModule implements BackendModule {
  readonly digest: string;
  readonly info: ModuleInfoJson;
  readonly #runtime: Runtime;
  readonly #module: NativeModule;

  constructor(runtime: Runtime, module: NativeModule) {
    const { binding } = runtime;
    this.#runtime = runtime;
    this.#module = module;
    this.digest = native(() => binding.moduleDigest(module));
    this.info = JSON.parse(native(() => binding.moduleInfo(module)));
  }

  customSections(name: string): Uint8Array[] {
    return native(() => this.#runtime.binding.customSections(this.#module, name));
  }

  async instantiate(options: ResolvedInstanceOptions): Promise<NativeBackendInstance> {
    const { binding } = this.#runtime;
    const host = new HostSide(this.#runtime, options);
    const begin = (id: number) => binding.instantiate(this.#module, id, host.link, nativeOptions(options));
    const instance = await this.#runtime.promise<NativeInstance>(begin, host);
    return new NativeBackendInstance(this.#runtime, this.info, host, instance);
  }

  instantiateSync(options: ResolvedInstanceOptions): NativeBackendInstance {
    const host = new HostSide(this.#runtime, options);
    const make = () => this.#runtime.binding.instantiateSync(this.#module, host.link, nativeOptions(options));
    return new NativeBackendInstance(this.#runtime, this.info, host, native(make));
  }

  close(): void {
    native(() => this.#runtime.binding.closeModule(this.#module));
  }
}

function nativeOptions({
  hostFunctions,
  abi,
  afterTrap,
  limits,
  fuel,
}: ResolvedInstanceOptions): NativeInstanceOptions {
  const functions = hostFunctions.map(({ module, name, cost, kind }) => ({
    module,
    name,
    cost,
    envelope: kind === 'envelope',
  }));
  return bare({ functions, abi, keepAfterTrap: afterTrap === 'keep', limits: nativeLimits(limits), fuel });
}
