import { callsObserved } from '../../diagnostics';
import { createError } from '../../errors/error';
import { noAllocator, requireBytesFunction } from '../../exports';
import { Termination } from '../../termination';
import type { FunctionType, InstanceState, InstanceStats, TableType, Value } from '../../types';
import { checkArguments } from '../../values';
import type {
  BackendInstance,
  Ended,
  ModuleInfoJson,
  NumericHost,
  RawResult,
  RawStep,
  RawValue,
  ResolvedCallOptions,
  ResolvedInstanceOptions,
} from '../backend';
import type { BytesFunction } from './convention';
import type { InstancePermit, V8Engine } from './engine';
import type { Guest, GuestFunction } from './guest';
import type { CallSetting, Ending } from './host-calls';
import { numeric } from './linker';
import { busy, engineClosed, instanceClosed, poisoned, unstoppable } from './refusals';
import { callExport, Runner } from './runner';
import { Totals } from './totals';

/** A guest on the thread that made it. Its calls are short, and nothing can stop them in time. */
export class V8Instance implements BackendInstance {
  readonly #engine: V8Engine;
  readonly #permit: InstancePermit;
  /** Of calls that have no options of their own. */
  readonly #setting: CallSetting;
  readonly #defaultFuel: bigint;
  readonly #info: ModuleInfoJson;
  readonly #totals = new Totals();
  /** Undefined once the instance is closed. */
  #runner: Runner | undefined;
  /** A call is on the stack while the instance is closed: the guest is let go of when that call has ended. */
  #closing = false;
  /** Asynchronous calls that are waiting or running. */
  #pending = 0;
  /** The signal of the call that runs. */
  #signal: AbortSignal | undefined;
  /** `fuelUsed` of a closed instance. */
  #finalFuel = 0n;

  constructor(engine: V8Engine, permit: InstancePermit, guest: Guest, options: ResolvedInstanceOptions) {
    this.#engine = engine;
    this.#permit = permit;
    this.#info = guest.info;
    this.#setting = { data: options.data };
    this.#defaultFuel = engine.options.meteringLimit;
    guest.calls.interruption = () => this.#interruption();
    this.#runner = new Runner(guest, options, (meter, stopped) => {
      engine.countCall(meter, stopped);
      this.#totals.count(meter, stopped);
      this.#signal = undefined;
      if (this.#closing) this.#letGo();
    });
  }

  get state(): InstanceState {
    if (this.#runner === undefined || this.#closing) return 'closed';
    if (this.#runner.guest.calls.active) return 'host';
    return this.#runner.state === 'idle' && this.#pending > 0 ? 'running' : this.#runner.state;
  }

  get fuelUsed(): bigint {
    return this.#runner === undefined ? this.#finalFuel : this.#runner.guest.meter.used;
  }

  get stats(): InstanceStats {
    const { calls, stopped, fuel } = this.#totals;
    return Object.freeze({ calls, stopped, fuel });
  }

  call(name: string, input: Uint8Array, options: ResolvedCallOptions): Promise<RawResult> {
    const fn = this.#bytesFunction(name);
    this.#requireUsable();
    refuseLimits(options);
    const copy = input.slice();
    const submitted = performance.now();
    return this.#enqueue(options.signal, (runner) => {
      requirePlace(runner, copy);
      return this.#callWithReceipt(runner, fn, copy, options, performance.now() - submitted);
    });
  }

  callSync(name: string, input: Uint8Array, options: ResolvedCallOptions): RawResult {
    const fn = this.#bytesFunction(name);
    const runner = this.#runnerFor(input);
    refuseLimits(options);
    return this.#callWithReceipt(runner, fn, input, options, 0);
  }

  callRaw(name: string, input: Uint8Array): Uint8Array {
    const fn = this.#bytesFunction(name);
    return this.#runnerFor(input).callBytes(fn, input, this.#defaultFuel, this.#setting);
  }

  invoke(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawValue[]> {
    this.#requireUsable();
    refuseLimits(options);
    const copy = [...args];
    const { fuel, data, signal } = options;
    return this.#enqueue(signal, (runner) => {
      this.#signal = signal;
      return runner.run((guest) => callExport(guest, name, copy), fuel, { data, signal });
    });
  }

  invokeSync(name: string, args: readonly RawValue[]): RawValue[] {
    return this.#callNow((guest) => callExport(guest, name, args));
  }

  start(): Promise<RawStep> {
    throw unstoppable('stepwise calls', 'call');
  }

  exportFunction(name: string, type: FunctionType, ended: Ended): (...args: Value[]) => unknown {
    return (...args) => {
      checkArguments(name, type, args);
      try {
        const returned = this.#callNow(({ exports }) => (exports[name] as GuestFunction)(...args));
        if (callsObserved()) ended();
        return returned;
      } catch (thrown) {
        return ended(thrown);
      }
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
    if (this.#runner?.state === 'running') this.#closing = true;
    else this.#letGo();
  }

  /** A call with the engine's fuel. The instance must be idle. */
  #callNow<T>(call: (guest: Guest) => T): T {
    return this.#requireIdle().run(call, this.#defaultFuel, this.#setting);
  }

  #callWithReceipt(
    runner: Runner,
    fn: BytesFunction,
    input: Uint8Array,
    { fuel, data, signal }: ResolvedCallOptions,
    queueMs: number,
  ): RawResult {
    const begun = performance.now();
    this.#signal = signal;
    try {
      const bytes = runner.callBytes(fn, input, fuel, { data, signal, timed: true });
      return { bytes, receipt: runner.receipt(performance.now() - begun, queueMs, input.length, bytes.length) };
    } catch (thrown) {
      if (thrown instanceof Termination) {
        const wallMs = performance.now() - begun;
        thrown.receipt = runner.receipt(wallMs, queueMs, input.length, thrown.bytes.length, false);
      }
      throw thrown;
    }
  }

  /** Why a call is not to go on now that a host function of it has returned. */
  #interruption(): Ending | undefined {
    if (this.#engine.closed) return engineClosed();
    if (this.#closing) return instanceClosed();
    if (this.#signal?.aborted === true) return createError('ERR_ABORTED', 'call', undefined, this.#signal.reason);
    return undefined;
  }

  /** The exported function of bytes; told apart from other exports also when the instance takes no more calls. */
  #bytesFunction(name: string): BytesFunction {
    if (this.#runner !== undefined) return this.#runner.bytesFunction(name);
    requireBytesFunction(this.#info, name);
    throw instanceClosed();
  }

  async #enqueue<T>(signal: AbortSignal | undefined, run: (runner: Runner) => T): Promise<T> {
    this.#pending++;
    try {
      return await this.#engine.queue.submit(() => {
        const runner = this.#requireUsable();
        if (signal?.aborted === true) throw createError('ERR_ABORTED', 'call', undefined, signal.reason);
        return run(runner);
      });
    } finally {
      this.#pending--;
    }
  }

  /** Refuses a call that cannot wait. */
  #requireIdle(): Runner {
    const runner = this.#runner;
    if (runner?.state === 'idle' && this.#pending === 0 && !this.#engine.closed) return runner;
    this.#requireUsable();
    throw busy();
  }

  #runnerFor(input: Uint8Array): Runner {
    const runner = this.#requireIdle();
    requirePlace(runner, input);
    return runner;
  }

  /** Refuses a call that would not run however long it waits. */
  #requireUsable(): Runner {
    this.#engine.requireOpen();
    if (this.#runner === undefined || this.#closing) throw instanceClosed();
    if (this.#runner.state === 'poisoned') throw poisoned(this.#runner.poisonedBy);
    return this.#runner;
  }

  /** The guest while its memory and globals may be used: at rest, or waiting in a host function. */
  #guestAtRest(): Guest {
    const { state } = this;
    if (state === 'running') throw busy();
    if (state === 'closed') throw instanceClosed();
    return this.#runner!.guest;
  }

  #letGo(): void {
    if (this.#runner === undefined) return;
    this.#finalFuel = this.#runner.guest.meter.used;
    this.#runner = undefined;
    this.#permit.release();
  }
}

function requirePlace({ guest }: Runner, input: Uint8Array): void {
  if (!guest.convention.accepts(input.length)) throw noAllocator(guest.info);
}

/** What a call asks for and cannot have here is refused, never dropped. */
function refuseLimits({ timeoutAsked, slices }: ResolvedCallOptions): void {
  if (timeoutAsked) throw unstoppable('time limit', 'call');
  if (slices !== undefined) throw unstoppable('slices of fuel', 'call');
}
