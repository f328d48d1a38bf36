// The JavaScript side of an instance's host functions: what the addon calls, and what their context can ask.
import { invalidValue } from '../../errors/error';
import { hostFailure } from '../../host-call';
import type { HostContext, HostScope } from '../../host-context';
import type { EnvelopeHost, NumericHost, ResolvedHostFunction, ResolvedInstanceOptions } from '../backend';
import type { NativeHostFunction, NativeLink } from './binding';
import { native } from './failure';
import type { Owner, Runtime } from './runtime';

export class HostSide implements HostScope, Owner {
  readonly link: NativeLink;
  /** `data` of the synchronous call that is going on, or else of the instance. */
  syncData: unknown;
  readonly #runtime: Runtime;
  readonly #context: HostContext;
  /** The addon refers to them weakly, so that an instance and host functions that mention it can be collected together. */
  readonly #functions: NativeHostFunction[];
  /** Number of the promise of the call that a host function serves, 0 for a synchronous one. */
  #call = 0;

  constructor(runtime: Runtime, options: ResolvedInstanceOptions) {
    this.#runtime = runtime;
    this.syncData = options.data;
    this.#context = options.createContext(this);
    this.#functions = [...options.hostFunctions, ...options.references].map((host) => this.#adapt(host));
    this.link = native(() => runtime.binding.createLink(runtime.handle, this.#functions));
  }

  /** Adds a function and returns its place in the array. */
  add(host: NumericHost): number {
    return this.#functions.push(this.#adapt(host)) - 1;
  }

  get data(): unknown {
    return this.#call === 0 ? this.syncData : this.#runtime.dataOf(this.#call);
  }

  fuelLeft(): bigint {
    return native(() => this.#runtime.binding.fuelLeft(this.link));
  }

  charge(fuel: bigint): void {
    const charged = native(() => this.#runtime.binding.charge(this.link, fuel));
    if (!charged) throw invalidValue('fuel', 'charge works only until the host function returns', fuel);
  }

  /** Nothing is to be done: being named as the owner of a promise keeps the functions alive until it is settled. */
  settled(): void {}

  #adapt(host: ResolvedHostFunction): NativeHostFunction {
    return host.kind === 'numeric' ? this.#adaptNumeric(host) : this.#adaptEnvelope(host);
  }

  #adaptNumeric(host: NumericHost): NativeHostFunction {
    const several = host.type.results.length > 1;
    return (call, ...args) => {
      this.#call = call;
      try {
        const results = host.call(args, this.#context);
        return several ? results : results[0];
      } catch (thrown) {
        throw hostFailure(host.name, thrown);
      }
    };
  }

  #adaptEnvelope(host: EnvelopeHost): NativeHostFunction {
    return (call, input: Uint8Array) => {
      this.#call = call;
      try {
        return host.call(input, this.#context);
      } catch (thrown) {
        throw hostFailure(host.name, thrown);
      }
    };
  }
}
