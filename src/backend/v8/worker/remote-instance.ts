import { callsObserved } from '../../../diagnostics';
import { type AingleWasmError, createError, invalidValue } from '../../../errors/error';
import type { Origin } from '../../../errors/trap-frame';
import { requireBytesFunction } from '../../../exports';
import type { FunctionType, InstanceState, InstanceStats, TableType, Value } from '../../../types';
import { checkArguments, unwrapResults } from '../../../values';
import type {
  BackendInstance,
  Ended,
  ModuleInfoJson,
  NumericHost,
  RawResult,
  RawStep,
  RawValue,
  ResolvedCallOptions,
  ResolvedHostFunction,
  ResolvedInstanceOptions,
} from '../../backend';
import type { V8Engine } from '../engine';
import type { Ending } from '../host-calls';
import type { CompiledModule } from '../module';
import { reasonOf, wasStopped } from '../outcome';
import { busy, engineClosed, instanceClosed, poisoned } from '../refusals';
import { Totals } from '../totals';
import type { Channel, Message } from './channel';
import { type Caller, GuestCall } from './guest-call';
import type { CallerScope } from './host-scope';
import type { Places } from './places';
import {
  Access,
  errorOfFault,
  type Fault,
  globalTypes,
  Kind,
  type Objects,
  type ObjectsRequest,
  readValues,
  writeValues,
} from './protocol';
import { bytesRequest, nestedRequest, type Request, specOf, valuesRequest } from './request';
import { Steps } from './steps';
import type { Tenancy } from './tenancy';
import type { Frame, Thread } from './thread';
import { Watch, type WatchTerms } from './watch';

/** How many calls of one guest may wait inside each other. */
const MAX_NESTED = 16;

/** A guest in a worker, as its caller's thread knows it. */
export class RemoteInstance implements BackendInstance, Caller {
  /** The host functions, those that references stand for, those that were added. */
  readonly hosts: ResolvedHostFunction[];
  readonly origin: Origin;
  readonly #engine: V8Engine;
  readonly #tenancy: Tenancy;
  readonly #info: ModuleInfoJson;
  readonly #sliceable: boolean;
  readonly #data: unknown;
  readonly #totals = new Totals();
  /** Places of the exports by name: how a worker is told of them. */
  readonly #exports: ReadonlyMap<string, number>;
  #closed = false;
  #poisonedBy: string | undefined;
  /** Calls that are waiting or running. */
  #pending = 0;
  #fuelUsed = 0n;

  constructor(
    engine: V8Engine,
    tenancy: Tenancy,
    { info, sliceable, origin }: CompiledModule,
    options: ResolvedInstanceOptions,
  ) {
    this.#engine = engine;
    this.#tenancy = tenancy;
    this.#info = info;
    this.#sliceable = sliceable;
    this.origin = origin;
    this.#data = options.data;
    this.hosts = [...options.hostFunctions, ...options.references];
    this.#exports = new Map(info.exports.map(({ name }, index) => [name, index]));
  }

  get tenant(): number {
    return this.#tenancy.tenant;
  }

  get places(): Places {
    return this.#engine.places;
  }

  get state(): InstanceState {
    if (this.#closed) return 'closed';
    if (this.#reason !== undefined) return 'poisoned';
    if (this.#thread.place(this) === 'host') return 'host';
    return this.#pending > 0 ? 'running' : 'idle';
  }

  get fuelUsed(): bigint {
    return this.#fuelUsed;
  }

  get stats(): InstanceStats {
    const { calls, stopped, fuel } = this.#totals;
    return Object.freeze({ calls, stopped, fuel });
  }

  /** Runs the request that makes the guest; to be called once, before all else. */
  async make(request: Request<void>, { fuel, data }: ResolvedInstanceOptions, watch: Watch): Promise<void> {
    this.#requireUsable();
    if (watch.left() <= 0) throw watch.error();
    return this.#submit(new GuestCall(this, request, { fuel, data, blocking: false }), watch);
  }

  call(name: string, input: Uint8Array, options: ResolvedCallOptions): Promise<RawResult> {
    const exported = this.#bytesFunction(name);
    this.#requireUsable();
    const request = bytesRequest(exported, new Uint8Array(input), true);
    return this.#submit(this.#callOf(request, options, false), new Watch(watching(options)));
  }

  callSync(name: string, input: Uint8Array, options: ResolvedCallOptions): RawResult {
    const exported = this.#bytesFunction(name);
    this.#requireIdle();
    return this.#block(this.#callOf(bytesRequest(exported, input, false), options, true), watching(options));
  }

  callRaw(name: string, input: Uint8Array): Uint8Array {
    return this.callSync(name, input, this.#defaults).bytes;
  }

  invoke(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawValue[]> {
    this.#requireUsable();
    return this.#submit(this.#callOf(this.#values(name, [...args]), options, false), new Watch(watching(options)));
  }

  start(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawStep> {
    this.#requireUsable();
    const call = this.#callOf(this.#values(name, [...args]), options, false);
    const watch = new Watch(watching(options));
    const steps = new Steps(call, (parked) => {
      call.parked = parked;
      watch.keepAlive(!parked);
      this.#thread.refresh();
    });
    const first = steps.next();
    this.#begin(call, watch, () => steps.end());
    return first;
  }

  invokeSync(name: string, args: readonly RawValue[]): RawValue[] {
    this.#requireIdle();
    const call = this.#callOf(this.#values(name, args), this.#defaults, true);
    return this.#block(call, watching(this.#defaults));
  }

  exportFunction(name: string, type: FunctionType, ended: Ended): (...args: Value[]) => unknown {
    return (...args) => {
      checkArguments(name, type, args);
      try {
        const results = this.invokeSync(name, args);
        if (callsObserved()) ended();
        return unwrapResults(results as Value[]);
      } catch (thrown) {
        return ended(thrown);
      }
    };
  }

  memoryPages(): number {
    this.#requireRest();
    return this.#tenancy.pages;
  }

  memoryRead(ptr: number, len: number): Uint8Array {
    const read = ({ numbers }: Channel) => {
      numbers[Access.at] = ptr;
      numbers[Access.length] = len;
    };
    return this.#ask(Kind.memoryRead, read).bytes;
  }

  memoryWrite(ptr: number, bytes: Uint8Array): void {
    const write = ({ numbers }: Channel) => {
      numbers[Access.at] = ptr;
    };
    this.#ask(Kind.memoryWrite, write, bytes);
  }

  memoryGrow(pages: number): number {
    this.#ask(Kind.memoryGrow, ({ numbers }) => {
      numbers[Access.length] = pages;
    });
    const former = this.#thread.channel.numbers[Access.value]!;
    this.setPages(former + pages);
    return former;
  }

  globalGet(number: number): RawValue {
    this.#ask(Kind.globalGet, ({ numbers }) => {
      numbers[Access.at] = number;
    });
    return readValues(this.#thread.channel, Access.value, [this.#globalType(number)])[0]!;
  }

  globalSet(number: number, value: RawValue): void {
    this.#ask(Kind.globalSet, (channel) => {
      channel.numbers[Access.at] = number;
      writeValues(channel, Access.value, [this.#globalType(number)], [value]);
    });
  }

  exportReference(position: number): number | null {
    return this.#use('exportReference', position);
  }

  functionType(fn: number): FunctionType {
    return this.#use('functionType', fn);
  }

  callFunction(fn: number, args: readonly RawValue[]): RawValue[] {
    this.#requireIdle();
    const request = valuesRequest(Kind.reference, fn, this.functionType(fn), args);
    return this.#block(this.#callOf(request, this.#defaults, true), watching(this.#defaults));
  }

  addFunction(host: NumericHost): number {
    const number = this.hosts.push(host) - 1;
    return this.#use('addFunction', specOf(host), number);
  }

  tableSize(table: number): number {
    return this.#use('tableSize', table);
  }

  tableGet(table: number, index: number): RawValue {
    return this.#use('tableGet', table, index);
  }

  tableSet(table: number, index: number, value: number | null, element: TableType['element']): void {
    this.#use('tableSet', table, index, value, element);
  }

  tableGrow(table: number, elements: number, value: number | null, element: TableType['element']): number {
    return this.#use('tableGrow', table, elements, value, element);
  }

  heldExterns(): { readonly held: readonly number[]; readonly seen: number } {
    return this.#use('heldExterns');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pending > 0) this.#thread.kill(instanceClosed(), (frame) => this.#ending(frame, instanceClosed()));
    this.#tenancy.release();
  }

  setPages(pages: number): void {
    this.#tenancy.pages = pages;
  }

  ended(used: bigint, thrown: Ending | undefined, isPoisoned: boolean, counted: boolean): void {
    this.#fuelUsed = used;
    if (thrown !== undefined && isPoisoned) {
      this.#poisonedBy = reasonOf(thrown);
      this.#thread.refuse(this, () => poisoned(this.#poisonedBy));
    }
    if (!counted) return;
    const usage = { used, usedNumber: used <= Number.MAX_SAFE_INTEGER ? Number(used) : undefined };
    const stopped = thrown !== undefined && wasStopped(thrown);
    this.#totals.count(usage, stopped);
    this.#engine.countCall(usage, stopped);
  }

  async nest(parent: GuestCall<unknown>, scope: CallerScope, name: string, input: Uint8Array): Promise<RawResult> {
    if (parent.blocking) throw createError('ERR_ASYNC_HOST_IN_SYNC', 'host', { name });
    const exported = this.#bytesFunction(name);
    // The host function may have held up the event loop, and with it the deadline's timer.
    parent.expire();
    this.#requireUsable();
    if (this.#thread.depth(this) >= MAX_NESTED) throw createError('ERR_CALL_DEPTH', 'call', { limit: MAX_NESTED });
    const terms = { fuel: parent.fuelLimit, data: parent.data, blocking: false };
    const request = nestedRequest(exported, new Uint8Array(input), scope);
    const call = new GuestCall(this, request, terms, { parent, scope });
    return new Promise((resolve, reject) => {
      call.onEnd = () => settle(call, resolve, reject);
      this.#thread.submit(call);
    });
  }

  get #thread(): Thread {
    return this.#tenancy.thread;
  }

  /** Why no call can run any more, if that is so. */
  get #reason(): string | undefined {
    return this.#poisonedBy ?? this.#thread.dead;
  }

  get #defaults(): ResolvedCallOptions {
    const { meteringLimit: fuel, timeoutMs } = this.#engine.options;
    return { fuel, timeoutMs, timeoutAsked: false, signal: undefined, data: this.#data, slices: undefined };
  }

  #bytesFunction(name: string): number {
    requireBytesFunction(this.#info, name);
    return this.#exports.get(name)!;
  }

  #values(name: string, args: readonly RawValue[]): Request<RawValue[]> {
    const index = this.#exports.get(name)!;
    const { type } = this.#info.exports[index]! as { type: FunctionType };
    return valuesRequest(Kind.values, index, type, args);
  }

  #callOf<T>(request: Request<T>, options: ResolvedCallOptions, blocking: boolean): GuestCall<T> {
    const { fuel, data, slices } = options;
    if (slices !== undefined && !this.#sliceable)
      throw invalidValue('sliceFuel', 'the module must be compiled with sliceable: true', slices.fuel);
    return new GuestCall(this, request, { fuel, data, slices, blocking });
  }

  #submit<T>(call: GuestCall<T>, watch: Watch): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#begin(call, watch, () => settle(call, resolve, reject));
    });
  }

  /** Hands a call over to the worker. `ended` is called when it has ended. */
  #begin(call: GuestCall<unknown>, watch: Watch, ended: () => void): void {
    const { backlog } = this.#engine;
    let waiting = !this.#thread.admits(call);
    if (waiting) backlog.enter();
    const leave = () => {
      if (waiting) backlog.leave();
      waiting = false;
    };
    call.onBegin = leave;
    call.onEnd = () => {
      leave();
      watch.release();
      this.#pending--;
      ended();
    };
    call.expire = () => {
      if (watch.left() > 0) return false;
      this.#stop(call, watch.error());
      return true;
    };
    this.#pending++;
    watch.arm((error) => this.#stop(call, error));
    this.#thread.submit(call);
  }

  /** Runs a call while this thread waits for it. */
  #block<T>(call: GuestCall<T>, terms: WatchTerms): T {
    const watch = new Watch(terms);
    this.#pending++;
    call.onEnd = () => {
      this.#pending--;
    };
    this.#thread.block(
      call,
      () => watch.left(),
      () => this.#kill(watch.error()),
    );
    return call.result();
  }

  /** Stops one call. One that has not begun leaves the instance as it is, and one that has ended is to be settled soon. */
  #stop(call: GuestCall<unknown>, error: AingleWasmError): void {
    if (this.#thread.withdraw(call)) call.abandon(error);
    else if (!this.#thread.hasEnded(call)) this.#kill(error);
  }

  /** Ends the worker. Calls that run end with `error`; those that wait find the instance poisoned. */
  #kill(error: AingleWasmError): void {
    const errorFor = (frame: Frame) =>
      (frame as GuestCall<unknown>).entered ? this.#ending(frame, error) : poisoned(error.code);
    this.#thread.kill(error, errorFor);
  }

  /** What a call ends with whose worker is ended: `error` if it is one of this instance's, and not of another in the same worker. */
  #ending(frame: Frame, error: AingleWasmError): AingleWasmError {
    return frame.owner === this ? error : poisoned(error.code);
  }

  /** Asks the worker, whose guest is at rest or waits in a host function, for something that runs no guest. */
  #ask(kind: number, write: (channel: Channel) => void, bytes?: Uint8Array, value?: unknown): Message {
    this.#requireRest();
    const message = this.#thread.exchange((channel) => {
      channel.numbers[Access.tenant] = this.tenant;
      write(channel);
      channel.send(kind, bytes, value);
    });
    if (message.kind === Kind.failed) throw errorOfFault(message.value as Fault);
    return message;
  }

  #use<N extends keyof Objects>(name: N, ...args: Parameters<Objects[N]>): ReturnType<Objects[N]> {
    const request: ObjectsRequest = { name, args };
    const { value } = this.#ask(Kind.objects, () => {}, undefined, request);
    return (value as { readonly result: ReturnType<Objects[N]> }).result;
  }

  #globalType(number: number) {
    return globalTypes(this.#info)[number]!;
  }

  /** Refuses a call that cannot wait. */
  #requireIdle(): void {
    this.#requireUsable();
    if (this.#pending > 0 || !this.#thread.listening || !this.#thread.ready(this)) throw busy();
  }

  /** Refuses a call that would not run however long it waits. */
  #requireUsable(): void {
    this.#engine.requireOpen();
    if (this.#closed) throw instanceClosed();
    if (this.#reason !== undefined) throw poisoned(this.#reason);
  }

  /** The memory and the globals may be used while the guest is at rest, or waits in a host function; they are gone with their worker. */
  #requireRest(): void {
    if (this.#closed) throw instanceClosed();
    if (this.#engine.closed) throw engineClosed();
    if (this.#thread.dead !== undefined) throw poisoned(this.#reason);
    if (!this.#thread.listening || this.state === 'running') throw busy();
  }
}

function watching({ timeoutMs, signal }: ResolvedCallOptions): WatchTerms {
  return { timeoutMs, signal, phase: 'call' };
}

function settle<T>(call: GuestCall<T>, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(call.result());
  } catch (thrown) {
    reject(thrown);
  }
}
