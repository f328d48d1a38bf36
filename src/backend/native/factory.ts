// The native backends: the engines inside the addon.
import type { BackendFactory, LoadAttempt } from '../backend';
import type { Binding, NativeEngineInfo, NativeKind } from './binding';
import { NativeBackendEngine } from './engine';
import { Runtime } from './runtime';

/** What a loaded addon offers. */
export interface NativeOffer {
  /** The default one first. */
  readonly factories: readonly BackendFactory[];
  /** Engines that are inside and cannot run in this process. */
  readonly refused: readonly LoadAttempt[];
}

/**
 * The backends that a loaded addon offers.
 *
 * @param source where the addon came from, without directories
 * @throws whatever an addon of another kind throws when it is asked who it is
 */
export function nativeFactories(binding: Binding, source: string): NativeOffer {
  const engines = binding.engines();
  const runs = engines.filter(({ obstacle }) => obstacle === undefined);
  const refused = engines.filter(({ obstacle }) => obstacle !== undefined);
  return {
    factories: runs.map((info) => nativeFactory(binding, info, source)),
    refused: refused.map(({ kind, obstacle }) => ({ source, reason: `${kind}: ${obstacle}` })),
  };
}

function nativeFactory(binding: Binding, { kind, version }: NativeEngineInfo, source: string): BackendFactory {
  let runtime: Runtime | undefined;
  return {
    kind,
    version,
    source,
    capabilities: CAPABILITIES[kind],
    createEngine(options, threadsAsked) {
      runtime ??= new Runtime(binding, kind);
      return new NativeBackendEngine(runtime, options, threadsAsked);
    },
  };
}

/** The names are explained where v8 has them, src/backend/v8/factory.ts. */
const COMMON = {
  threads: true,
  deadlines: true,
  asyncHostFunctions: true,
  stepwise: true,
  slices: true,
  inThreadDeadlines: true,
};

const CAPABILITIES: Readonly<Record<NativeKind, Readonly<Record<string, boolean>>>> = {
  wasmer: Object.freeze({ ...COMMON, frames: true }),
  wasmi: Object.freeze({ ...COMMON, frames: false }),
};
