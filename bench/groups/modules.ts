// From bytes to something that can be called: prepare, compile, instantiate.
import { readFileSync } from 'node:fs';
import type { Group, Row } from '../price-list';
import { assembled, builtGuest, guestFile, unique } from '../wasm';

const BY_HAND = 'V8 by hand';

function modules(): { what: string; bytes: Uint8Array }[] {
  const list = [
    { name: 'echo', bytes: builtGuest('echo') },
    { name: 'summary', bytes: builtGuest('summary') },
    { name: 'libdeflate', bytes: readFileSync(require.resolve('@mtcute/wasm/mtcute.wasm')) },
  ];
  return list.map(({ name, bytes }) => ({ what: `${name}, ${Math.round(bytes.length / 1024)} KiB`, bytes }));
}

export const prepare: Group = {
  name: 'prepare',
  about: 'engine.validate: validation and rewriting, no code generated. The peer only validates.',
  peer: BY_HAND,
  rows: async (contenders) =>
    modules().map(
      ({ what, bytes }): Row => ({
        what,
        bytes: bytes.length,
        subjects: [
          { name: BY_HAND, run: times((module) => WebAssembly.validate(module), bytes) },
          ...contenders.map(({ kind, engine }) => ({
            name: kind,
            run: times((module) => engine.validate(module).ok, bytes),
          })),
        ],
        targets: { wasmer: { value: 50 }, v8: { value: 15 } },
      }),
    ),
};

function times(accepts: (module: Uint8Array) => boolean, bytes: Uint8Array): (times: number) => void {
  return (count) => {
    for (let index = 0; index < count; index += 1) if (!accepts(bytes)) throw new Error('the module was refused');
  };
}

export const compile: Group = {
  name: 'compile',
  about:
    'engine.compileSync of bytes never seen before. V8 compiles a function when it is first called, wasmer all of them at once.',
  peer: BY_HAND,
  rows: async (contenders) =>
    modules().map(
      ({ what, bytes }): Row => ({
        what,
        subjects: [
          { name: BY_HAND, run: eachUnique(bytes, (module) => void new WebAssembly.Module(module)) },
          ...contenders.map(({ kind, engine }) => ({
            name: kind,
            run: eachUnique(bytes, (module) => engine.compileSync(module).close()),
          })),
        ],
      }),
    ),
};

function eachUnique(bytes: Uint8Array, compileOne: (module: Uint8Array) => void): (times: number) => void {
  return (count) => {
    for (let index = 0; index < count; index += 1) compileOne(unique(bytes));
  };
}

export const instantiate: Group = {
  name: 'instantiate',
  about: 'module.instantiateSync and close, warm.',
  peer: BY_HAND,
  rows: async (contenders) => {
    const cases = [
      { what: 'one page', bytes: await assembled('page'), targets: { wasmer: { value: 8_000 } } },
      { what: '1 MiB of data', bytes: dataModule(1_048_576), targets: {} },
      { what: 'kernel sha256', bytes: guestFile('kernels/sha256.wasm'), targets: {} },
      { what: 'echo, guest kit', bytes: builtGuest('echo'), targets: {} },
    ];
    return cases.map(({ what, bytes, targets }) => {
      const module = new WebAssembly.Module(bytes);
      const imports = { aingle_v1: { crc32: () => 0, panic: () => {} } };
      const ours = contenders.map(({ kind, engine }) => ({ kind, module: engine.compileSync(bytes) }));
      return {
        what,
        subjects: [
          { name: BY_HAND, run: repeat(() => void new WebAssembly.Instance(module, imports)) },
          ...ours.map(({ kind, module }) => ({ name: kind, run: repeat(() => module.instantiateSync().close()) })),
        ],
        targets,
      };
    });
  },
};

function repeat(body: () => void): (times: number) => void {
  return (times) => {
    for (let index = 0; index < times; index += 1) body();
  };
}

/** A module whose memory one data segment of `length` bytes fills. */
function dataModule(length: number): Uint8Array {
  const pages = leb(Math.ceil(length / 65_536));
  const segment = [0, 0x41, 0, 0x0b, ...leb(length)];
  const body = leb(1 + segment.length + length);
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 2 + pages.length, 1, 0, ...pages, 11, ...body, 1, ...segment];
  const bytes = new Uint8Array(head.length + length).fill(0x61);
  bytes.set(head);
  return bytes;
}

/** An unsigned number as WebAssembly writes it. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
