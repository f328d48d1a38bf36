import type { Origin } from '../../errors/trap-frame';
import type { ValueType } from '../../types';
import type { BackendModule, ModuleInfoJson, RawValue, ResolvedInstanceOptions } from '../backend';
import type { Binding, NativeInstance, NativeInstanceOptions, NativeModule, NativeOrigin } from './binding';
import { nativeLimits } from './engine';
import { native } from './failure';
import { HostSide } from './host-side';
import { NativeBackendInstance } from './instance';
import type { Runtime } from './runtime';

export class NativeBackendModule implements BackendModule {
  readonly digest: string;
  readonly info: ModuleInfoJson;
  readonly #runtime: Runtime;
  readonly #module: NativeModule;
  readonly #sliceable: boolean;
  #origin: Origin | undefined;

  constructor(runtime: Runtime, module: NativeModule, sliceable: boolean) {
    const { binding } = runtime;
    this.#sliceable = sliceable;
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
    const host = new HostSide(this.#runtime, this.#originOnce(), options);
    const begin = (id: number) => binding.instantiate(this.#module, id, host.link, nativeOptions(options));
    const { data, signal } = options;
    const call = { data, signal, slices: undefined, site: host.site() };
    const instance = await this.#runtime.promise<NativeInstance>(begin, host, call);
    return this.#wrap(host, instance);
  }

  instantiateSync(options: ResolvedInstanceOptions): NativeBackendInstance {
    const host = new HostSide(this.#runtime, this.#originOnce(), options);
    const make = () => this.#runtime.binding.instantiateSync(this.#module, host.link, nativeOptions(options));
    return this.#wrap(host, native(make, host.origin));
  }

  /** What traps of its guests ask for their places. */
  #originOnce(): Origin | undefined {
    const { binding, kind } = this.#runtime;
    // wasmi tells no frames.
    if (kind !== 'wasmi')
      this.#origin ??= originOf(
        binding,
        native(() => binding.moduleOrigin(this.#module)),
      );
    return this.#origin;
  }

  #wrap(host: HostSide, instance: NativeInstance): NativeBackendInstance {
    return new NativeBackendInstance(this.#runtime, this.info, this.#sliceable, host, instance);
  }

  close(): void {
    native(() => this.#runtime.binding.closeModule(this.#module));
  }
}

/** Holds on to nothing but the bytes: errors may be kept for long. */
function originOf(binding: Binding, origin: NativeOrigin): Origin {
  return { original: (offset) => binding.originalOffset(origin, offset) ?? undefined };
}

function nativeOptions({
  hostFunctions,
  memories,
  tables,
  references,
  globals,
  abi,
  afterTrap,
  limits,
  fuel,
  timeoutMs,
}: ResolvedInstanceOptions): NativeInstanceOptions {
  return {
    functions: hostFunctions.map(({ module, name, cost, kind }) => ({
      module,
      name,
      cost,
      envelope: kind === 'envelope',
    })),
    memories,
    tables,
    references: references.map(({ type, cost }) => ({ ...type, cost })),
    globals: globals.map(({ module, name, type, value }) => ({
      module,
      name,
      ...type,
      bits: bitsOf(type.value, value),
    })),
    abi,
    keepAfterTrap: afterTrap === 'keep',
    limits: nativeLimits(limits),
    fuel,
    timeoutMs: timeoutMs ?? undefined,
  };
}

const scratch = new DataView(new ArrayBuffer(8));

/** The bits of a value as `NativeInstanceOptions.globals` has them, the low 32 for `i32` and `f32`. */
function bitsOf(type: ValueType, value: RawValue): bigint {
  switch (type) {
    case 'v128': {
      const { buffer, byteOffset } = value as Uint8Array;
      const halves = new DataView(buffer, byteOffset);
      return halves.getBigUint64(0, true) | (halves.getBigUint64(8, true) << 64n);
    }
    case 'funcref':
    case 'externref':
      return value === null ? 0n : BigInt(value as number) + 1n;
    case 'i64':
      return BigInt.asUintN(64, value as bigint);
    case 'f32':
      scratch.setFloat32(0, value as number);
      return BigInt(scratch.getUint32(0));
    case 'f64':
      scratch.setFloat64(0, value as number);
      return scratch.getBigUint64(0);
    default:
      return BigInt((value as number) >>> 0);
  }
}
