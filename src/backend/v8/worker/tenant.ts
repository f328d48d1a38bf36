import { type AingleWasmError, createError } from '../../../errors/error';
import { noAllocator } from '../../../exports';
import type { HostScope } from '../../../host-context';
import { ON_SLICE } from '../../../slices';
import type { FunctionType, ValueType } from '../../../types';
import type { NumericHost, RawValue, ResolvedHostFunction } from '../../backend';
import type { BytesFunction } from '../convention';
import type { Guest, GuestOptions } from '../guest';
import type { CallSetting } from '../host-calls';
import { makeGuest } from '../instantiate';
import { numeric } from '../linker';
import { callExport, Runner } from '../runner';
import type { Channel, Message } from './channel';
import {
  Access,
  Ask,
  Call,
  End,
  faultOf,
  globalTypes,
  type HostSpec,
  Kind,
  type MakeRequest,
  type Objects,
  type ObjectsRequest,
  Reply,
  readValues,
  SLICE_HOST,
  SliceDecided,
  SliceOver,
  writeValues,
} from './protocol';

/** Waits for the caller's answer to a host call, and serves what else the caller asks until then. */
export type AwaitReply = () => Message;

/** One guest in its worker. */
export class Tenant {
  readonly #channel: Channel;
  readonly #awaitReply: AwaitReply;
  readonly #runner: Runner;
  readonly #types: readonly (FunctionType | undefined)[];
  readonly #globals: readonly ValueType[];

  constructor(channel: Channel, awaitReply: AwaitReply, request: MakeRequest) {
    this.#channel = channel;
    this.#awaitReply = awaitReply;
    const { info } = request;
    const options: GuestOptions = {
      ...request.options,
      data: undefined,
      hostFunctions: request.hosts.map((host, index) => this.#remote(host, index)),
      references: request.references.map((host, index) => this.#remoteValues(host, request.hosts.length + index)),
    };
    this.#runner = new Runner(makeGuest(request.module, info, options, request.tableCap, undefined), options, () => {});
    this.#types = info.exports.map((item) => (item.kind === 'function' ? item.type : undefined));
    this.#globals = globalTypes(info);
  }

  get #guest(): Guest {
    return this.#runner.guest;
  }

  /** Says that the guest is made, and what that cost. */
  made(): void {
    this.#run(() => undefined);
  }

  callBytes(input: Uint8Array): void {
    const { numbers, counts } = this.#channel;
    const fn = this.#bytesFunction(numbers[Ask.export]!);
    const fuel = counts[Ask.fuel]!;
    const setting = this.#begin(counts[Ask.slice]!);
    const { convention, info } = this.#guest;
    if (!convention.accepts(input.length)) throw noAllocator(info);
    this.#run(() => this.#runner.callBytes(fn, input, fuel, setting));
  }

  callValues(): void {
    const index = this.#channel.numbers[Ask.export]!;
    const name = this.#name(index);
    this.#callOf(this.#types[index]!, (guest, args) => callExport(guest, name, args));
  }

  callReference(): void {
    const fn = this.#channel.numbers[Ask.export]!;
    const { references } = this.#guest;
    this.#callOf(references.typeOf(fn), (_guest, args) => references.call(fn, args));
  }

  callNested(input: Uint8Array): void {
    const { numbers, counts } = this.#channel;
    const { meter } = this.#guest;
    charge(this.#guest.calls, counts[Ask.fuel]!);
    const fn = this.#bytesFunction(numbers[Ask.export]!);
    const before = meter.left();
    const begun = performance.now();
    const { elapsed, count } = this.#guest.calls;
    this.#answer(
      () => this.#runner.callNested(fn, input),
      () => {
        counts[End.used] = before - meter.left();
        counts[End.limit] = before;
        numbers[End.wallMs] = performance.now() - begun;
        numbers[End.hostMs] = this.#guest.calls.elapsed - elapsed;
        numbers[End.hostCalls] = this.#guest.calls.count - count;
      },
    );
  }

  memoryRead(): void {
    const { numbers } = this.#channel;
    const at = numbers[Access.at]!;
    const bytes = this.#guest.memory.bytes().slice(at, at + numbers[Access.length]!);
    this.#channel.send(Kind.done, bytes, undefined, true);
  }

  memoryWrite(bytes: Uint8Array): void {
    this.#guest.memory.bytes().set(bytes, this.#channel.numbers[Access.at]!);
    this.#channel.send(Kind.done);
  }

  memoryGrow(): void {
    const { numbers } = this.#channel;
    const former = this.#guest.memory.grow(numbers[Access.length]!);
    numbers[Access.value] = former;
    this.#channel.send(Kind.done);
  }

  globalGet(): void {
    const number = this.#channel.numbers[Access.at]!;
    writeValues(this.#channel, Access.value, [this.#globals[number]!], [this.#guest.globals[number]!.get()]);
    this.#channel.send(Kind.done);
  }

  globalSet(): void {
    const number = this.#channel.numbers[Access.at]!;
    const [value] = readValues(this.#channel, Access.value, [this.#globals[number]!]);
    this.#guest.globals[number]!.set(value!);
    this.#channel.send(Kind.done);
  }

  useObjects({ name, args }: ObjectsRequest): void {
    const use = this.#objects[name] as (...args: readonly unknown[]) => unknown;
    this.#channel.send(Kind.done, undefined, { result: use(...args) });
  }

  get #objects(): Objects {
    const { references, tables, calls } = this.#guest;
    return {
      exportReference: (position) => references.exported(position),
      functionType: (fn) => references.typeOf(fn),
      addFunction: (spec, number) => {
        const host = this.#remoteValues(spec, number);
        return references.add(host, numeric(host, calls, references));
      },
      tableSize: (table) => tables.size(table),
      tableGet: (table, index) => tables.get(table, index),
      tableSet: (table, index, value, element) => tables.set(table, index, value, element),
      tableGrow: (table, elements, value, element) => tables.grow(table, elements, value, element),
      heldExterns: () => tables.heldExterns(),
    };
  }

  /** A call from outside with the values of the request. */
  #callOf({ params, results }: FunctionType, call: (guest: Guest, args: readonly RawValue[]) => RawValue[]): void {
    const { counts } = this.#channel;
    const args = readValues(this.#channel, Ask.values, params);
    const fuel = counts[Ask.fuel]!;
    const setting = this.#begin(counts[Ask.slice]!);
    this.#run(() => {
      writeValues(
        this.#channel,
        End.values,
        results,
        this.#runner.run((guest) => call(guest, args), fuel, setting),
      );
      return undefined;
    });
  }

  /** How a call from outside is run. @param slice fuel of a slice, 0 for none */
  #begin(slice: bigint): CallSetting {
    const timed = { data: undefined, timed: true };
    const { calls } = this.#guest;
    let count = 0;
    calls.slice = slice === 0n ? (rest) => rest : (rest) => this.#nextSlice(slice, ++count, rest);
    return slice === 0n ? timed : { ...timed, slice };
  }

  /** Asks the caller whether a guest that has `rest` left may go on, and gives it its next slice. */
  #nextSlice(slice: bigint, count: number, rest: bigint): bigint {
    const { numbers, counts } = this.#channel;
    const { calls, meter } = this.#guest;
    const left = meter.leftWith(rest);
    const more = calls.pause(ON_SLICE, () => {
      this.#reply(SLICE_HOST, calls, () => {
        counts[SliceOver.used] = meter.limit - left;
        counts[SliceOver.left] = left;
        numbers[SliceOver.count] = count;
        this.#channel.send(Kind.host);
      });
      const decided = counts[SliceDecided.more]!;
      if (decided < 0n) throw createError('ERR_ABORTED', 'call');
      return decided;
    });
    return meter.grant(slice, more, rest);
  }

  /** Runs a call from outside. */
  #run(call: () => Uint8Array | undefined): void {
    const { numbers, counts } = this.#channel;
    const { meter, calls } = this.#guest;
    const begun = performance.now();
    this.#answer(call, () => {
      counts[End.used] = meter.used;
      counts[End.limit] = meter.limit;
      numbers[End.wallMs] = performance.now() - begun;
      numbers[End.hostMs] = calls.elapsed;
      numbers[End.hostCalls] = calls.count;
    });
  }

  /** Runs a call and sends what it came to. */
  #answer(call: () => Uint8Array | undefined, measure: () => void): void {
    const { numbers, counts } = this.#channel;
    const { meter, memory } = this.#guest;
    let output: Uint8Array | undefined;
    let ending: AingleWasmError | undefined;
    try {
      output = call();
    } catch (thrown) {
      // Never a termination: the host functions that could ask for one are the caller's.
      ending = thrown as AingleWasmError;
    }
    measure();
    counts[End.left] = meter.left();
    numbers[End.pages] = memory.pages();
    if (ending === undefined) this.#channel.send(Kind.done, output, undefined, true);
    else this.#channel.send(Kind.failed, undefined, faultOf(ending, this.#runner.state === 'poisoned', true));
  }

  /** A host function as the guest's side knows it: it asks the caller. */
  #remote(host: HostSpec, index: number): ResolvedHostFunction {
    if (host.kind === 'numeric') return this.#remoteValues(host, index);
    const send = (input: Uint8Array) => this.#channel.send(Kind.host, input, undefined, true);
    return { ...host, kind: 'envelope', call: (input, scope) => this.#reply(index, scope, () => send(input)).bytes };
  }

  #remoteValues(host: HostSpec, index: number): NumericHost {
    return { ...host, kind: 'numeric', call: (args, scope) => this.#ask(host, index, args, scope) };
  }

  #ask({ type }: HostSpec, index: number, args: readonly RawValue[], scope: HostScope): RawValue[] {
    this.#reply(index, scope, () => {
      writeValues(this.#channel, Call.values, type.params, args);
      this.#channel.send(Kind.host);
    });
    return readValues(this.#channel, Reply.values, type.results);
  }

  #reply(index: number, scope: HostScope, send: () => void): Message {
    const { numbers, counts } = this.#channel;
    numbers[Call.host] = index;
    counts[Call.left] = scope.fuelLeft();
    // There is no runner yet while the start function runs.
    numbers[Call.pages] = (this.#runner as Runner | undefined)?.guest.memory.pages() ?? 0;
    send();
    const reply = this.#awaitReply();
    charge(scope, counts[Reply.charged]!);
    // Why it failed is the caller's to know: here the call only has to end.
    if (reply.kind === Kind.refused) throw REFUSED;
    return reply;
  }

  #bytesFunction(index: number): BytesFunction {
    return this.#runner.bytesFunction(this.#name(index));
  }

  #name(index: number): string {
    return this.#guest.info.exports[index]!.name;
  }
}

const REFUSED = new Error('the host function failed');

/** Takes what the caller's host function has charged; too much ends the guest's call as soon as that function has returned. */
function charge(scope: HostScope, fuel: bigint): void {
  if (fuel === 0n) return;
  try {
    scope.charge(fuel);
  } catch {
    // The guest's call ends with it.
  }
}
