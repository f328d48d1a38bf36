// The native backend: wasmer inside the addon.
import type { BackendFactory } from '../backend';
import type { Binding } from './binding';
import { NativeBackendEngine } from './engine';
import { Runtime } from './runtime';

/**
 * The backend that a loaded addon offers.
 *
 * @param source where the addon came from, without directories
 * @throws whatever an addon of another kind or version throws when it is asked who it is
 */
export function nativeFactory(binding: Binding, source: string): BackendFactory {
  const runtime = new Runtime(binding);
  return {
    kind: 'wasmer',
    version: binding.engineVersion(),
    source,
    capabilities: CAPABILITIES,
    createEngine: (options) => new NativeBackendEngine(runtime, options),
  };
}

const CAPABILITIES = Object.freeze({ threads: true, frames: true });
