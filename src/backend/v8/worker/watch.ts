import type { Phase } from '../../../errors/codes';
import { type AingleWasmError, createError } from '../../../errors/error';

export interface WatchTerms {
  /** Milliseconds from now; null: no limit. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | undefined;
  readonly phase: Phase;
}

/** The deadline and the signal of one call, from its submission on. */
export class Watch {
  readonly #terms: WatchTerms;
  readonly #end: number;
  #timer: NodeJS.Timeout | undefined;
  #aborted: (() => void) | undefined;

  constructor(terms: WatchTerms) {
    this.#terms = terms;
    this.#end = terms.timeoutMs === null ? Number.POSITIVE_INFINITY : performance.now() + terms.timeoutMs;
  }

  /** Calls `stop` when the call is to be stopped, unless it is released before. */
  arm(stop: (error: AingleWasmError) => void): void {
    const { timeoutMs, signal } = this.#terms;
    if (timeoutMs !== null) this.#timer = setTimeout(() => stop(this.error()), this.left());
    if (signal === undefined) return;
    this.#aborted = () => stop(this.error());
    signal.addEventListener('abort', this.#aborted);
  }

  release(): void {
    clearTimeout(this.#timer);
    if (this.#aborted !== undefined) this.#terms.signal!.removeEventListener('abort', this.#aborted);
  }

  /** Whether the deadline alone keeps the process alive. */
  keepAlive(alive: boolean): void {
    if (alive) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** Milliseconds that are left, none for a call that was aborted. */
  left(): number {
    return this.#terms.signal?.aborted === true ? 0 : this.#end - performance.now();
  }

  /** What a call that is stopped now ends with. */
  error(): AingleWasmError {
    const { signal, phase } = this.#terms;
    if (signal?.aborted === true) return createError('ERR_ABORTED', phase, undefined, signal.reason);
    return createError('ERR_TIMEOUT', phase, { limit: this.#terms.timeoutMs });
  }
}
