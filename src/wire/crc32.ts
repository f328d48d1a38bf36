// CRC-32/ISO-HDLC (zlib, gzip). Node's own is native and fast, and costs about 160 ns a call; for short ranges tables are faster.
import * as zlib from 'node:zlib';

/** From here on Node's function wins: measured on x64, where both take about 200 ns. */
const NATIVE_FROM = 384;
/** The same for bytes without words, which the tables take one by one. */
const NATIVE_FROM_WITHOUT_WORDS = 64;

type NativeCrc32 = (bytes: Uint8Array) => number;

/** Missing before Node 20.15. */
const native: NativeCrc32 | undefined = (zlib as { crc32?: NativeCrc32 }).crc32;

/** Words are read in the machine's order; the tables are for little-endian ones. */
export const WORDS_USABLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Sixteen tables of 256 entries, one after the other, so that sixteen bytes are taken in one step. One array, because V8 then looks up
 * where it lies once and not sixteen times.
 */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256]!;
    tables[index] = tables[before & 0xff]! ^ (before >>> 8);
  }
  return tables;
}

/**
 * The checksum of `bytes[start … end)`, unsigned.
 *
 * @param words the same buffer from its beginning as words, where there is such a view and {@link WORDS_USABLE}
 */
export function crc32(bytes: Uint8Array, words: Int32Array | undefined, start: number, end: number): number {
  const nativeFrom = words === undefined ? NATIVE_FROM_WITHOUT_WORDS : NATIVE_FROM;
  if (end - start >= nativeFrom && native !== undefined) return native(bytes.subarray(start, end));
  return words === undefined ? crc32Bytes(bytes, start, end) : crc32Words(bytes, words, start, end);
}

/** As {@link crc32}, without Node's function. */
export function crc32Words(bytes: Uint8Array, words: Int32Array, start: number, end: number): number {
  const t = TABLES;
  let crc = -1;
  let at = start;
  for (; (at & 3) !== 0 && at < end; at++) crc = t[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  for (; at + 16 <= end; at += 16) {
    const word = at >> 2;
    const a = crc ^ words[word]!;
    const b = words[word + 1]!;
    const c = words[word + 2]!;
    const d = words[word + 3]!;
    crc =
      t[0xf00 + (a & 0xff)]! ^
      t[0xe00 + ((a >>> 8) & 0xff)]! ^
      t[0xd00 + ((a >>> 16) & 0xff)]! ^
      t[0xc00 + (a >>> 24)]! ^
      t[0xb00 + (b & 0xff)]! ^
      t[0xa00 + ((b >>> 8) & 0xff)]! ^
      t[0x900 + ((b >>> 16) & 0xff)]! ^
      t[0x800 + (b >>> 24)]! ^
      t[0x700 + (c & 0xff)]! ^
      t[0x600 + ((c >>> 8) & 0xff)]! ^
      t[0x500 + ((c >>> 16) & 0xff)]! ^
      t[0x400 + (c >>> 24)]! ^
      t[0x300 + (d & 0xff)]! ^
      t[0x200 + ((d >>> 8) & 0xff)]! ^
      t[0x100 + ((d >>> 16) & 0xff)]! ^
      t[d >>> 24]!;
  }
  for (; at < end; at++) crc = t[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function crc32Bytes(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let at = start; at < end; at++) crc = TABLES[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
