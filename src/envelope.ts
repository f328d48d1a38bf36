// The envelope codec by itself: for those who speak to guests' peers, or test them.
import { createError, invalidType } from './errors/error';
import { decodeEnvelope, encodeEnvelope } from './fallback';
import { checkInteger, optional, readTable } from './options/table';
import { givenBytes } from './source';
import { checkFrame, FLAGS, flagsOf, HEADER_BYTES, payloadLength, writeHeader } from './wire/frame';

/** Encrypts and authenticates payloads. `header` is the first four bytes of the envelope, to be authenticated with them. */
export interface Cipher {
  seal(payload: Uint8Array, header: Uint8Array): Uint8Array;
  /** Throws if the payload is not authentic. */
  open(sealed: Uint8Array, header: Uint8Array): Uint8Array;
}

export interface EncodeOptions {
  /** Compresses payloads of 1,024 bytes and more if that makes them smaller. Default false. */
  compress?: boolean;
  /** Sets the flag of calls that wait for an answer. Default false. */
  expectsResponse?: boolean;
  /** Sets the flag of errors. Default false. */
  error?: boolean;
  /** Encrypts the payload, after compression. */
  cipher?: Cipher;
}

export interface DecodeOptions {
  /** Largest payload, after decompression: 0 … 2^31−1. Default 64 MiB. */
  maxBytes?: number;
  /** Ignores bytes behind the payload instead of refusing them. Default false. */
  allowTrailing?: boolean;
  /** Opens encrypted payloads, which are refused without it. */
  cipher?: Cipher;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const MAX_PAYLOAD = 2 ** 31 - 1;

const flag = optional((option, value) => {
  if (typeof value !== 'boolean') throw invalidType(option, 'a boolean', value);
  return value;
});

const cipher = optional((option, value) => {
  const { seal, open } = (value ?? {}) as Partial<Cipher>;
  if (typeof seal !== 'function' || typeof open !== 'function') {
    throw invalidType(option, 'an object with the functions "seal" and "open"', value);
  }
  return value as Cipher;
});

const ENCODE_OPTIONS = { compress: flag, expectsResponse: flag, error: flag, cipher };
const DECODE_OPTIONS = {
  maxBytes: optional((option, value) => checkInteger(option, value, 0, MAX_PAYLOAD)),
  allowTrailing: flag,
  cipher,
};

/** The codec of docs/abi.md: a header of 12 bytes with a checksum, and a payload that may be compressed and encrypted. */
export const envelope = Object.freeze({
  /**
   * The envelope of a payload.
   *
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`; what the cipher throws
   */
  encode(payload: Uint8Array, options?: EncodeOptions): Uint8Array {
    const { compress = false, expectsResponse, error, cipher } = readTable('', options, ENCODE_OPTIONS);
    const flags = (expectsResponse ? FLAGS.expectsResponse : 0) | (error ? FLAGS.error : 0);
    const bytes = givenBytes('payload', payload, 'a Uint8Array');
    const plain = compress ? encodeEnvelope(bytes, flags, true) : frame(bytes, flags);
    return cipher === undefined ? plain : sealed(plain, cipher);
  },

  /**
   * The payload of an envelope and its flags. Strict: everything that is not as it must be has its own error.
   *
   * @throws {AingleWasmError} `ERR_ENVELOPE_LENGTH`, `_MAGIC`, `_VERSION`, `_FLAGS`, `_CHECKSUM`, `_ENCRYPTION`, `_COMPRESSION`, `_LIMIT`
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): { payload: Uint8Array; flags: number } {
    const { maxBytes = DEFAULT_MAX_BYTES, allowTrailing, cipher } = readTable('', options, DECODE_OPTIONS);
    const given = givenBytes('bytes', bytes, 'a Uint8Array');
    const error = checkFrame(given, undefined, 0, given.length, 'decode', allowTrailing);
    if (error !== undefined) throw error;
    const flags = flagsOf(given, 0);
    const sent = given.subarray(HEADER_BYTES, HEADER_BYTES + payloadLength(given, 0));
    const opened = flags & FLAGS.encrypted ? open(sent, given, cipher) : sent;
    return { payload: inflate(opened, flags, maxBytes), flags };
  },
});

function frame(payload: Uint8Array, flags: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  bytes.set(payload, HEADER_BYTES);
  writeHeader(bytes, undefined, 0, flags, payload.length);
  return bytes;
}

/** The first four bytes of a header: what a cipher authenticates. */
function authenticated(flags: number): Uint8Array {
  return frame(new Uint8Array(0), flags).subarray(0, 4);
}

function sealed(plain: Uint8Array, cipher: Cipher): Uint8Array {
  const flags = flagsOf(plain, 0) | FLAGS.encrypted;
  const payload = cipher.seal(plain.subarray(HEADER_BYTES), authenticated(flags));
  return frame(givenBytes('cipher.seal: its result', payload, 'a Uint8Array'), flags);
}

function open(sent: Uint8Array, header: Uint8Array, cipher: Cipher | undefined): Uint8Array {
  if (cipher === undefined) throw createError('ERR_ENVELOPE_ENCRYPTION', 'decode');
  try {
    return givenBytes('cipher.open: its result', cipher.open(sent, header.slice(0, 4)), 'a Uint8Array');
  } catch (error) {
    throw createError('ERR_ENVELOPE_ENCRYPTION', 'decode', undefined, error);
  }
}

function inflate(opened: Uint8Array, flags: number, maxBytes: number): Uint8Array {
  if (flags & FLAGS.compressed) return decodeEnvelope(frame(opened, FLAGS.compressed), maxBytes);
  if (opened.length > maxBytes)
    throw createError('ERR_ENVELOPE_LIMIT', 'decode', { expected: maxBytes, actual: opened.length });
  return opened.slice();
}
