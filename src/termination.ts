import type { Receipt } from './types';

/** What `context.terminate` throws: ends the guest's call, which then resolves with `bytes`. */
export class Termination {
  /** Asking for it runs nobody's code, as `instanceof` would where anything can have been thrown. */
  readonly #made = true;
  readonly bytes: Uint8Array;
  /** Of the call that it ended, once a backend has ended it; invocations have none. */
  receipt: Receipt | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  static is(thrown: unknown): thrown is Termination {
    return typeof thrown === 'object' && thrown !== null && #made in thrown;
  }
}
