// One call that runs step by step.
import { hostFailure } from '../../host-call';
import type { RawStep, RawValue, ResolvedCallOptions } from '../backend';
import type { NativeStarted, NativeStep } from './binding';
import type { HostSide } from './host-side';
import type { Owner, Runtime } from './runtime';

type Settled = { readonly step: NativeStep } | RawValue[];

export class NativeSteps {
  readonly #runtime: Runtime;
  readonly #host: HostSide;
  /** Told when the whole call has ended. */
  readonly #owner: Owner;
  readonly #options: ResolvedCallOptions;
  #started: NativeStarted | undefined;
  readonly #abort = () => {
    if (this.#started !== undefined) this.#runtime.binding.abortSteps(this.#started);
  };

  constructor(runtime: Runtime, host: HostSide, owner: Owner, options: ResolvedCallOptions) {
    this.#runtime = runtime;
    this.#host = host;
    this.#owner = owner;
    this.#options = options;
  }

  begin(start: (id: number) => NativeStarted): Promise<RawStep> {
    this.#options.signal?.addEventListener('abort', this.#abort, { once: true });
    return this.#next((id) => {
      this.#started = start(id);
    });
  }

  async #next(open: (id: number) => void): Promise<RawStep> {
    let settled: Settled;
    try {
      // The signal of the whole call is listened to in `begin`; here it only gives the reason of an abort.
      settled = await this.#runtime.promise<Settled>(open, this.#host, this.#state());
    } catch (error) {
      this.#end();
      throw error;
    }
    if ('step' in settled) return this.#step(settled.step);
    this.#end();
    return { done: true, value: settled };
  }

  #state() {
    const { data, signal } = this.#options;
    return { data, signal, slices: undefined, site: undefined };
  }

  #step([number, index, ...args]: NativeStep): RawStep {
    const { binding, handle } = this.#runtime;
    const host = this.#host.functions[index]!;
    const single = host.kind === 'envelope' || host.type.results.length === 1;
    const next = (answer: () => void) =>
      this.#next((id) => {
        binding.resumeSteps(handle, this.#started!, id);
        answer();
      });
    return {
      done: false,
      host,
      args,
      resume: (results) => next(() => binding.answerHostCall(handle, number, single ? results[0] : results)),
      fail: (error) => next(() => binding.failHostCall(handle, number, hostFailure(host.name, error))),
    };
  }

  #end(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#owner.settled();
  }
}
