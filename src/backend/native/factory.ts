// The native backends: the engines inside the addon.
import type { BackendFactory } from '../backend';
import type { Binding, NativeEngineInfo, NativeKind } from './binding';
import { NativeBackendEngine } from './engine';
import { Runtime } from './runtime';

/**
 * The backends that a loaded addon offers, the default one first.
 *
 * @param source where the addon came from, without directories
 * @throws whatever an addon of another kind or version throws when it is asked who it is
 */
export function nativeFactories(binding: Binding, source: string): readonly BackendFactory[] {
  return binding.engines().map((info) => nativeFactory(binding, info, source));
}

function nativeFactory(binding: Binding, { kind, version }: NativeEngineInfo, source: string): BackendFactory {
  let runtime: Runtime | undefined;
  return {
    kind,
    version,
    source,
    capabilities: CAPABILITIES[kind],
    createEngine(options) {
      runtime ??= new Runtime(binding, kind);
      return new NativeBackendEngine(runtime, options);
    },
  };
}

const CAPABILITIES: Readonly<Record<NativeKind, Readonly<Record<string, boolean>>>> = {
  wasmer: Object.freeze({ threads: true, frames: true }),
  wasmi: Object.freeze({ threads: true, frames: false }),
};
