// The 12 bytes before a payload. Compression is the codec's work (src/fallback.ts); this is what every message needs.

import type { ErrorCode, Phase } from '../errors/codes';
import { type AingleWasmError, createError } from '../errors/error';
import { crc32 } from './crc32';

export const HEADER_BYTES = 12;
export const VERSION = 1;

export const FLAGS = { compressed: 1, encrypted: 2, expectsResponse: 4, error: 8 } as const;
const ALL_FLAGS = 15;

/** `I`, `A`: 0x4149, little-endian. */
const MAGIC_0 = 0x49;
const MAGIC_1 = 0x41;
const MAGIC = MAGIC_0 | (MAGIC_1 << 8);

/** Writes the header of a payload of `len` bytes that already stands at `at + 12`. */
export function writeHeader(
  bytes: Uint8Array,
  words: Int32Array | undefined,
  at: number,
  flags: number,
  len: number,
): void {
  const payload = at + HEADER_BYTES;
  bytes[at] = MAGIC_0;
  bytes[at + 1] = MAGIC_1;
  bytes[at + 2] = VERSION;
  bytes[at + 3] = flags;
  writeU32(bytes, at + 4, len);
  writeU32(bytes, at + 8, len === 0 ? 0 : crc32(bytes, words, payload, payload + len));
}

/**
 * Checks header, length and checksum of the envelope in `bytes[start … end)`, in this order. Returns nothing if they are right; its
 * payload is then `bytes[start + 12 … start + 12 + payloadLength)`.
 */
export function checkFrame(
  bytes: Uint8Array,
  words: Int32Array | undefined,
  start: number,
  end: number,
  phase: Phase,
  allowTrailing = false,
): AingleWasmError | undefined {
  const found = end - start - HEADER_BYTES;
  if (found < 0) return damaged('ERR_ENVELOPE_LENGTH', phase, HEADER_BYTES, end - start);
  if (bytes[start] !== MAGIC_0 || bytes[start + 1] !== MAGIC_1) {
    return damaged('ERR_ENVELOPE_MAGIC', phase, MAGIC, bytes[start]! | (bytes[start + 1]! << 8));
  }
  if (bytes[start + 2] !== VERSION) return damaged('ERR_ENVELOPE_VERSION', phase, VERSION, bytes[start + 2]!);
  const flags = bytes[start + 3]!;
  if (flags > ALL_FLAGS) return damaged('ERR_ENVELOPE_FLAGS', phase, ALL_FLAGS, flags);
  const len = payloadLength(bytes, start);
  if (len > found || (len < found && !allowTrailing)) return damaged('ERR_ENVELOPE_LENGTH', phase, len, found);
  const payload = start + HEADER_BYTES;
  const checksum = len === 0 ? 0 : crc32(bytes, words, payload, payload + len);
  const expected = readU32(bytes, start + 8);
  return checksum === expected ? undefined : damaged('ERR_ENVELOPE_CHECKSUM', phase, expected, checksum);
}

/** Bytes of the payload, as the header says. */
export function payloadLength(bytes: Uint8Array, start: number): number {
  return readU32(bytes, start + 4);
}

export function flagsOf(bytes: Uint8Array, start: number): number {
  return bytes[start + 3]!;
}

export function readU32(b: Uint8Array, at: number): number {
  return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;
}

function writeU32(b: Uint8Array, at: number, value: number): void {
  b[at] = value;
  b[at + 1] = value >>> 8;
  b[at + 2] = value >>> 16;
  b[at + 3] = value >>> 24;
}

function damaged(code: ErrorCode, phase: Phase, expected: number, actual: number): AingleWasmError {
  return createError(code, phase, { expected, actual });
}
