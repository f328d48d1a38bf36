import { createError } from '../../errors/error';

/** Counts the calls of an engine that wait for their turn. */
export class Backlog {
  readonly #limit: number;
  #waiting = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws {AingleWasmError} `ERR_QUEUE_FULL` if as many as allowed are waiting */
  enter(): void {
    if (this.#waiting >= this.#limit) throw createError('ERR_QUEUE_FULL', 'call', { limit: this.#limit });
    this.#waiting++;
  }

  leave(): void {
    this.#waiting--;
  }
}
