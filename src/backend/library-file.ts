// What a library's file says about itself, read before the system loads it.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 64;
/** Where the header has the place, size and number of the section headers, in 32-bit and in 64-bit files. */
const NARROW = { offset: 0x20, size: 0x2e, count: 0x30 };
const WIDE = { offset: 0x28, size: 0x3a, count: 0x3c };

/**
 * Throws if an ELF file ends before its section headers, which linkers write last. The system's loader would map such a file and the
 * process would die of SIGBUS at the first page that is not there. Other files are left to the loader.
 */
export function requireWhole(path: string): void {
  const { header, bytes } = readHeader(path);
  if (header.toString('latin1', 0, 4) !== '\x7fELF') return;
  const wide = header[4] === 2;
  const fields = wide ? WIDE : NARROW;
  const start = wide ? Number(header.readBigUInt64LE(fields.offset)) : header.readUInt32LE(fields.offset);
  const end = start + header.readUInt16LE(fields.size) * header.readUInt16LE(fields.count);
  if (bytes < end) throw new Error(`it is damaged: ${bytes} bytes of ${end} are there, install it again`);
}

function readHeader(path: string): { header: Buffer; bytes: number } {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(file, header);
    return { header, bytes: fstatSync(file).size };
  } finally {
    closeSync(file);
  }
}
