// V8's own WebAssembly, used as a careful programmer would: the peer of most rows. No fuel, no limits, no checksums.

/** A module's exports in an instance of their own. */
// biome-ignore lint/suspicious/noExplicitAny: what a module exports is known to who wrote it
export function exportsByHand(bytes: Uint8Array, imports: WebAssembly.Imports = {}): any {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;
}

const LENGTH = 0xffff_ffffn;

/** Bytes in, bytes out by the `bytes` convention. The result is a copy. */
export function bytesCallByHand(module: Uint8Array, name: string): (input: Uint8Array) => Uint8Array {
  const { memory, malloc, free, [name]: call } = exportsByHand(module);
  let view = new Uint8Array(memory.buffer);
  return (input) => {
    const ptr = malloc(input.length);
    if (view.buffer !== memory.buffer) view = new Uint8Array(memory.buffer);
    view.set(input, ptr);
    const packed = BigInt.asUintN(64, call(ptr, input.length));
    const start = Number(packed >> 32n);
    if (view.buffer !== memory.buffer) view = new Uint8Array(memory.buffer);
    const output = view.slice(start, start + Number(packed & LENGTH));
    free(ptr);
    return output;
  };
}
