// What a module may be, what it says about itself, and what is refused: with the same code, message and offset on every backend.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { COMPLEX } from './support/complex';
import { guest } from './support/guests';
import { onEveryBackend } from './support/lab';
import { failed } from './support/outcome';
import { type Proposal, wat } from './support/wat';

const HEADER = [0, 97, 115, 109, 1, 0, 0, 0];
const EMPTY = Uint8Array.from(HEADER);

const MALFORMED: readonly (readonly [string, Uint8Array])[] = [
  ['no bytes', new Uint8Array(0)],
  ['three bytes', Uint8Array.of(0, 97, 115)],
  ['text', Buffer.from('(module)')],
  ['another version', Uint8Array.of(0, 97, 115, 109, 2, 0, 0, 0)],
  ['only the magic number', Uint8Array.of(0, 97, 115, 109)],
  ['a section that is cut', Uint8Array.from([...HEADER, 1, 100, 0])],
  ['a section length that is too long', Uint8Array.from([...HEADER, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0])],
  ['an unknown section', Uint8Array.from([...HEADER, 99, 0])],
  ['sections out of order', Uint8Array.from([...HEADER, 3, 1, 0, 1, 1, 0])],
  ['zeros', new Uint8Array(100)],
  ['ELF', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0', 'latin1')],
];

const INVALID: readonly (readonly [string, Uint8Array])[] = [
  [
    'a function without the value it promises',
    Uint8Array.from([...HEADER, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10, 4, 1, 2, 0, 0x0b]),
  ],
  [
    'an i64 where an i32 belongs',
    Uint8Array.from([...HEADER, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10, 6, 1, 4, 0, 0x42, 0, 0x0b]),
  ],
  ['an unknown function', Uint8Array.from([...HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 6, 1, 4, 0, 0x10, 9, 0x0b])],
  [
    'a load without memory',
    Uint8Array.from([...HEADER, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10, 9, 1, 7, 0, 0x41, 0, 0x28, 2, 0, 0x0b]),
  ],
  [
    'the same export twice',
    Uint8Array.from([
      ...HEADER,
      1,
      4,
      1,
      0x60,
      0,
      0,
      3,
      2,
      1,
      0,
      7,
      9,
      2,
      1,
      97,
      0,
      0,
      1,
      97,
      0,
      0,
      10,
      4,
      1,
      2,
      0,
      0x0b,
    ]),
  ],
];

/** Modules that only a proposal outside the accepted set makes valid. Those the assembler does not know are given as bytes. */
const DISABLED: readonly (readonly [string, RegExp, Uint8Array | (() => Uint8Array)])[] = [
  ['threads', /thread/, disabled('threads', '(memory 1 1 shared)')],
  ['atomic operators', /thread/, disabled('threads', '(memory 1) (func (drop (i32.atomic.load (i32.const 0))))')],
  ['tail calls', /tail/, disabled('tail_call', '(func $f (return_call $f))')],
  ['exceptions', /exception/, disabled('exceptions', '(tag $e) (func (throw $e))')],
  ['memory64', /memory64/, disabled('memory64', '(memory i64 1)')],
  ['several memories', /multi-memory/, disabled('multi_memory', '(memory 1) (memory 1)')],
  [
    'extended constants',
    /extended-const/,
    disabled('extended_const', '(global i32 (i32.add (i32.const 1) (i32.const 2)))'),
  ],
  [
    'relaxed SIMD',
    /relaxed/,
    disabled(
      'relaxed_simd',
      '(func (drop (i8x16.relaxed_swizzle (v128.const i32x4 0 0 0 0) (v128.const i32x4 0 0 0 0))))',
    ),
  ],
  [
    'typed function references',
    /function-references/,
    Uint8Array.from([...HEADER, 1, 9, 2, 0x60, 0, 0, 0x60, 1, 0x64, 0, 0]),
  ],
  ['garbage collection', /gc/, Uint8Array.from([...HEADER, 1, 3, 1, 0x5f, 0])],
  ['a component', /component/, Uint8Array.of(0, 97, 115, 109, 0x0d, 0, 1, 0)],
];

function disabled(proposal: Proposal, text: string): () => Uint8Array {
  return () => wat(text, proposal);
}

const DESCRIBED = `(module
  (import "env" "f" (func (param i32 i64) (result f32 f64)))
  (import "other" "v" (func (param v128 funcref externref)))
  (func (export "run") (param f64) (result i64) (i64.const 0))
  (memory (export "memory") 2 5)
  (table (export "table") 3 externref)
  (global (export "constant") i64 (i64.const 1))
  (global (export "variable") (mut f32) (f32.const 1))
  (func $start) (start $start))`;

onEveryBackend('modules', (lab) => {
  test.each(MALFORMED)('%s is no module', async (_, bytes) => {
    const engine = lab.engine();
    expect(await lab.observe(undefined, () => engine.compile(bytes))).toMatchObject({
      code: 'ERR_MODULE_MALFORMED',
      phase: 'compile',
      error: 'AingleWasmError',
    });
    expect(await lab.observe(undefined, () => engine.compileSync(bytes))).toMatchObject({
      code: 'ERR_MODULE_MALFORMED',
    });
    expect(await lab.observe(undefined, () => engine.compileCached('x', bytes))).toMatchObject({
      code: 'ERR_MODULE_MALFORMED',
    });
    expect(lab.record(engine.validate(bytes))).toMatchObject({ ok: false, code: 'ERR_MODULE_MALFORMED' });
  });

  test.each(INVALID)('%s does not validate', async (_, bytes) => {
    const engine = lab.engine();
    const outcome = await lab.observe(undefined, () => engine.compile(bytes));
    expect(outcome).toMatchObject({ code: 'ERR_MODULE_INVALID', phase: 'compile' });
    expect(failed(outcome).details.offset).toBeGreaterThanOrEqual(8);
    expect(lab.record(engine.validate(bytes))).toMatchObject({ ok: false, code: 'ERR_MODULE_INVALID' });
  });

  test('every prefix of a module is refused, or is a smaller module', async () => {
    const engine = lab.engine();
    const whole = guest('echo');
    const step = Math.ceil(whole.length / 150);
    for (let length = 0; length < whole.length; length += step) {
      const verdict = lab.record(engine.validate(whole.subarray(0, length)));
      if (!verdict.ok) expect(verdict.code).toMatch(/^ERR_MODULE_(MALFORMED|INVALID)$/);
    }
    expect(engine.validate(whole)).toEqual({ ok: true });
  });

  test.each(DISABLED)('%s are refused by the name of the proposal', async (_, feature, bytes) => {
    const engine = lab.engine();
    const module = bytes instanceof Uint8Array ? bytes : bytes();
    const outcome = await lab.observe(undefined, () => engine.compile(module));
    expect(outcome).toMatchObject({
      code: 'ERR_FEATURE_DISABLED',
      phase: 'compile',
      details: { feature: expect.stringMatching(feature) },
    });
    expect(failed(outcome).details.offset).toBeTypeOf('number');
    expect(failed(outcome).message).toMatch(feature);
  });

  describe.each(COMPLEX)('complexity.%s', (cap, max, text) => {
    test('over the cap is refused', async () => {
      const outcome = await lab.observe(undefined, () => lab.compile(text, { complexity: { [cap]: max } }));
      expect(outcome).toMatchObject({ code: 'ERR_MODULE_TOO_COMPLEX', phase: 'compile', details: { cap, max } });
      const { value } = failed(outcome).details as { value: number };
      expect(value).toBeGreaterThan(max);
    });

    test('at the cap is accepted', async () => {
      const outcome = await lab.observe(undefined, () => lab.compile(text, { complexity: { [cap]: max } }));
      const { value } = failed(outcome).details as { value: number };
      await lab.compile(text, { complexity: { [cap]: value } });
    });
  });

  test('a module says what it imports and exports, in the user’s view', async () => {
    const module = await lab.compile(DESCRIBED);
    expect(lab.record(module.imports)).toEqual([
      { module: 'env', name: 'f', kind: 'function', type: { params: ['i32', 'i64'], results: ['f32', 'f64'] } },
      { module: 'other', name: 'v', kind: 'function', type: { params: ['v128', 'funcref', 'externref'], results: [] } },
    ]);
    expect(lab.record(module.exports)).toEqual([
      { name: 'run', kind: 'function', type: { params: ['f64'], results: ['i64'] } },
      { name: 'memory', kind: 'memory', type: { min: 2, max: 5 } },
      { name: 'table', kind: 'table', type: { element: 'externref', min: 3 } },
      { name: 'constant', kind: 'global', type: { value: 'i64', mutable: false } },
      { name: 'variable', kind: 'global', type: { value: 'f32', mutable: true } },
    ]);
    expect(Object.isFrozen(module.imports)).toBe(true);
    expect(Object.isFrozen(module.exports[0])).toBe(true);
  });

  test('the digest is the SHA-256 of the bytes given', async () => {
    const module = await lab.compile(EMPTY);
    expect(module.digest).toBe(createHash('sha256').update(EMPTY).digest('hex'));
  });

  test('custom sections are copied out by name, in order', async () => {
    const section = (name: string, ...bytes: number[]) => [
      0,
      1 + name.length + bytes.length,
      name.length,
      ...Buffer.from(name),
      ...bytes,
    ];
    const module = await lab.compile(
      Uint8Array.from([...HEADER, ...section('one', 1, 2), ...section('two'), ...section('one', 3)]),
    );
    expect(module.customSections('one')).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect(module.customSections('two')).toEqual([new Uint8Array(0)]);
    expect(module.customSections('three')).toEqual([]);
    module.customSections('one')[0]!.fill(9);
    expect(module.customSections('one')[0]).toEqual(Uint8Array.of(1, 2));
  });

  test('bytes may be an ArrayBuffer, a view, a Buffer, a path, a URL', async () => {
    const engine = lab.engine();
    const folder = mkdtempSync(join(tmpdir(), 'aingle-wasm-'));
    try {
      const file = join(folder, 'empty.wasm');
      writeFileSync(file, EMPTY);
      writeFileSync(join(folder, 'text.wat'), '(module (func (export "seven") (result i32) (i32.const 7)))');
      const padded = Uint8Array.from([1, 2, 3, ...EMPTY, 4]);
      const sources = [
        EMPTY,
        EMPTY.slice().buffer,
        padded.subarray(3, 11),
        Buffer.from(EMPTY),
        file,
        pathToFileURL(file),
      ];
      const digests = await Promise.all(sources.map(async (source) => (await engine.compile(source)).digest));
      expect(new Set(digests).size).toBe(1);
      const text = await (await engine.compile(join(folder, 'text.wat'))).instantiate();
      expect(text.exports.seven!()).toBe(7);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('bytes are copied before compile returns', async () => {
    const engine = lab.engine();
    const bytes = wat('(func (export "seven") (result i32) (i32.const 7))').slice();
    const pending = engine.compile(bytes);
    bytes.fill(0);
    expect((await (await pending).instantiate()).exports.seven!()).toBe(7);
  });

  test.each([
    ['a number', 1],
    ['null', null],
    ['undefined', undefined],
    ['an array', [0, 97]],
    ['a DataView', new DataView(new ArrayBuffer(8))],
    ['a SharedArrayBuffer', new SharedArrayBuffer(8)],
  ])('%s is no source', async (_, source) => {
    const engine = lab.engine();
    for (const run of [
      () => engine.compile(source as unknown as Uint8Array),
      () => engine.compileSync(source as unknown as Uint8Array),
      () => engine.validate(source as unknown as Uint8Array),
    ]) {
      expect(await lab.observe(undefined, run)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', error: 'TypeError' });
    }
  });

  test('reserved names are refused', async () => {
    for (const text of [
      '(func (export "__aingle_meter_fuel"))',
      '(func (export "__aingle_meter_x"))',
      '(import "a" "__aingle_meter_x" (func))',
      '(import "__aingle_meter" "x" (func))',
    ]) {
      expect(await lab.observe(undefined, () => lab.compile(text))).toMatchObject({
        code: expect.stringMatching(/^ERR_/),
        phase: 'compile',
      });
    }
  });

  test('an empty module is a module', async () => {
    const instance = await lab.instantiate(EMPTY);
    expect(Object.keys(instance.exports)).toEqual([]);
    expect(lab.record([instance.memory.pages, instance.memory.byteLength, instance.fuelUsed, instance.state])).toEqual([
      0,
      0,
      0n,
      'idle',
    ]);
  });
});
