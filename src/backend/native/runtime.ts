// A backend's state in this process or worker: the shared buffers, and the promises that the addon settles.
import type { Binding, NativeKind, NativeRuntime } from './binding';
import { toError } from './failure';
import { ENTRY_WORDS, HEAD_WORDS, Kind, SharedBuffers } from './shared';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  /** Told when the promise is settled, just before. Also keeps what it belongs to alive until then. */
  readonly owner: Owner | undefined;
  readonly data: unknown;
}

/** What a pending promise belongs to. */
export interface Owner {
  settled(): void;
}

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
   * @param data of the call, for {@link dataOf}
   */
  promise<T>(begin: (id: number) => void, owner?: Owner, data?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = this.#free.pop() ?? this.#pending.length;
      this.#pending[id] = { resolve, reject, owner, data };
      try {
        begin(id);
      } catch (raw) {
        this.#take(id);
        owner?.settled();
        reject(toError(raw));
      }
    });
  }

  /** `data` of a call that is pending. */
  dataOf(id: number): unknown {
    return this.#pending[id]?.data;
  }

  #settle(count: number, values: readonly unknown[]): void {
    for (let entry = 0; entry < count; entry++) this.#settleOne(entry * ENTRY_WORDS, values[entry]);
  }

  #settleOne(at: number, value: unknown): void {
    const { words, bytes } = this.buffers;
    const kind = words.numbers[at + 1];
    const { resolve, reject, owner } = this.#take(words.numbers[at]!);
    owner?.settled();
    if (kind === Kind.failure) {
      reject(toError(value));
    } else if (kind === Kind.value) {
      resolve(value as never);
    } else {
      const begin = words.numbers[at + 2]!;
      const output = kind === Kind.bytes ? bytes.slice(begin, begin + words.numbers[at + 3]!) : value;
      resolve({ bytes: output, receipt: words.receipt(at + HEAD_WORDS) } as never);
    }
  }

  #take(id: number): Pending {
    const pending = this.#pending[id]!;
    this.#pending[id] = undefined;
    this.#free.push(id);
    return pending;
  }
}
