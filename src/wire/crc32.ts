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

/** Sixteen tables, so that sixteen bytes are taken in one step. */
const TABLES = makeTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as Eight;
const [T8, T9, T10, T11, T12, T13, T14, T15] = TABLES.slice(8) as Eight;

type Table = Int32Array;
type Eight = [Table, Table, Table, Table, Table, Table, Table, Table];

function makeTables(): Table[] {
  const tables = Array.from({ length: 16 }, () => new Int32Array(256));
  const first = tables[0]!;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    first[byte] = crc;
  }
  for (let table = 1; table < 16; table++) {
    const before = tables[table - 1]!;
    tables[table]!.forEach((_, byte, current) => {
      current[byte] = first[before[byte]! & 0xff]! ^ (before[byte]! >>> 8);
    });
  }
  return tables;
}

/**
 * The checksum of `bytes[start … end)`, unsigned.
 *
 * @param words the same buffer from its beginning as words, where there is such a view and {@link WORDS_USABLE}
 */
export function crc32(bytes: Uint8Array, words: Int32Array | undefined, start: number, end: number): number {
  const len = end - start;
  if (native !== undefined && len >= (words === undefined ? NATIVE_FROM_WITHOUT_WORDS : NATIVE_FROM)) {
    return native(bytes.subarray(start, end));
  }
  return words === undefined ? ~bytewise(-1, bytes, start, end) >>> 0 : crc32Words(bytes, words, start, end);
}

/** As {@link crc32}, without Node's function. */
export function crc32Words(bytes: Uint8Array, words: Int32Array, start: number, end: number): number {
  const aligned = Math.min((start + 3) & ~3, end);
  let crc = bytewise(-1, bytes, start, aligned);
  let at = aligned >> 2;
  for (const last = (end >> 2) - 3; at < last; at += 4) {
    const a = crc ^ words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    crc =
      T15[a & 0xff]! ^
      T14[(a >>> 8) & 0xff]! ^
      T13[(a >>> 16) & 0xff]! ^
      T12[a >>> 24]! ^
      T11[b & 0xff]! ^
      T10[(b >>> 8) & 0xff]! ^
      T9[(b >>> 16) & 0xff]! ^
      T8[b >>> 24]! ^
      T7[c & 0xff]! ^
      T6[(c >>> 8) & 0xff]! ^
      T5[(c >>> 16) & 0xff]! ^
      T4[c >>> 24]! ^
      T3[d & 0xff]! ^
      T2[(d >>> 8) & 0xff]! ^
      T1[(d >>> 16) & 0xff]! ^
      T0[d >>> 24]!;
  }
  // An end before the first aligned word has been reached already.
  return ~bytewise(crc, bytes, Math.max(at << 2, aligned), end) >>> 0;
}

function bytewise(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let next = crc;
  for (let at = start; at < end; at++) next = T0[(next ^ bytes[at]!) & 0xff]! ^ (next >>> 8);
  return next;
}
