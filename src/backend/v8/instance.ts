import type { ErrorCode } from '../../errors/codes';
import { AingleWasmError, createError } from '../../errors/error';
import { findFunction, noAllocator, requireBytesFunction } from '../../exports';
import type { FunctionType, InstanceState, Receipt, TableType, Value } from '../../types';
import { checkArguments } from '../../values';
import type {
  BackendInstance,
  ModuleInfoJson,
  NumericHost,
  RawResult,
  RawValue,
  ResolvedCallOptions,
  ResolvedInstanceOptions,
} from '../backend';
import type { BytesFunction } from './convention';
import { fromEngine, hasVectors, listed, toEngine } from './crossing';
import type { InstancePermit, V8Engine } from './engine';
import type { Guest, GuestFunction } from './guest';
import { numeric } from './linker';
import { RESERVED } from './names';
import { exhausted, explainEnd, isStop, keepsWhenAsked } from './outcome';

/** A guest and its state machine. Everything runs on the thread that made it. */
export class V8Instance implements BackendInstance {
  readonly #engine: V8Engine;
  readonly #permit: InstancePermit;
  readonly #options: ResolvedInstanceOptions;
  readonly #defaultFuel: bigint;
  readonly #info: ModuleInfoJson;
  /** Functions of bytes that were looked up and have the right type. */
  readonly #bytesFunctions = new Map<string, BytesFunction>();
  /** Undefined once the instance is closed. */
  #guest: Guest | undefined;
  #state: 'idle' | 'running' | 'poisoned' = 'idle';
  /** A call is on the stack while the instance is closed: the guest is let go of when that call has ended. */
  #closing = false;
  #poisonedBy: ErrorCode | undefined;
  /** Asynchronous calls that are waiting or running. */
  #pending = 0;
  /** `fuelUsed` of a closed instance. */
  #finalFuel = 0n;

  constructor(engine: V8Engine, permit: InstancePermit, guest: Guest, options: ResolvedInstanceOptions) {
    this.#engine = engine;
    this.#permit = permit;
    this.#guest = guest;
    this.#info = guest.info;
    this.#options = options;
    this.#defaultFuel = engine.options.meteringLimit;
  }

  get state(): InstanceState {
    if (this.#guest === undefined || this.#closing) return 'closed';
    if (this.#guest.calls.active) return 'host';
    return this.#state === 'idle' && this.#pending > 0 ? 'running' : this.#state;
  }

  get fuelUsed(): bigint {
    return this.#guest === undefined ? this.#finalFuel : this.#guest.meter.used;
  }

  call(name: string, input: Uint8Array, options: ResolvedCallOptions): Promise<RawResult> {
    const fn = this.#bytesFunction(name);
    this.#requireUsable();
    const copy = input.slice();
    const submitted = performance.now();
    return this.#enqueue(() => this.#callWithReceipt(fn, copy, options, performance.now() - submitted));
  }

  callSync(name: string, input: Uint8Array, options: ResolvedCallOptions): RawResult {
    const fn = this.#bytesFunction(name);
    this.#requireIdle();
    return this.#callWithReceipt(fn, input, options, 0);
  }

  callRaw(name: string, input: Uint8Array): Uint8Array {
    const fn = this.#bytesFunction(name);
    this.#requireIdle();
    return this.#callBytes(fn, input, this.#defaultFuel, this.#options.data, false);
  }

  invoke(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawValue[]> {
    this.#requireUsable();
    const copy = [...args];
    return this.#enqueue(() => this.#callRaw((guest) => callExport(guest, name, copy), options));
  }

  invokeSync(name: string, args: readonly RawValue[]): RawValue[] {
    return this.#callNow((guest) => callExport(guest, name, args));
  }

  exportFunction(name: string, type: FunctionType): (...args: Value[]) => unknown {
    return (...args) => {
      checkArguments(name, type, args);
      this.#requireIdle();
      return this.#callValues(name, args, this.#defaultFuel, this.#options.data);
    };
  }

  memoryPages(): number {
    return this.#guestAtRest().memory.pages();
  }

  memoryRead(ptr: number, len: number): Uint8Array {
    return this.#guestAtRest()
      .memory.bytes()
      .slice(ptr, ptr + len);
  }

  memoryWrite(ptr: number, bytes: Uint8Array): void {
    this.#guestAtRest().memory.bytes().set(bytes, ptr);
  }

  memoryGrow(pages: number): number {
    return this.#guestAtRest().memory.grow(pages);
  }

  globalGet(number: number): RawValue {
    return this.#guestAtRest().globals[number]!.get();
  }

  globalSet(number: number, value: RawValue): void {
    this.#guestAtRest().globals[number]!.set(value);
  }

  exportReference(position: number): number | null {
    return this.#guestAtRest().references.exported(position);
  }

  functionType(fn: number): FunctionType {
    return this.#guestAtRest().references.typeOf(fn);
  }

  callFunction(fn: number, args: readonly RawValue[]): RawValue[] {
    return this.#callNow(({ references }) => references.call(fn, args));
  }

  addFunction(host: NumericHost): number {
    const { references, calls } = this.#guestAtRest();
    return references.add(host, numeric(host, calls, references));
  }

  tableSize(table: number): number {
    return this.#guestAtRest().tables.size(table);
  }

  tableGet(table: number, index: number): RawValue {
    return this.#guestAtRest().tables.get(table, index);
  }

  tableSet(table: number, index: number, value: number | null, element: TableType['element']): void {
    this.#guestAtRest().tables.set(table, index, value, element);
  }

  tableGrow(table: number, elements: number, value: number | null, element: TableType['element']): number {
    return this.#guestAtRest().tables.grow(table, elements, value, element);
  }

  heldExterns(): { held: number[]; seen: number } {
    return this.#guestAtRest().tables.heldExterns();
  }

  close(): void {
    if (this.#state === 'running') this.#closing = true;
    else this.#letGo();
  }

  #callWithReceipt(fn: BytesFunction, input: Uint8Array, options: ResolvedCallOptions, queueMs: number): RawResult {
    // The guest is let go of before the receipt is written if a host function closes the instance.
    const guest = this.#guest!;
    const begun = performance.now();
    const bytes = this.#callBytes(fn, input, options.fuel, options.data, true);
    const wallMs = performance.now() - begun;
    return { bytes, receipt: receiptOf(guest, wallMs, queueMs, input.length, bytes.length) };
  }

  /** One call of a function of bytes. The instance must be idle. */
  #callBytes(fn: BytesFunction, input: Uint8Array, fuel: bigint, data: unknown, timed: boolean): Uint8Array {
    const guest = this.#guest!;
    if (!guest.convention.accepts(input.length)) throw noAllocator(this.#info);
    this.#begin(guest, fuel, data, timed);
    let output: Uint8Array | AingleWasmError;
    try {
      output = guest.convention.call(fn, input);
    } catch (thrown) {
      throw this.#interrupted(guest, thrown);
    }
    this.#returned(guest);
    if (output instanceof AingleWasmError) throw output;
    return output;
  }

  /** One call of a function of core values. The instance must be idle. */
  #callValues(name: string, args: readonly Value[], fuel: bigint, data: unknown) {
    const guest = this.#guest!;
    const fn = guest.exports[name] as GuestFunction;
    this.#begin(guest, fuel, data, false);
    let results: Value | Value[] | undefined;
    try {
      results = fn(...args);
    } catch (thrown) {
      throw this.#interrupted(guest, thrown);
    }
    this.#returned(guest);
    return results;
  }

  /** One call of values that are not all plain. The instance must be idle. */
  #callNow(run: (guest: Guest) => RawValue[]): RawValue[] {
    this.#requireIdle();
    return this.#callRaw(run, { fuel: this.#defaultFuel, data: this.#options.data });
  }

  #callRaw(run: (guest: Guest) => RawValue[], { fuel, data }: ResolvedCallOptions): RawValue[] {
    const guest = this.#guest!;
    this.#begin(guest, fuel, data, false);
    let results: RawValue[];
    try {
      results = run(guest);
    } catch (thrown) {
      throw this.#interrupted(guest, thrown);
    }
    this.#returned(guest);
    return results;
  }

  #begin(guest: Guest, fuel: bigint, data: unknown, timed: boolean): void {
    this.#state = 'running';
    guest.calls.begin(data, timed);
    guest.meter.begin(fuel);
  }

  /** The guest has come back: it is usable, if its last charge was within the limit. */
  #returned(guest: Guest): void {
    if (!guest.meter.end(true)) throw this.#ended(guest, exhausted(guest.meter, 'call'));
    this.#engine.countCall(guest.meter, false);
    this.#state = 'idle';
    if (this.#closing) this.#letGo();
  }

  /** The guest has not come back. Returns the error to throw. */
  #interrupted(guest: Guest, thrown: unknown): AingleWasmError {
    guest.meter.end(false);
    const error = explainEnd(thrown, guest.meter, guest.calls, this.#options.limits.callDepth, 'call');
    if (error.code === 'ERR_FUEL_EXHAUSTED') guest.meter.useAll();
    return this.#ended(guest, error);
  }

  #ended(guest: Guest, error: AingleWasmError): AingleWasmError {
    const keep = this.#options.afterTrap === 'keep' && keepsWhenAsked(error.code);
    if (!keep) this.#poisonedBy = error.code;
    this.#state = keep ? 'idle' : 'poisoned';
    this.#engine.countCall(guest.meter, isStop(error.code));
    if (this.#closing) this.#letGo();
    return error;
  }

  /** The exported function of bytes; told apart from other exports also when the instance takes no more calls. */
  #bytesFunction(name: string): BytesFunction {
    const known = this.#bytesFunctions.get(name);
    if (known !== undefined) return known;
    requireBytesFunction(this.#info, name);
    const found = this.#guest?.exports[name] as BytesFunction;
    if (this.#guest !== undefined) this.#bytesFunctions.set(name, found);
    return found;
  }

  async #enqueue<T>(run: () => T): Promise<T> {
    this.#pending++;
    try {
      return await this.#engine.queue.submit(() => {
        this.#requireUsable();
        return run();
      });
    } finally {
      this.#pending--;
    }
  }

  /** Refuses a call that cannot wait. */
  #requireIdle(): void {
    if (this.#state !== 'idle' || this.#pending > 0 || this.#guest === undefined || this.#engine.closed) {
      this.#requireUsable();
      throw createError('ERR_INSTANCE_BUSY', 'call');
    }
  }

  /** Refuses a call that would not run however long it waits. */
  #requireUsable(): void {
    if (this.#engine.closed) throw createError('ERR_ENGINE_CLOSED', 'close', { closed: 'engine' });
    if (this.#guest === undefined || this.#closing) throw createError('ERR_INSTANCE_CLOSED', 'call');
    if (this.#state === 'poisoned') throw createError('ERR_INSTANCE_POISONED', 'call', { reason: this.#poisonedBy });
  }

  /** The guest while its memory and globals may be used: at rest, or waiting in a host function. */
  #guestAtRest(): Guest {
    const { state } = this;
    if (state === 'running') throw createError('ERR_INSTANCE_BUSY', 'call');
    if (state === 'closed') throw createError('ERR_INSTANCE_CLOSED', 'call');
    return this.#guest!;
  }

  #letGo(): void {
    if (this.#guest === undefined) return;
    this.#finalFuel = this.#guest.meter.used;
    this.#guest = undefined;
    this.#bytesFunctions.clear();
    this.#permit.release();
  }
}

/** Calls an exported function of any type. */
function callExport({ info, exports, references }: Guest, name: string, args: readonly RawValue[]): RawValue[] {
  const type = findFunction(info, name)!;
  const position = info.exports.findIndex((item) => item.name === name);
  const fn = exports[hasVectors(type) ? RESERVED.exact + position : name] as GuestFunction;
  return fromEngine(type.results, listed(fn(...toEngine(type.params, args, references))), references);
}

function receiptOf(guest: Guest, wallMs: number, queueMs: number, bytesIn: number, bytesOut: number): Receipt {
  const { meter, calls, memory } = guest;
  return Object.freeze({
    fuelUsed: meter.used,
    fuelLimit: meter.limit,
    fuelExact: true,
    wallMs,
    queueMs,
    hostMs: calls.elapsed,
    hostCalls: calls.count,
    memoryPages: memory.pages(),
    bytesIn,
    bytesOut,
    backend: 'v8',
  });
}
