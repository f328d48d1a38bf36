// CRC-32/ISO-HDLC (zlib, gzip). Node's own is native and fast, and costs about 160 ns a call; for short ranges tables are faster.
import * as zlib from 'node:zlib';

/** From here on Node's function wins: measured on x64, where both take about 140 ns. */
const NATIVE_FROM = 256;

type NativeCrc32 = (bytes: Uint8Array) => number;

/** Missing before Node 20.15. */
const native: NativeCrc32 | undefined = (zlib as { crc32?: NativeCrc32 }).crc32;

/** Eight tables, so that eight bytes are taken in one step. */
const TABLES = Array.from({ length: 8 }, () => new Int32Array(256));
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  T0[byte] = crc;
}
for (let byte = 0; byte < 256; byte++) {
  for (let table = 1; table < 8; table++) {
    const before = TABLES[table - 1]![byte]!;
    TABLES[table]![byte] = T0[before & 0xff]! ^ (before >>> 8);
  }
}

/** The checksum of `bytes[start … end)`, unsigned. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  if (native !== undefined && end - start >= NATIVE_FROM) return native(bytes.subarray(start, end));
  return crc32Tables(bytes, start, end);
}

/** As {@link crc32}, without Node's function. */
export function crc32Tables(b: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let at = start;
  for (const whole = end - 7; at < whole; at += 8) {
    crc ^= b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[b[at + 4]!]! ^
      T2[b[at + 5]!]! ^
      T1[b[at + 6]!]! ^
      T0[b[at + 7]!]!;
  }
  for (; at < end; at++) crc = T0[(crc ^ b[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
