import { type AingleWasmError, createError } from '../../errors/error';
import { requireBytesFunction } from '../../exports';
import type { FunctionType, InstanceState, Value } from '../../types';
import { checkArguments } from '../../values';
import type {
  BackendInstance,
  ModuleInfoJson,
  NumericHost,
  RawResult,
  RawValue,
  ResolvedCallOptions,
} from '../backend';
import type { Binding, NativeHandle, NativeInstance } from './binding';
import { native, toError } from './failure';
import type { HostSide } from './host-side';
import type { Owner, Runtime } from './runtime';
import { SLAB_BYTES } from './shared';

/** By the number that the addon gives. */
const STATES: readonly InstanceState[] = ['idle', 'running', 'host', 'poisoned', 'closed'];

/** Arguments that cross one by one; more cross in an array. */
const FEW = 8;

export class NativeBackendInstance implements BackendInstance, Owner {
  readonly #runtime: Runtime;
  readonly #binding: Binding;
  readonly #info: ModuleInfoJson;
  readonly #host: HostSide;
  readonly #instance: NativeInstance;
  /** Of functions that take and return bytes. */
  readonly #handles = new Map<string, NativeHandle>();
  /** Calls whose promise is not settled yet. They keep this object alive, see {@link Runtime.promise}. */
  #pending = 0;

  constructor(runtime: Runtime, info: ModuleInfoJson, host: HostSide, instance: NativeInstance) {
    this.#runtime = runtime;
    this.#binding = runtime.binding;
    this.#info = info;
    this.#host = host;
    this.#instance = instance;
  }

  get state(): InstanceState {
    const state = STATES[this.#binding.instanceState(this.#instance)]!;
    return state === 'idle' && this.#pending > 0 ? 'running' : state;
  }

  get fuelUsed(): bigint {
    return this.#binding.fuelUsed(this.#instance);
  }

  async call(name: string, input: Uint8Array, { fuel, data }: ResolvedCallOptions): Promise<RawResult> {
    const handle = this.#bytesHandle(name);
    return this.#enqueue(data, (id) => this.#binding.call(this.#instance, id, handle, input, fuel));
  }

  async invoke(name: string, args: readonly RawValue[], { fuel, data }: ResolvedCallOptions): Promise<RawValue[]> {
    const handle = native(() => this.#binding.exportHandle(this.#instance, name));
    return this.#enqueue(data, (id) => this.#binding.invoke(this.#instance, id, handle, args, fuel));
  }

  callSync(name: string, input: Uint8Array, { fuel, data }: ResolvedCallOptions): RawResult {
    const host = this.#host;
    const { syncData } = host;
    host.syncData = data;
    try {
      const bytes = this.#send(name, input, fuel);
      return { bytes, receipt: this.#runtime.buffers.receipt.receipt(0) };
    } finally {
      host.syncData = syncData;
    }
  }

  callRaw(name: string, input: Uint8Array): Uint8Array {
    return this.#send(name, input, undefined);
  }

  invokeSync(name: string, args: readonly RawValue[]): RawValue[] {
    if (this.#pending > 0) throw busy();
    const returned = native(() => {
      const handle = this.#binding.exportHandle(this.#instance, name);
      return this.#binding.invokeMany(this.#instance, handle, args);
    });
    if (returned === undefined) return [];
    return Array.isArray(returned) ? returned : [returned as RawValue];
  }

  exportFunction(name: string, type: FunctionType): (...args: Value[]) => unknown {
    const binding = this.#binding;
    const instance = this.#instance;
    const few = type.params.length <= FEW;
    let handle: NativeHandle | undefined;
    return (...args) => {
      checkArguments(name, type, args);
      if (this.#pending > 0) throw busy();
      try {
        handle ??= binding.exportHandle(instance, name);
        return few ? binding.invokeFew(instance, handle, ...args) : binding.invokeMany(instance, handle, args);
      } catch (raw) {
        throw toError(raw);
      }
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
    return native(() => this.#binding.callFunction(this.#instance, fn, args));
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

  #enqueue<T>(data: unknown, begin: (id: number) => void): Promise<T> {
    this.#pending += 1;
    return this.#runtime.promise<T>(begin, this, data);
  }

  #send(name: string, input: Uint8Array, fuel: bigint | undefined): Uint8Array {
    const handle = this.#bytesHandle(name);
    if (this.#pending > 0) throw busy();
    const { buffers } = this.#runtime;
    if (buffers.busy || input.length > SLAB_BYTES) {
      return native(() => this.#binding.callBytes(this.#instance, handle, unshared(input), fuel));
    }
    buffers.busy = true;
    try {
      buffers.input.set(input);
      const output = this.#binding.callSlab(this.#instance, handle, input.length, fuel);
      return typeof output === 'number' ? buffers.output.slice(0, output) : output;
    } catch (raw) {
      throw toError(raw);
    } finally {
      buffers.busy = false;
    }
  }

  #bytesHandle(name: string): NativeHandle {
    const known = this.#handles.get(name);
    if (known !== undefined) return known;
    requireBytesFunction(this.#info, name);
    const handle = native(() => this.#binding.exportHandle(this.#instance, name));
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
