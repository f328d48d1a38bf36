// The buffers that both sides write: small inputs and outputs, receipts, and the entries of a batch of settled promises. The layout
// is that of crates/node/src/settle.rs and receipt.rs.
import type { Receipt } from '../../types';
import type { NativeKind } from './binding';

/** Inputs and outputs of synchronous calls up to this length cross in the shared buffers, longer ones in arrays of their own. */
export const SLAB_BYTES = 4_096;
const BATCH_BYTES = 65_536;
const BATCH_ENTRIES = 256;

/** Words of a receipt: fuel used, fuel limit (both exact), ms in all, waited and in host functions, host calls, pages, bytes in and out. */
const RECEIPT_WORDS = 9;
/** Words of an entry before its receipt: number of the promise, kind, place and length of the bytes. */
export const HEAD_WORDS = 4;
export const ENTRY_WORDS = HEAD_WORDS + RECEIPT_WORDS;

/** Words of the buffer that a synchronous call's arguments cross in, see crates/node/src/hot.rs. */
export const Control = {
  /** Number of the instance. */
  instance: 0,
  /** The exported function. */
  export: 1,
  /** Bytes of the input. */
  length: 2,
  /** 1: the call has fuel of its own and leaves a receipt. */
  options: 3,
  /** That fuel, as an exact count. */
  fuel: 4,
  /** Milliseconds of such a call; 0: no limit. */
  limit: 5,
  /** Bytes of the output. */
  output: 6,
} as const;

/** How an entry settles its promise. */
export const Kind = {
  /** With bytes of the batch, and a receipt. */
  bytes: 0,
  /** With bytes of an array of their own, and a receipt. */
  output: 1,
  /** With a value. */
  value: 2,
  /** Rejects; calls of bytes have a receipt. */
  failure: 3,
  /** With a step. */
  step: 4,
} as const;

/** 64-bit words, readable as numbers and as exact counts. */
export class Words {
  readonly numbers: Float64Array;
  readonly counts: BigUint64Array;
  readonly #backend: NativeKind;

  constructor(length: number, backend: NativeKind) {
    this.#backend = backend;
    this.numbers = new Float64Array(length);
    this.counts = new BigUint64Array(this.numbers.buffer);
  }

  /** The receipt at a word. A call that returned has counted exactly. */
  receipt(at: number, fuelExact: boolean): Receipt {
    const { numbers, counts } = this;
    return {
      fuelUsed: counts[at]!,
      fuelLimit: counts[at + 1]!,
      fuelExact,
      wallMs: numbers[at + 2]!,
      queueMs: numbers[at + 3]!,
      hostMs: numbers[at + 4]!,
      hostCalls: numbers[at + 5]!,
      memoryPages: numbers[at + 6]!,
      bytesIn: numbers[at + 7]!,
      bytesOut: numbers[at + 8]!,
      backend: this.#backend,
    };
  }
}

/** The buffers of one backend in one process or worker. */
export class SharedBuffers {
  readonly input = new Uint8Array(new ArrayBuffer(SLAB_BYTES));
  readonly output = new Uint8Array(new ArrayBuffer(SLAB_BYTES));
  /** Whether a call is using them: a host function may make another one meanwhile. */
  busy = false;
  readonly control: Words;
  readonly receipt: Words;
  readonly words: Words;
  readonly bytes = new Uint8Array(new ArrayBuffer(BATCH_BYTES));

  constructor(backend: NativeKind) {
    this.control = new Words(Object.keys(Control).length, backend);
    this.receipt = new Words(RECEIPT_WORDS, backend);
    this.words = new Words(BATCH_ENTRIES * ENTRY_WORDS, backend);
  }
}
