// A backend's state in this process or worker: the shared buffers, and the promises that the addon settles.
import type { CallSite } from '../../call-site';
import { createError } from '../../errors/error';
import type { Origin } from '../../errors/trap-frame';
import { Termination } from '../../termination';
import type { ResolvedCallOptions } from '../backend';
import type { Binding, NativeKind, NativeRuntime } from './binding';
import { toError } from './failure';
import { ENTRY_WORDS, HEAD_WORDS, Kind, SharedBuffers } from './shared';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  /** Told when the promise is settled, just before. Also keeps what it belongs to alive until then. */
  readonly owner: Owner | undefined;
  readonly call: CallState | undefined;
  /** Listens to the call's signal. */
  abort: (() => void) | undefined;
  /** Signals of host functions that run for the call. */
  controllers: AbortController[] | undefined;
}

/** What a pending promise belongs to. */
export interface Owner {
  /** Of the guest that is called. */
  readonly origin: Origin | undefined;
  settled(): void;
}

/** What the call of a pending promise was asked with, and where if its guest may call the host. */
export type CallState = Pick<ResolvedCallOptions, 'data' | 'signal' | 'slices'> & {
  readonly site: CallSite | undefined;
};

export class Runtime {
  readonly binding: Binding;
  readonly kind: NativeKind;
  readonly buffers: SharedBuffers;
  readonly handle: NativeRuntime;
  /** See {@link Binding.slabFunction}. */
  readonly callSlab: () => Uint8Array | undefined;
  /** By number; number 0 stands for synchronous calls. */
  readonly #pending: (Pending | undefined)[] = [undefined];
  readonly #free: number[] = [];

  constructor(binding: Binding, kind: NativeKind) {
    this.binding = binding;
    this.kind = kind;
    this.buffers = new SharedBuffers(kind);
    const { control, input, output, receipt, words, bytes } = this.buffers;
    const settle = (count: number, values: readonly unknown[]) => this.#settle(count, values);
    this.handle = binding.openRuntime(settle, [control.numbers, input, output, receipt.numbers, words.numbers, bytes]);
    this.callSlab = binding.slabFunction(this.handle);
  }

  /**
   * A promise that the addon will settle. `begin` hands its number over; what it throws rejects the promise.
   *
   * @param owner told when it is settled
   * @param call of a guest, whose host functions can ask for it; its signal stops it
   */
  promise<T>(begin: (id: number) => void, owner?: Owner, call?: CallState): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = this.#free.pop() ?? this.#pending.length;
      const pending: Pending = { resolve, reject, owner, call, abort: undefined, controllers: undefined };
      this.#pending[id] = pending;
      try {
        begin(id);
      } catch (raw) {
        this.#take(id);
        owner?.settled();
        reject(toError(raw));
        return;
      }
      const signal = call?.signal;
      if (signal !== undefined) {
        pending.abort = () => this.binding.abortCall(this.handle, id);
        signal.addEventListener('abort', pending.abort, { once: true });
      }
    });
  }

  /** What a pending call was asked with. */
  callOf(id: number): CallState | undefined {
    return this.#pending[id]?.call;
  }

  /** A signal that is aborted when a pending call is stopped. */
  signalOf(id: number): AbortSignal {
    const controller = new AbortController();
    const pending = this.#pending[id];
    if (pending !== undefined) {
      pending.controllers ??= [];
      pending.controllers.push(controller);
    }
    return controller.signal;
  }

  #settle(count: number, values: readonly unknown[]): void {
    for (let entry = 0; entry < count; entry++) this.#settleOne(entry * ENTRY_WORDS, values[entry]);
  }

  #settleOne(at: number, value: unknown): void {
    const { words, bytes } = this.buffers;
    const kind = words.numbers[at + 1];
    const pending = this.#take(words.numbers[at]!);
    const { resolve, owner } = pending;
    owner?.settled();
    if (kind === Kind.failure) {
      this.#fail(pending, toError(value, owner?.origin), at);
    } else if (kind === Kind.value) {
      resolve(value as never);
    } else if (kind === Kind.step) {
      resolve({ step: value } as never);
    } else {
      const begin = words.numbers[at + 2]!;
      const output = kind === Kind.bytes ? bytes.slice(begin, begin + words.numbers[at + 3]!) : value;
      resolve({ bytes: output, receipt: words.receipt(at + HEAD_WORDS, true) } as never);
    }
  }

  #fail({ reject, call, controllers }: Pending, error: ReturnType<typeof toError>, at: number): void {
    if (error instanceof Termination) error.receipt ??= this.buffers.words.receipt(at + HEAD_WORDS, false);
    const reason = abortedBy(call?.signal, error);
    for (const controller of controllers ?? []) controller.abort(call?.signal?.aborted ? call.signal.reason : reason);
    reject(reason);
  }

  #take(id: number): Pending {
    const pending = this.#pending[id]!;
    this.#pending[id] = undefined;
    this.#free.push(id);
    if (pending.abort !== undefined) pending.call!.signal!.removeEventListener('abort', pending.abort);
    return pending;
  }
}

/** The error of a call that its signal has stopped has the signal's reason as its cause. */
export function abortedBy(signal: AbortSignal | undefined, error: ReturnType<typeof toError>) {
  if (error instanceof Termination || error.code !== 'ERR_ABORTED' || signal?.aborted !== true) return error;
  return createError('ERR_ABORTED', error.phase, undefined, signal.reason);
}
