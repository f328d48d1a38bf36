// The backend that is always there: V8's own WebAssembly.
import type { BackendFactory } from '../backend';
import { V8Engine } from './engine';

export const v8Factory: BackendFactory = {
  kind: 'v8',
  version: process.versions.v8,
  source: 'node',
  /** Guests run on the caller's thread; traps name the guest's functions. */
  capabilities: Object.freeze({ threads: false, frames: true }),
  createEngine: (options) => new V8Engine(options),
};
