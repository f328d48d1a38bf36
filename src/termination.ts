import type { Receipt } from './types';

/** All of them: asking a user's object what it is may run the user's code. */
const terminations = new WeakSet<object>();

/** What `context.terminate` throws: ends the guest's call, which then resolves with `bytes`. */
export class Termination {
  /** What later calls are told that poisoned the instance; the addon knows it too (crates/host/src/error/kind.rs). */
  readonly code = 'context.terminate';
  readonly bytes: Uint8Array;
  /** Of the call that it ended, once a backend has ended it; invocations have none. */
  receipt: Receipt | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    terminations.add(this);
  }

  /** Whether anything that was thrown is one of these. */
  static is(thrown: unknown): thrown is Termination {
    return terminations.has(thrown as object);
  }
}
