// @mtcute/wasm: libdeflate, SHA-256 and AES-IGE, compiled from C.
import { gzipSync } from 'node:zlib';
import { allocate, fromPackage, type Guest, type Program, place, random } from './program';

const FILE = '@mtcute/wasm/mtcute.wasm';
const ALLOCATOR = '__malloc';
const LEVEL = 6;
const LENGTH = 256 * 1024;
/** Room that deflate may need beyond its input. */
const MARGIN = 1024;
const SHOWN = 4096;
const WORDS = 'sensor reading accepted rejected temperature humidity valve open closed retry'.split(' ');

export const LIBDEFLATE: readonly Program[] = [
  fromPackage('deflate', FILE, (guest) => {
    const input = place(guest, ALLOCATOR, text());
    const output = allocate(guest, ALLOCATOR, LENGTH + MARGIN);
    const compressor = guest.call('libdeflate_alloc_compressor', LEVEL);
    return () => {
      const written = guest.call('libdeflate_zlib_compress', compressor, input, LENGTH, output, LENGTH + MARGIN);
      if (written === 0) throw new Error('the output does not fit');
      return guest.read(output, written);
    };
  }),
  fromPackage('inflate', FILE, (guest) => {
    const packed = gzipSync(text());
    const input = place(guest, ALLOCATOR, packed);
    const output = allocate(guest, ALLOCATOR, LENGTH);
    const decompressor = guest.call('libdeflate_alloc_decompressor');
    return () => {
      const status = guest.call('libdeflate_gzip_decompress', decompressor, input, packed.length, output, LENGTH);
      if (status !== 0) throw new Error(`libdeflate's status ${status}`);
      return guest.read(output, SHOWN);
    };
  }),
  fromPackage('sha256', FILE, (guest) => {
    const input = place(guest, ALLOCATOR, text());
    const output = guest.call('__get_shared_out');
    return () => {
      guest.call('sha256', input, LENGTH);
      return guest.read(output, 32);
    };
  }),
  fromPackage('aes-ige', FILE, (guest) => {
    const input = place(guest, ALLOCATOR, text());
    const output = allocate(guest, ALLOCATOR, LENGTH);
    for (const buffer of ['__get_shared_key_buffer', '__get_shared_iv_buffer']) fill(guest, guest.call(buffer));
    return () => {
      guest.call('ige256_encrypt', input, LENGTH, output);
      return guest.read(output, SHOWN);
    };
  }),
];

function fill(guest: Guest, ptr: number): void {
  guest.write(ptr, new Uint8Array(32).fill(0x5a));
}

/** Text that compresses like log lines do. */
function text(): Uint8Array {
  const next = random(7);
  let lines = '';
  while (lines.length < LENGTH) {
    const number = next();
    lines += `${WORDS[number % 10]} ${number >>> 20}\n`;
  }
  return Buffer.from(lines).subarray(0, LENGTH);
}
