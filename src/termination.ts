import type { Receipt } from './types';

/** What `context.terminate` throws: ends the guest's call, which then resolves with `bytes`. */
export class Termination {
  readonly bytes: Uint8Array;
  /** Of the call that it ended, once a backend has ended it; invocations have none. */
  receipt: Receipt | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
