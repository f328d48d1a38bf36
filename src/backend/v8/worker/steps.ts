import type { RawStep, RawValue, ResolvedHostFunction } from '../../backend';
import type { GuestCall, HostValues } from './guest-call';

/** One call run step by step: its host calls are handed to the caller, and the guest waits until they are answered. */
export class Steps {
  readonly #call: GuestCall<RawValue[]>;
  readonly #parked: (parked: boolean) => void;
  #next: { resolve(step: RawStep): void; reject(error: unknown): void } | undefined;

  /** @param parked told when the caller has a step in hand, and when no longer */
  constructor(call: GuestCall<RawValue[]>, parked: (parked: boolean) => void) {
    this.#call = call;
    this.#parked = parked;
    call.serveHost = (host, args) => this.#hand(host, args);
  }

  /** The next step: a host call, or the end. To be asked for once between two steps. */
  next(): Promise<RawStep> {
    return new Promise((resolve, reject) => {
      this.#next = { resolve, reject };
      if (this.#call.ended) this.end();
    });
  }

  /** The call has ended. If the caller has a step in hand it is told when it answers. */
  end(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    try {
      next.resolve({ done: true, value: this.#call.result() });
    } catch (thrown) {
      next.reject(thrown);
    }
  }

  #hand(host: ResolvedHostFunction, args: HostValues): Promise<HostValues> {
    return new Promise((resolve, reject) => {
      const answer = (give: () => void) => {
        this.#parked(false);
        give();
        return this.next();
      };
      this.#parked(true);
      const next = this.#next;
      this.#next = undefined;
      next?.resolve({
        done: false,
        host,
        args: [...args],
        resume: (results) => answer(() => resolve(results)),
        fail: (error) => answer(() => reject(error)),
      });
    });
  }
}
