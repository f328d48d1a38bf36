// How bytes stand in a guest's memory: in an envelope or bare.
import type { Phase } from '../../errors/codes';
import { type AingleWasmError, createError } from '../../errors/error';
import { decodeEnvelope } from '../../fallback';
import { crc32 } from '../../wire/crc32';
import { checkFrame, FLAGS, flagsOf, HEADER_BYTES, writeHeader } from '../../wire/frame';
import { readGuestError } from '../../wire/guest-error';
import type { Allocator, Block, Release } from './guest-functions';
import type { GuestMemory } from './guest-memory';

const ERROR_BIT = 0x8000_0000;

/** What a guest passes to a host function is bounded by its memory. */
const MAX_LENGTH = 0xffff_ffff;

const packed = new BigInt64Array(1);
const words = new Uint32Array(packed.buffer);

export type BytesFunction = (ptr: number, len: number) => bigint;

/** A place that the guest keeps for inputs. */
export interface CallBuffer {
  readonly ptr: number;
  readonly capacity: number;
}

/**
 * Byte calls of one instance. Functions return an error, instead of throwing it, where the guest has come back and is usable: the
 * arena is reset all the same.
 */
export class Convention {
  readonly #memory: GuestMemory;
  readonly #allocator: Allocator;
  readonly #header: number;
  readonly #maxOutput: number;
  readonly #buffer: number;
  readonly #bufferCapacity: number;

  constructor(memory: GuestMemory, allocator: Allocator, enveloped: boolean, maxOutput: number, buffer?: CallBuffer) {
    this.#memory = memory;
    this.#allocator = allocator;
    this.#header = enveloped ? HEADER_BYTES : 0;
    this.#maxOutput = maxOutput;
    this.#buffer = buffer?.ptr ?? 0;
    this.#bufferCapacity = buffer?.capacity ?? -1;
  }

  /** Whether an input of this length finds a place at all. */
  accepts(len: number, nested = false): boolean {
    const size = len + this.#header;
    return size === 0 || (!nested && size <= this.#bufferCapacity) || this.#allocator.allocate !== undefined;
  }

  /** Places the input, calls the function, reads the result, gives the memory back. Traps of the guest pass through. */
  call(fn: BytesFunction, input: Uint8Array): Uint8Array | AingleWasmError {
    return this.#call(fn, input, this.#bufferCapacity, this.#allocator.release);
  }

  /** As {@link call}, while another call of the guest waits: what belongs to that one is left alone. */
  callNested(fn: BytesFunction, input: Uint8Array): Uint8Array | AingleWasmError {
    const close = this.#allocator.openScope();
    const output = this.#call(fn, input, -1, this.#allocator.releaseNested);
    close();
    return output;
  }

  #call(fn: BytesFunction, input: Uint8Array, capacity: number, release: Release): Uint8Array | AingleWasmError {
    const len = input.length + this.#header;
    const buffered = len <= capacity;
    const ptr = buffered ? this.#buffer : len === 0 ? 0 : this.#allocator.allocate!(len) >>> 0;
    // 0 is how allocators fail, though it is an address.
    if ((ptr === 0 && len > 0 && !buffered) || !this.#memory.contains(ptr, len)) {
      release(undefined, NO_BLOCK);
      return this.#outside('call', ptr, len);
    }
    this.#write(ptr, input, FLAGS.expectsResponse);
    packed[0] = fn(ptr, len);
    const outputLen = words[0]!;
    const high = words[1]!;
    const output = { ptr: (high & ~ERROR_BIT) >>> 0, len: outputLen };
    const result = this.#result(output, high >= ERROR_BIT);
    release(buffered || len === 0 ? undefined : { ptr, len }, output);
    return result;
  }

  /** A copy of what a guest passes to a host function. */
  takeArgument(ptr: number, len: number): Uint8Array | AingleWasmError {
    return this.#read(ptr, len, MAX_LENGTH, 'host');
  }

  /** Puts the reply of a host function into the guest's memory and returns it packed. */
  reply(payload: Uint8Array): bigint | AingleWasmError {
    if (payload.length === 0) return 0n;
    const len = payload.length + this.#header;
    if (this.#allocator.allocate === undefined) return this.#outside('host', 0, payload.length);
    const ptr = this.#allocator.allocate(len) >>> 0;
    if (ptr === 0 || !this.#memory.contains(ptr, len)) return this.#outside('host', ptr, len);
    this.#write(ptr, payload, 0);
    words[0] = len;
    words[1] = ptr;
    return packed[0]!;
  }

  /** The checksum of a range, or the error for one outside. */
  checksum(ptr: number, len: number): number | AingleWasmError {
    return this.#memory.contains(ptr, len)
      ? crc32(this.#memory.bytes(), this.#memory.words(), ptr, ptr + len)
      : this.#outside('host', ptr, len);
  }

  /** The error that a guest reports of its panic; undefined for a range outside its memory. */
  panicReport(ptr: number, len: number): AingleWasmError | undefined {
    if (!this.#memory.contains(ptr, len)) return undefined;
    return createError('ERR_GUEST', 'call', readGuestError(this.#memory.bytes().slice(ptr, ptr + len)));
  }

  #write(ptr: number, payload: Uint8Array, flags: number): void {
    const bytes = this.#memory.bytes();
    bytes.set(payload, ptr + this.#header);
    if (this.#header > 0) writeHeader(bytes, this.#memory.words(), ptr, flags, payload.length);
  }

  /** What a function returned: its output, or the error that it or its damage stands for. */
  #result({ ptr, len }: Block, isError: boolean): Uint8Array | AingleWasmError {
    const payload = this.#read(ptr, len, this.#maxOutput, 'call');
    if (!(payload instanceof Uint8Array)) return payload;
    const flagged = this.#header > 0 && len > 0 && (flagsOf(this.#memory.bytes(), ptr) & FLAGS.error) !== 0;
    return isError || flagged ? createError('ERR_GUEST', 'call', readGuestError(payload)) : payload;
  }

  /** A copy of the payload in a block that a guest named. */
  #read(ptr: number, len: number, limit: number, phase: Phase): Uint8Array | AingleWasmError {
    if (len === 0) return new Uint8Array(0);
    if (!this.#memory.contains(ptr, len)) return this.#outside(phase, ptr, len);
    const bytes = this.#memory.bytes();
    if (this.#header === 0) return len > limit ? tooLong(phase, limit, len) : bytes.slice(ptr, ptr + len);
    const damage = checkFrame(bytes, this.#memory.words(), ptr, ptr + len, phase);
    if (damage !== undefined) return damage;
    if (flagsOf(bytes, ptr) & (FLAGS.compressed | FLAGS.encrypted))
      return unpack(bytes.subarray(ptr, ptr + len), limit, phase);
    const payload = len - HEADER_BYTES;
    return payload > limit ? tooLong(phase, limit, payload) : bytes.slice(ptr + HEADER_BYTES, ptr + len);
  }

  #outside(phase: Phase, ptr: number, len: number): AingleWasmError {
    return createError('ERR_GUEST_POINTER', phase, { ptr, len, memory: this.#memory.bytes().length });
  }
}

const NO_BLOCK: Block = { ptr: 0, len: 0 };

/** The codec opens what is compressed and refuses what is encrypted. */
function unpack(envelope: Uint8Array, limit: number, phase: Phase): Uint8Array | AingleWasmError {
  try {
    return decodeEnvelope(envelope, limit);
  } catch (error) {
    const { code, details } = error as AingleWasmError;
    return code === 'ERR_ENVELOPE_LIMIT'
      ? tooLong(phase, limit, Number(details?.actual))
      : createError(code, phase, details);
  }
}

function tooLong(phase: Phase, limit: number, value: number): AingleWasmError {
  return createError('ERR_OUTPUT_LIMIT', phase, { limit, value });
}
