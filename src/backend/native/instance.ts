import { callsObserved } from '../../diagnostics';
import { type AingleWasmError, createError, invalidValue } from '../../errors/error';
import type { Origin } from '../../errors/trap-frame';
import { requireBytesFunction } from '../../exports';
import { Termination } from '../../termination';
import type { FunctionType, InstanceState, InstanceStats, Value } from '../../types';
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
} from '../backend';
import type { Binding, NativeHandle, NativeInstance } from './binding';
import { native, toError } from './failure';
import type { HostSide } from './host-side';
import type { Owner, Runtime } from './runtime';
import { Control, SLAB_BYTES } from './shared';
import { NativeSteps } from './steps';

/** By the number that the addon gives. */
const STATES: readonly InstanceState[] = ['idle', 'running', 'host', 'poisoned', 'closed'];

/** Arguments that cross one by one; more cross in an array. */
const FEW = 8;

export class NativeBackendInstance implements BackendInstance, Owner {
  readonly #runtime: Runtime;
  readonly #binding: Binding;
  readonly #info: ModuleInfoJson;
  readonly #sliceable: boolean;
  readonly #host: HostSide;
  readonly #instance: NativeInstance;
  readonly #number: number;
  /** Exported functions by name, and those of them that take bytes. */
  readonly #handles = new Map<string, NativeHandle>();
  readonly #bytesHandles = new Map<string, NativeHandle>();
  /** The one that was called last: most callers call one function again and again. */
  #lastName: string | undefined;
  #lastHandle: NativeHandle = 0;
  /** Calls whose promise is not settled yet. They keep this object alive, see {@link Runtime.promise}. */
  #pending = 0;

  constructor(runtime: Runtime, info: ModuleInfoJson, sliceable: boolean, host: HostSide, instance: NativeInstance) {
    this.#runtime = runtime;
    this.#sliceable = sliceable;
    this.#binding = runtime.binding;
    this.#info = info;
    this.#host = host;
    this.#instance = instance;
    this.#number = this.#binding.instanceNumber(instance);
  }

  get origin(): Origin | undefined {
    return this.#host.origin;
  }

  get state(): InstanceState {
    const state = STATES[this.#binding.instanceState(this.#instance)]!;
    return state === 'idle' && this.#pending > 0 ? 'running' : state;
  }

  get fuelUsed(): bigint {
    return this.#binding.fuelUsed(this.#instance);
  }

  get stats(): InstanceStats {
    const [calls, stopped, fuel] = this.#binding.instanceStats(this.#instance);
    return { calls, stopped, fuel };
  }

  async call(name: string, input: Uint8Array, options: ResolvedCallOptions): Promise<RawResult> {
    const handle = this.#bytesHandle(name);
    const { fuel, timeoutMs } = options;
    const slice = this.#slice(options);
    return this.#enqueue(options, (id) =>
      this.#binding.call(this.#instance, id, handle, input, fuel, timeoutMs ?? 0, slice),
    );
  }

  async invoke(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawValue[]> {
    const handle = native(() => this.#handle(name));
    const { fuel, timeoutMs } = options;
    const slice = this.#slice(options);
    return this.#enqueue(options, (id) =>
      this.#binding.invoke(this.#instance, id, handle, args, fuel, timeoutMs ?? 0, slice),
    );
  }

  async start(name: string, args: readonly RawValue[], options: ResolvedCallOptions): Promise<RawStep> {
    const handle = native(() => this.#handle(name));
    const steps = new NativeSteps(this.#runtime, this.#host, this, options);
    this.#pending += 1;
    return steps.begin((id) =>
      this.#binding.start(this.#instance, id, handle, args, options.fuel, options.timeoutMs ?? 0),
    );
  }

  callSync(name: string, input: Uint8Array, { fuel, timeoutMs, data, signal }: ResolvedCallOptions): RawResult {
    const host = this.#host;
    const { syncData, syncSignal } = host;
    host.syncData = data;
    host.syncSignal = signal;
    const { receipt } = this.#runtime.buffers;
    try {
      const bytes = this.#send(name, input, fuel, timeoutMs ?? 0);
      return { bytes, receipt: receipt.receipt(0, true) };
    } catch (thrown) {
      if (thrown instanceof Termination) thrown.receipt ??= receipt.receipt(0, false);
      throw thrown;
    } finally {
      host.syncData = syncData;
      host.syncSignal = syncSignal;
    }
  }

  callRaw(name: string, input: Uint8Array): Uint8Array {
    return this.#send(name, input, undefined, 0);
  }

  invokeSync(name: string, args: readonly RawValue[]): RawValue[] {
    if (this.#pending > 0) throw busy();
    const returned = native(() => {
      const handle = this.#handle(name);
      return this.#binding.invokeMany(this.#instance, handle, args);
    }, this.origin);
    if (returned === undefined) return [];
    return Array.isArray(returned) ? returned : [returned as RawValue];
  }

  exportFunction(name: string, type: FunctionType, ended: Ended): (...args: Value[]) => unknown {
    const binding = this.#binding;
    const instance = this.#instance;
    const few = type.params.length <= FEW;
    let handle: NativeHandle | undefined;
    return (...args) => {
      checkArguments(name, type, args);
      if (this.#pending > 0) throw busy();
      let results: unknown;
      try {
        handle ??= this.#handle(name);
        results = few ? binding.invokeFew(instance, handle, ...args) : binding.invokeMany(instance, handle, args);
      } catch (raw) {
        return ended(toError(raw, this.origin));
      }
      if (callsObserved()) ended();
      return results;
    };
  }

  memoryPages(): number {
    this.#requireRest();
    return native(() => this.#binding.memoryPages(this.#instance));
  }

  memoryRead(ptr: number, len: number): Uint8Array {
    this.#requireRest();
    return native(() => this.#binding.memoryRead(this.#instance, ptr, len));
  }

  memoryWrite(ptr: number, bytes: Uint8Array): void {
    this.#requireRest();
    native(() => this.#binding.memoryWrite(this.#instance, ptr, bytes));
  }

  memoryGrow(pages: number): number {
    this.#requireRest();
    return native(() => this.#binding.memoryGrow(this.#instance, pages));
  }

  globalGet(number: number): RawValue {
    this.#requireRest();
    return native(() => this.#binding.globalGet(this.#instance, number));
  }

  globalSet(number: number, value: RawValue): void {
    this.#requireRest();
    native(() => this.#binding.globalSet(this.#instance, number, value));
  }

  exportReference(position: number): number | null {
    return this.#atRest(() => this.#binding.exportReference(this.#instance, position));
  }

  functionType(fn: number): FunctionType {
    return this.#atRest(() => this.#binding.functionType(this.#instance, fn));
  }

  callFunction(fn: number, args: readonly RawValue[]): RawValue[] {
    if (this.#pending > 0) throw busy();
    return native(() => this.#binding.callFunction(this.#instance, fn, args), this.origin);
  }

  addFunction(host: NumericHost): number {
    const { params, results } = host.type;
    const index = this.#host.add(host);
    return this.#atRest(() => this.#binding.addFunction(this.#instance, index, params, results, host.cost));
  }

  tableSize(table: number): number {
    return this.#atRest(() => this.#binding.tableSize(this.#instance, table));
  }

  tableGet(table: number, index: number): RawValue {
    return this.#atRest(() => this.#binding.tableGet(this.#instance, table, index));
  }

  tableSet(table: number, index: number, value: number | null): void {
    this.#atRest(() => this.#binding.tableSet(this.#instance, table, index, value));
  }

  tableGrow(table: number, elements: number, value: number | null): number {
    return this.#atRest(() => this.#binding.tableGrow(this.#instance, table, elements, value));
  }

  heldExterns(): { held: number[]; seen: number } {
    const held = this.#atRest(() => this.#binding.heldExterns(this.#instance));
    return { seen: held.pop()!, held };
  }

  close(): void {
    native(() => this.#binding.closeInstance(this.#instance));
  }

  settled(): void {
    this.#pending -= 1;
  }

  #enqueue<T>(options: ResolvedCallOptions, begin: (id: number) => void): Promise<T> {
    const { data, signal, slices } = options;
    const site = this.#host.site(slices !== undefined);
    this.#pending += 1;
    return this.#runtime.promise<T>(begin, this, { data, signal, slices, site });
  }

  #slice({ slices }: ResolvedCallOptions): bigint | undefined {
    if (slices !== undefined && !this.#sliceable)
      throw invalidValue('sliceFuel', 'the module must be compiled with sliceable: true', slices.fuel);
    return slices?.fuel;
  }

  #send(name: string, input: Uint8Array, fuel: bigint | undefined, limit: number): Uint8Array {
    const handle = this.#bytesHandle(name);
    if (this.#pending > 0) throw busy();
    const { buffers } = this.#runtime;
    if (buffers.busy || input.length > SLAB_BYTES) {
      const call = () => this.#binding.callBytes(this.#instance, handle, unshared(input), fuel, limit);
      return native(call, this.origin);
    }
    buffers.busy = true;
    try {
      buffers.input.set(input);
      const { numbers } = buffers.control;
      numbers[Control.instance] = this.#number;
      numbers[Control.export] = handle;
      numbers[Control.length] = input.length;
      numbers[Control.options] = fuel === undefined ? 0 : 1;
      if (fuel !== undefined) {
        buffers.control.counts[Control.fuel] = fuel;
        numbers[Control.limit] = limit;
      }
      return this.#runtime.callSlab() ?? buffers.output.slice(0, numbers[Control.output]);
    } catch (raw) {
      throw toError(raw, this.origin);
    } finally {
      buffers.busy = false;
    }
  }

  #bytesHandle(name: string): NativeHandle {
    if (name === this.#lastName) return this.#lastHandle;
    const handle = this.#bytesHandles.get(name) ?? this.#findHandle(name);
    this.#lastName = name;
    this.#lastHandle = handle;
    return handle;
  }

  #findHandle(name: string): NativeHandle {
    requireBytesFunction(this.#info, name);
    const handle = native(() => this.#handle(name));
    this.#bytesHandles.set(name, handle);
    return handle;
  }

  /** The addon keeps what it gives, so each function is asked for once. */
  #handle(name: string): NativeHandle {
    const known = this.#handles.get(name);
    if (known !== undefined) return known;
    const handle = this.#binding.exportHandle(this.#instance, name);
    this.#handles.set(name, handle);
    return handle;
  }

  #atRest<T>(use: () => T): T {
    this.#requireRest();
    return native(use);
  }

  /** A guest that waits in a host function lets its memory and globals be used; one that runs, or is about to, does not. */
  #requireRest(): void {
    if (this.#pending > 0 && this.state === 'running') throw busy();
  }
}

function busy(): AingleWasmError {
  return createError('ERR_INSTANCE_BUSY', 'call');
}

/** Bytes that no other thread changes while they are read. */
function unshared(input: Uint8Array): Uint8Array {
  return input.buffer instanceof SharedArrayBuffer ? input.slice() : input;
}
