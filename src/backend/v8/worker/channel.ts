import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/** Payloads up to this length cross in shared memory, longer ones are transferred. */
const SLAB_BYTES = 65_536;
/** Numbers of one message: a head, and parameters or results, of which there are at most 1,000 and of which a vector takes two. */
const WORDS = 2_048;

/** Cells of the shared control block. */
const Control = { turn: 0, kind: 1, place: 2, length: 3, ring: 4, thread: 5 } as const;
const CONTROL_BYTES = 64;
const WORDS_BYTES = WORDS * 8;

/** Where the payload of a message is. */
const Place = { none: 0, slab: 1, port: 2 } as const;

/** Who may write the shared memory; the other side waits. */
export const Side = { caller: 0, worker: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

export interface Message {
  readonly kind: number;
  readonly bytes: Uint8Array;
  /** What no bytes can say, structurally cloned. */
  readonly value: unknown;
}

const NO_BYTES = new Uint8Array(0);

/** The shared memory of a channel. */
export function channelMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + WORDS_BYTES + SLAB_BYTES);
}

/**
 * One end of the way between a caller and a worker. One side speaks at a time: whoever sends a message hands the turn over and gets it back
 * with the next message. `numbers` and `counts` are the same words, part of the message; they hold what the other side wrote until this one
 * sends.
 */
export class Channel {
  readonly numbers: Float64Array;
  readonly counts: BigInt64Array;
  /** Whether the other side is to post its next message, for an event loop to see, instead of waking a thread that waits. */
  ring = false;
  readonly #control: Int32Array;
  readonly #slab: Uint8Array;
  readonly #port: MessagePort;
  readonly #side: Side;

  constructor(shared: SharedArrayBuffer, port: MessagePort, side: Side) {
    this.#control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
    this.numbers = new Float64Array(shared, CONTROL_BYTES, WORDS);
    this.counts = new BigInt64Array(shared, CONTROL_BYTES, WORDS);
    this.#slab = new Uint8Array(shared, CONTROL_BYTES + WORDS_BYTES);
    this.#port = port;
    this.#side = side;
  }

  /** The kernel's number of the worker's thread, once that has said it; else 0. */
  get threadNumber(): number {
    return Atomics.load(this.#control, Control.thread);
  }

  set threadNumber(number: number) {
    Atomics.store(this.#control, Control.thread, number);
  }

  /**
   * Sends a message, whose words are written already, and with it the turn.
   *
   * @param bytes its payload; taken away from the sender if it is longer than the shared memory and `owned`
   * @param value instead of bytes: anything that can be cloned
   */
  send(kind: number, bytes: Uint8Array = NO_BYTES, value?: unknown, owned = false): void {
    const control = this.#control;
    const ringing = control[Control.ring] === 1;
    const fits = bytes.length <= SLAB_BYTES;
    control[Control.kind] = kind;
    control[Control.length] = fits ? bytes.length : 0;
    control[Control.place] = value !== undefined || !fits ? Place.port : bytes.length > 0 ? Place.slab : Place.none;
    control[Control.ring] = this.ring ? 1 : 0;
    // Bytes whose buffer was taken away have no length, and cannot even be asked for none.
    if (fits && bytes.length > 0) this.#slab.set(bytes);
    const posted =
      value !== undefined ? { value } : fits ? undefined : { bytes: owned ? bytes : new Uint8Array(bytes) };
    const transferred = posted?.bytes === undefined ? [] : [posted.bytes.buffer as ArrayBuffer];
    if (posted !== undefined && !ringing) this.#port.postMessage(posted, transferred);
    Atomics.store(control, Control.turn, 1 - this.#side);
    if (ringing) this.#port.postMessage(posted, transferred);
    else Atomics.notify(control, Control.turn);
  }

  /** The kind of the message that has come and is to be taken; undefined while the other side has the turn. */
  get arrived(): number | undefined {
    return Atomics.load(this.#control, Control.turn) === this.#side ? this.#control[Control.kind] : undefined;
  }

  /** Blocks until the turn is here, at most some milliseconds. Returns whether it is. */
  wait(milliseconds = Number.POSITIVE_INFINITY): boolean {
    const end = performance.now() + milliseconds;
    for (;;) {
      if (this.arrived !== undefined) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      Atomics.wait(this.#control, Control.turn, 1 - this.#side, left);
    }
  }

  /** The message that came with the turn. `posted` is what came through the port, where an event loop has seen it. */
  take(posted?: unknown): Message {
    const control = this.#control;
    const kind = control[Control.kind]!;
    if (control[Control.place] !== Place.port)
      return { kind, bytes: this.#slab.slice(0, control[Control.length]), value: undefined };
    const { bytes = NO_BYTES, value } = (posted ?? receiveMessageOnPort(this.#port)!.message) as Partial<Message>;
    return { kind, bytes, value };
  }
}
