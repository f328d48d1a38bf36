// The JavaScript side of an instance's host functions: what the addon calls, and what their context can ask.
import { type CallSite, callSite, runAt } from '../../call-site';
import { createError } from '../../errors/error';
import type { Origin } from '../../errors/trap-frame';
import { calledTooLate, chargedTooLate, hostFailure, promiseReturned } from '../../host-call';
import type { HostScope } from '../../host-context';
import { ON_SLICE, sliceDecision } from '../../slices';
import type { NumericHost, RawResult, RawValue, ResolvedHostFunction, ResolvedInstanceOptions } from '../backend';
import type { NativeHostFunction, NativeLink } from './binding';
import { native } from './failure';
import type { Owner, Runtime } from './runtime';

export class HostSide implements Owner {
  readonly link: NativeLink;
  readonly runtime: Runtime;
  /** Undefined where traps tell no frames. */
  readonly origin: Origin | undefined;
  /** By number. */
  readonly functions: ResolvedHostFunction[];
  /** `data` of the synchronous call that is going on, or else of the instance. */
  syncData: unknown;
  /** The signal of that call. Nothing can abort it while this thread is in the guest, but a host function can. */
  syncSignal: AbortSignal | undefined;
  /** The addon refers to them weakly, so that an instance and host functions that mention it can be collected together. */
  readonly #natives: NativeHostFunction[];

  constructor(
    runtime: Runtime,
    origin: Origin | undefined,
    { hostFunctions, references, data }: ResolvedInstanceOptions,
  ) {
    this.runtime = runtime;
    this.origin = origin;
    this.functions = [...hostFunctions, ...references];
    this.syncData = data;
    this.#natives = [this.#sliceFunction(), ...this.functions.map((host) => this.#adapt(host))];
    this.link = native(() => runtime.binding.createLink(runtime.handle, this.#natives));
  }

  /** Adds a function and returns its number. */
  add(host: NumericHost): number {
    this.#natives.push(this.#adapt(host));
    return this.functions.push(host) - 1;
  }

  /** The site of a call that is being made, if its guest may call something. */
  site(sliced = false): CallSite | undefined {
    return sliced || this.functions.length > 0 ? callSite() : undefined;
  }

  /** Nothing is to be done: being named as the owner of a promise keeps the functions alive until it is settled. */
  settled(): void {}

  #adapt(host: ResolvedHostFunction): NativeHostFunction {
    const single = host.kind === 'numeric' && host.type.results.length <= 1;
    const give = (returned: unknown) => (single ? (returned as readonly RawValue[])[0] : returned);
    return (promise, number, ...args: RawValue[]) => {
      const scope = new NativeHostScope(this, host.name, promise, number);
      const call = () => (host.kind === 'numeric' ? host.call(args, scope) : host.call(args[0] as Uint8Array, scope));
      return this.#serve(host.name, [promise, number], call, give, scope);
    };
  }

  #sliceFunction(): NativeHostFunction {
    const give = (decision: unknown) => (decision === 'stop' ? -1n : decision);
    return (promise, number, fuelUsed: bigint, fuelLeft: bigint, count: bigint) => {
      const slices = this.runtime.callOf(promise)?.slices;
      const slice = { fuelUsed, fuelLeft, count: Number(count) };
      const call = async () => sliceDecision((await slices?.decide(slice)) ?? undefined);
      return this.#serve(ON_SLICE, [promise, number], call, give);
    };
  }

  /** Calls a function for the addon; what it promises is answered later, where something can wait for it. */
  #serve(
    name: string,
    [promise, number]: readonly [promise: number, number: number],
    call: () => unknown,
    give: (returned: unknown) => unknown,
    scope?: NativeHostScope,
  ): unknown {
    const { binding, handle } = this.runtime;
    let returned: unknown;
    try {
      returned = runAt(this.runtime.callOf(promise)?.site, call);
      if (returned instanceof Promise && number === 0) throw promiseReturned(returned);
    } catch (thrown) {
      scope?.end();
      throw hostFailure(name, thrown);
    }
    if (!(returned instanceof Promise)) {
      scope?.end();
      const signal = number === 0 ? this.syncSignal : undefined;
      if (signal?.aborted === true) throw createError('ERR_ABORTED', 'host', undefined, signal.reason);
      return give(returned);
    }
    binding.deferHostCall(handle, number);
    returned.then(
      (value) => {
        scope?.end();
        binding.answerHostCall(handle, number, give(value));
      },
      (thrown) => {
        scope?.end();
        binding.failHostCall(handle, number, hostFailure(name, thrown));
      },
    );
    return undefined;
  }
}

/** One host call. */
class NativeHostScope implements HostScope {
  readonly data: unknown;
  readonly #host: HostSide;
  readonly #name: string;
  readonly #promise: number;
  readonly #number: number;
  #signal: AbortSignal | undefined;
  #over = false;

  constructor(host: HostSide, name: string, promise: number, number: number) {
    const call = promise === 0 ? undefined : host.runtime.callOf(promise);
    this.data = call === undefined ? host.syncData : call.data;
    this.#host = host;
    this.#name = name;
    this.#promise = promise;
    this.#number = number;
  }

  get signal(): AbortSignal {
    // Nothing can abort a synchronous call while this thread is in it.
    this.#signal ??= this.#promise === 0 ? new AbortController().signal : this.#host.runtime.signalOf(this.#promise);
    return this.#signal;
  }

  fuelLeft(): bigint {
    const { runtime, link } = this.#host;
    return this.#over ? 0n : native(() => runtime.binding.fuelLeft(runtime.handle, link, this.#number));
  }

  charge(fuel: bigint): void {
    const { runtime, link } = this.#host;
    const charged = !this.#over && native(() => runtime.binding.charge(runtime.handle, link, this.#number, fuel));
    if (!charged) throw chargedTooLate(fuel);
  }

  async call(name: string, input: Uint8Array): Promise<RawResult> {
    if (this.#number === 0) throw createError('ERR_ASYNC_HOST_IN_SYNC', 'host', { name: this.#name });
    const { runtime } = this.#host;
    const begin = (id: number) => {
      const taken = !this.#over && runtime.binding.callGuest(runtime.handle, this.#number, id, name, input);
      if (!taken) throw calledTooLate(name);
    };
    return runtime.promise<RawResult>(begin, this.#host);
  }

  end(): void {
    this.#over = true;
  }
}
