// The backend that is always there: V8's own WebAssembly.
import { createError } from '../../errors/error';
import type { BackendFactory } from '../backend';
import { V8Engine } from './engine';

export const v8Factory: BackendFactory = {
  kind: 'v8',
  version: process.versions.v8,
  source: 'node',
  capabilities: Object.freeze({
    /** Guests of `await module.instantiate()` run off the caller's thread. */
    threads: true,
    /** Traps name the guest's functions. */
    frames: true,
    /** Time limits, signals and closing stop such guests. */
    deadlines: true,
    asyncHostFunctions: true,
    stepwise: true,
    slices: true,
    /** All of that for guests of `module.instantiateSync()` as well. */
    inThreadDeadlines: false,
  }),
  createEngine(options, threadsAsked) {
    if (typeof WebAssembly === 'undefined') {
      const attempts = [{ source: 'node', reason: 'this process has no WebAssembly, as with --jitless' }];
      throw createError('ERR_ENGINE_UNAVAILABLE', 'load', { backend: 'v8', attempts });
    }
    return new V8Engine(options, threadsAsked);
  },
};
