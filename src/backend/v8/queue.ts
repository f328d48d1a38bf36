import type { AingleWasmError } from '../../errors/error';
import type { Backlog } from './backlog';

interface Job {
  run(): void;
  refuse(error: AingleWasmError): void;
}

/**
 * Runs calls in the order in which they were submitted, each in a turn of the event loop of its own, so that timers and sockets are
 * served between them.
 */
export class CallQueue {
  readonly #backlog: Backlog;
  #waiting: Job[] = [];
  #scheduled = false;

  constructor(backlog: Backlog) {
    this.#backlog = backlog;
  }

  /**
   * Runs `call` when its turn has come and resolves with what it returns.
   * @throws {AingleWasmError} `ERR_QUEUE_FULL` if as many as allowed are waiting
   */
  submit<T>(call: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#backlog.enter();
      this.#waiting.push({ run: () => settle(call, resolve, reject), refuse: reject });
      this.#schedule();
    });
  }

  /** Rejects every call that is still waiting. */
  refuseAll(error: () => AingleWasmError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const job of waiting) {
      this.#backlog.leave();
      job.refuse(error());
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const job = this.#waiting.shift();
      this.#schedule();
      if (job === undefined) return;
      this.#backlog.leave();
      job.run();
    });
  }
}

function settle<T>(call: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(call());
  } catch (error) {
    reject(error);
  }
}
