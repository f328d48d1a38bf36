// @cwasm/lodepng: PNG, compiled from C++.
import { allocate, fromPackage, type Guest, type Program, place, random, readWord } from './program';

const FILE = '@cwasm/lodepng/lodepng.wasm';
const ALLOCATOR = 'malloc';
const [WIDTH, HEIGHT] = [192, 128];
const SHOWN = 4096;

export const LODEPNG: readonly Program[] = [
  fromPackage('png encode', FILE, (guest) => {
    const input = place(guest, ALLOCATOR, picture());
    const cells = allocate(guest, ALLOCATOR, 8);
    return () => {
      const { ptr, length } = encode(guest, input, cells);
      const output = guest.read(ptr, length);
      guest.call('free', ptr);
      return output;
    };
  }),
  fromPackage('png decode', FILE, (guest) => {
    const pixels = place(guest, ALLOCATOR, picture());
    const cells = allocate(guest, ALLOCATOR, 12);
    const png = encode(guest, pixels, cells);
    return () => {
      accept(guest.call('lodepng_decode32', cells, cells + 4, cells + 8, png.ptr, png.length));
      const ptr = readWord(guest, cells);
      const output = guest.read(ptr, SHOWN);
      guest.call('free', ptr);
      return output;
    };
  }),
];

/** Encodes the picture at `input`; `cells` is room for a pointer and a length. The caller frees the result. */
function encode(guest: Guest, input: number, cells: number): { ptr: number; length: number } {
  accept(guest.call('lodepng_encode32', cells, cells + 4, input, WIDTH, HEIGHT));
  return { ptr: readWord(guest, cells), length: readWord(guest, cells + 4) };
}

function accept(error: number): void {
  if (error !== 0) throw new Error(`lodepng's error ${error}`);
}

/** Red, green, blue and opacity of each pixel: smooth surfaces, edges and noise, as pictures have. */
function picture(): Uint8Array {
  const next = random(11);
  const pixels = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let index = 0; index < WIDTH * HEIGHT; index += 1) {
    const [x, y] = [index % WIDTH, Math.floor(index / WIDTH)];
    const noise = next() % 5;
    const base = (x - 96) ** 2 + (y - 64) ** 2 < 1_600 ? 200 : x;
    pixels.set([base + noise, y + noise, (x * y) >> 7, 255], index * 4);
  }
  return pixels;
}
