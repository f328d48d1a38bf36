import { type CallSite, callSite, runAt } from '../../../call-site';
import { type AingleWasmError, createError } from '../../../errors/error';
import type { Origin } from '../../../errors/trap-frame';
import { hostFailure, promiseReturned } from '../../../host-call';
import { ON_SLICE, type ResolvedDecision, sliceDecision } from '../../../slices';
import { Termination } from '../../../termination';
import type { Receipt } from '../../../types';
import type { RawResult, RawValue, ResolvedHostFunction, ResolvedSlices } from '../../backend';
import { CallSignal } from '../call-signal';
import type { Ending } from '../host-calls';
import type { Channel, Message } from './channel';
import { CallerScope, type WaitingCall } from './host-scope';
import type { Places } from './places';
import {
  Call,
  End,
  errorOfFault,
  type Fault,
  Kind,
  Reply,
  readValues,
  SLICE_HOST,
  SliceDecided,
  SliceOver,
  writeValues,
} from './protocol';
import type { Request } from './request';
import type { Answer, Frame } from './thread';

/** The instance of a call, as the call knows it. */
export interface Caller {
  readonly tenant: number;
  readonly places: Places;
  readonly hosts: readonly ResolvedHostFunction[];
  readonly origin: Origin;
  /** Told how many pages the memory has, whenever the worker says so. */
  setPages(pages: number): void;
  /**
   * A call that had begun and is not nested has ended.
   *
   * @param thrown undefined if it returned
   * @param counted whether it is a call, and not the making of the guest
   */
  ended(used: bigint, thrown: Ending | undefined, poisoned: boolean, counted: boolean): void;
  nest(parent: GuestCall<unknown>, scope: CallerScope, name: string, input: Uint8Array): Promise<RawResult>;
}

export interface CallTerms {
  readonly fuel: bigint;
  readonly data: unknown;
  readonly slices?: ResolvedSlices | undefined;
  /** Whether this thread blocks until the call has ended. */
  readonly blocking: boolean;
}

/** Core values, or the bytes of a function of bytes. */
export type HostValues = readonly RawValue[];

/** Serves host calls in place of their functions. */
export type ServeHost = (host: ResolvedHostFunction, args: HostValues) => Promise<HostValues>;

/** One call of a guest, from its submission until its end, with the host calls that it makes. */
export class GuestCall<T> implements Frame, WaitingCall {
  readonly parent: GuestCall<unknown> | undefined;
  readonly data: unknown;
  fuelLimit: bigint;
  parked = false;
  serveHost: ServeHost | undefined;
  /** Called when the guest begins. */
  onBegin: () => void = () => {};
  /** Called once when it has ended. */
  onEnd: () => void = () => {};
  /** A nested call has the time of the one that waits for it, whose own deadline stops both. */
  expire: () => boolean = () => this.parent?.expire() ?? false;
  readonly #caller: Caller;
  readonly #request: Request<T>;
  /** Whether the caller's thread waits for it. */
  readonly blocking: boolean;
  readonly #slices: ResolvedSlices | undefined;
  /** Undefined if the guest calls nothing, or where the call was made is where this thread waits for it. */
  readonly #site: CallSite | undefined;
  readonly #scope: CallerScope | undefined;
  readonly #signal = new CallSignal();
  readonly #submitted = performance.now();
  #begun = 0;
  /** Fuel known to be used: what is left to say of a call whose worker was ended. */
  #used = 0n;
  /** A host function of the user's runs, or its promise is waited for. */
  #inHost = false;
  /** What a host function of this call failed with. */
  #failure: Ending | undefined;
  #outcome: Outcome<T> | undefined;

  /** @param nested the call that waits, and its host call, for a call inside of it */
  constructor(
    caller: Caller,
    request: Request<T>,
    { fuel, data, slices, blocking }: CallTerms,
    nested?: { readonly parent: GuestCall<unknown>; readonly scope: CallerScope },
  ) {
    this.#caller = caller;
    this.#request = request;
    this.blocking = blocking;
    this.fuelLimit = fuel;
    this.data = data;
    this.#slices = slices;
    this.parent = nested?.parent;
    this.#scope = nested?.scope;
    const callsHost = caller.hosts.length > 0 || slices !== undefined;
    this.#site = nested === undefined ? (callsHost && !blocking ? callSite() : undefined) : nested.parent.#site;
  }

  get owner(): object {
    return this.#caller;
  }

  get places(): Places {
    return this.#caller.places;
  }

  get makesGuest(): boolean {
    return this.parent === undefined && !this.#request.counted;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  get ended(): boolean {
    return this.#outcome !== undefined;
  }

  /** Whether the guest has begun. */
  get entered(): boolean {
    return this.#begun > 0;
  }

  /** What it came to. @throws what it ended with */
  result(): T {
    const outcome = this.#outcome!;
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  }

  begin(channel: Channel): void {
    this.#begun = performance.now();
    this.onBegin();
    this.#request.write(channel, this.#caller.tenant, this.fuelLimit, this.#slices?.fuel ?? 0n);
  }

  serve(channel: Channel, message: Message): Answer | Promise<Answer> {
    const { numbers, counts } = channel;
    const left = counts[Call.left]!;
    this.#used = this.fuelLimit - left;
    this.#caller.setPages(numbers[Call.pages]!);
    if (numbers[Call.host] === SLICE_HOST) return this.#decide(channel);
    const host = this.#caller.hosts[numbers[Call.host]!]!;
    this.#inHost = true;
    const scope = new CallerScope(this, left);
    const refuse = (thrown: unknown) => this.#refused(host.name, thrown, scope);
    try {
      const given = runAt(this.#site, () => this.#callHost(host, channel, message, scope));
      if (!(given instanceof Promise)) return this.#returned(host, given, scope);
      if (this.blocking) return refuse(promiseReturned(given));
      return given.then((value) => this.#returned(host, value, scope), refuse);
    } catch (thrown) {
      return refuse(thrown);
    }
  }

  settle(channel: Channel, message: Message): void {
    if (message.kind === Kind.done) {
      const used = this.#measured(channel);
      const value = this.#request.read(channel, message, () => this.#receipt(channel, message.bytes.length, true));
      this.#end({ value }, used, false);
    } else {
      this.#failed(channel, message.value as Fault);
    }
  }

  abandon(stopped: AingleWasmError): void {
    const error = this.#inHost ? inHostCall(stopped) : stopped;
    this.#signal.abort(error.code === 'ERR_ABORTED' ? error.cause : error);
    this.#end({ thrown: error }, this.entered ? this.#used : undefined, false);
  }

  /** What is left of fuel and memory, as the worker says. Returns what was used. */
  #measured({ numbers, counts }: Channel): bigint {
    this.#caller.setPages(numbers[End.pages]!);
    this.#scope?.setLeft(counts[End.left]!);
    return counts[End.used]!;
  }

  #failed(channel: Channel, { measured, poisoned, ...fault }: Fault): void {
    const used = measured ? this.#measured(channel) : undefined;
    // The worker only knows that a host function failed; with what, this side does.
    const failure = fault.code === 'ERR_HOST_FUNCTION' ? this.#failure : undefined;
    const thrown = failure ?? errorOfFault(fault, this.#caller.origin);
    if (thrown instanceof Termination) thrown.receipt = this.#receipt(channel, thrown.bytes.length, false);
    this.#end({ thrown }, used, poisoned);
  }

  nest(scope: CallerScope, name: string, input: Uint8Array): Promise<RawResult> {
    return this.#caller.nest(this as GuestCall<unknown>, scope, name, input);
  }

  /** Asks the user what becomes of a guest whose slice is over. */
  #decide({ numbers, counts }: Channel): Promise<Answer> {
    const [fuelUsed, fuelLeft] = [counts[SliceOver.used]!, counts[SliceOver.left]!];
    const slice = { fuelUsed, fuelLeft, count: numbers[SliceOver.count]! };
    const scope = new CallerScope(this, fuelLeft);
    const decide = async () => sliceDecision((await this.#slices?.decide(slice)) ?? undefined);
    const decided = (decision: ResolvedDecision): Answer => {
      if (decision !== 'stop') this.fuelLimit += decision;
      return (channel) => {
        channel.counts[Reply.charged] = 0n;
        channel.counts[SliceDecided.more] = decision === 'stop' ? -1n : decision;
        channel.send(Kind.returned);
      };
    };
    return runAt(this.#site, decide).then(decided, (thrown) => this.#refused(ON_SLICE, thrown, scope));
  }

  #callHost(host: ResolvedHostFunction, channel: Channel, { bytes }: Message, scope: CallerScope) {
    const { serveHost } = this;
    if (host.kind === 'envelope')
      return serveHost === undefined
        ? host.call(bytes, scope)
        : serveHost(host, [bytes]).then(([reply]) => reply as Uint8Array);
    const args = readValues(channel, Call.values, host.type.params);
    return serveHost === undefined ? host.call(args, scope) : serveHost(host, args);
  }

  #returned(host: ResolvedHostFunction, given: Uint8Array | readonly RawValue[], scope: CallerScope): Answer {
    scope.end();
    return (channel) => {
      this.#inHost = false;
      channel.counts[Reply.charged] = scope.takeCharged();
      if (given instanceof Uint8Array) return channel.send(Kind.returned, given);
      writeValues(channel, Reply.values, host.type.results, given);
      return channel.send(Kind.returned);
    };
  }

  #refused(name: string, thrown: unknown, scope: CallerScope): Answer {
    scope.end();
    this.#failure = hostFailure(name, thrown);
    return (channel) => {
      this.#inHost = false;
      channel.counts[Reply.charged] = scope.takeCharged();
      channel.send(Kind.refused);
    };
  }

  #receipt({ numbers, counts }: Channel, bytesOut: number, returned: boolean): Receipt {
    return Object.freeze({
      fuelUsed: counts[End.used]!,
      fuelLimit: counts[End.limit]!,
      fuelExact: returned,
      wallMs: numbers[End.wallMs]!,
      queueMs: this.#begun - this.#submitted,
      hostMs: numbers[End.hostMs]!,
      hostCalls: numbers[End.hostCalls]!,
      memoryPages: numbers[End.pages]!,
      bytesIn: this.#request.bytesIn,
      bytesOut,
      backend: 'v8',
    });
  }

  /** @param used undefined if the guest did not run */
  #end(outcome: Outcome<T>, used: bigint | undefined, poisoned: boolean): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    const thrown = 'thrown' in outcome ? outcome.thrown : undefined;
    if (used !== undefined && this.parent === undefined)
      this.#caller.ended(used, thrown, poisoned, this.#request.counted);
    this.onEnd();
  }
}

type Outcome<T> = { readonly value: T } | { readonly thrown: Ending };

/** The error of a call that is stopped while it waits in a host function. */
function inHostCall(error: AingleWasmError): AingleWasmError {
  if (error.phase !== 'call' || error.code === 'ERR_INSTANCE_POISONED') return error;
  const cause = 'cause' in error ? [error.cause] : [];
  return createError(error.code, 'host', error.details, ...(cause as [unknown?]));
}
