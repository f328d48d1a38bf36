// Where a guest was when it trapped: the frames of ERR_TRAP, with offsets in the author's module.
import { inspect } from 'node:util';
import type { EngineOptions, Instance, InstanceOptions, TrapFrame } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { framesOf, mark, marked } from './support/frames';
import { hostileModule, MISDEEDS } from './support/hostile';
import { type Lab, onEveryBackend } from './support/lab';
import { errorOf } from './support/outcome';
import { wat } from './support/wat';

/** A module whose `run` traps, and for each frame the function's index, its name and the mark of the operator that it is at. */
interface Case {
  readonly text: string;
  readonly args?: readonly unknown[];
  readonly frames: readonly (readonly [number, string | undefined, number])[];
  readonly engine?: EngineOptions;
}

const DIVIDE = `i32.const 1 i32.const 0 ${mark(1)} i32.div_u drop`;

function inRound(round: number): Case {
  return { text: LOOP, args: [round], frames: [[0, 'run', 1]] };
}

/** Traps in the round that its parameter says. */
const LOOP = `(memory 1) (func $run (export "run") (param $round i32) (local $i i32)
  loop $l
    local.get $i local.get $i i32.store8
    i32.const 100 local.get $round local.get $i i32.sub ${mark(1)} i32.div_u drop
    local.get $i i32.const 1 i32.add local.tee $i i32.const 1000 i32.lt_u br_if $l
  end)`;

/** Loops are unrolled on wasmer: copies, the rounds after them, and the last. */
const ROUNDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 997];

const CASES: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(ROUNDS.map((round) => [`in round ${round} of a loop`, inRound(round)])),
  'unreachable behind other operators': {
    text: `(func $run (export "run") ${mark(2)} nop block ${mark(1)} unreachable end)`,
    frames: [[0, 'run', 1]],
  },
  'in a function without a name, behind imports and other functions': {
    text: `(import "env" "none" (func $none)) (func $other (call $none)) (func (export "run") (local i64 f32) ${DIVIDE})`,
    frames: [[2, undefined, 1]],
  },
  'in a small function that is called twice': {
    text: `(func $div (param i32) (result i32) i32.const 6 local.get 0 ${mark(1)} i32.div_u)
      (func $run (export "run") (result i32) (call $div (i32.const 3)) i32.const 0 ${mark(2)} call $div i32.add)`,
    frames: [
      [0, 'div', 1],
      [1, 'run', 2],
    ],
  },
  'in nested calls': {
    text: `(func $c (param i64) ${mark(1)} unreachable)
      (func $b (param f64) (local i32) (call $d) i64.const 1 ${mark(2)} call $c (call $d))
      (func $a (export "run") block loop f64.const 2 ${mark(3)} call $b br 0 end end)
      (func $d)`,
    frames: [
      [0, 'c', 1],
      [1, 'b', 2],
      [2, 'a', 3],
    ],
  },
  'in a recursion': {
    text: `(func $f (export "run") (param i32) (local i64 i64 i64)
      local.get 0 i32.eqz if ${mark(1)} unreachable end local.get 0 i32.const 1 i32.sub ${mark(2)} call $f)`,
    args: [3],
    frames: [
      [0, 'f', 1],
      [0, 'f', 2],
      [0, 'f', 2],
      [0, 'f', 2],
    ],
  },
  'in a call through a table': {
    text: `(table funcref (elem $inner)) (type $t (func (param i32)))
      (func $inner (param i32) i32.const 1 local.get 0 ${mark(1)} i32.rem_s drop)
      (func $run (export "run") i32.const 0 i32.const 0 ${mark(2)} call_indirect (type $t) nop)`,
    frames: [
      [0, 'inner', 1],
      [1, 'run', 2],
    ],
  },
  'of a call through a table itself': {
    text: `(table 3 funcref) (func $run (export "run") (call $x) i32.const 1 ${mark(1)} call_indirect) (func $x)`,
    frames: [[0, 'run', 1]],
  },
  'of work in bulk': {
    text: `(memory 1) (func $run (export "run") (param i32) i32.const 7 i32.const 0 local.get 0 ${mark(1)} memory.fill)`,
    args: [70_000],
    frames: [[0, 'run', 1]],
  },
  'of table.set': {
    text: `(table $t 3 funcref) (func $run (export "run") i32.const 3 ref.null func ${mark(1)} table.set $t)`,
    frames: [[0, 'run', 1]],
  },
  'of a load, a store and a vector': {
    text: `(memory 1) (func $run (export "run") (param i32)
      (i32.store (i32.const 0) (i32.load (i32.const 4))) local.get 0 ${mark(1)} v128.load offset=8 drop)`,
    args: [65_536],
    frames: [[0, 'run', 1]],
  },
  'between floats whose NaNs are made canonical': {
    text: `(memory 1) (func $run (export "run") (param f64 f64) (result i64)
      (f64.store (i32.const 0) (f64.div (local.get 0) (local.get 1)))
      (f64.store (i32.const 8) (f64.sub (local.get 0) (local.get 1)))
      local.get 0 local.get 1 f64.div ${mark(1)} i64.trunc_f64_s)`,
    args: [0, 0],
    frames: [[0, 'run', 1]],
  },
  'in a module with a name': {
    text: `(module $guest.wasm (func $guest.wasm.f ${mark(1)} unreachable) (func ${mark(2)} call 0) (func $run (export "run") ${mark(3)} call 1))`,
    frames: [
      [0, 'guest.wasm.f', 1],
      [1, undefined, 2],
      [2, 'run', 3],
    ],
  },
  'with NaNs as they come, and with other costs': {
    text: `(memory 1) (func $run (export "run") (param f64 f64) (result i64)
      (f64.store (i32.const 0) (f64.div (local.get 0) (local.get 1)))
      (loop (br_if 0 (i32.const 0)))
      local.get 0 local.get 1 f64.div ${mark(1)} i64.trunc_f64_s)`,
    args: [0, 0],
    frames: [[0, 'run', 1]],
    engine: { canonicalizeNans: false, costs: { 'f64.div': 9_000, br_if: 20 }, complexity: { locals: 60 } },
  },
};
const IMPORTS: InstanceOptions = { imports: { env: { none: () => {} } } };

/** What is told of frames, and of the place of each. */
function told(frames: readonly TrapFrame[]) {
  return frames.map(({ function: index, name, offset }) => [index, name, offset]);
}

/** What a case expects. wasmi tells no frames. */
function wanted(lab: Lab, { text, frames }: Case) {
  if (lab.backend === 'wasmi') return [];
  return frames.map(([index, name, number]) => [index, name, marked(wat(text), number)]);
}

onEveryBackend('places of frames', (lab) => {
  test.each(Object.entries(CASES))('%s', async (_, one) => {
    const module = await lab.compile(one.text, one.engine);
    const options = module.imports.length > 0 ? IMPORTS : {};
    const instances = [await module.instantiate(options), module.instantiateSync(options)];
    for (const instance of instances) {
      const error = await errorOf(() => instance.exports.run(...(one.args ?? [])));
      expect(told(framesOf(error))).toEqual(wanted(lab, one));
      lab.record(error.details?.trap);
    }
    const sliceable = await lab.engine(one.engine).compile(wat(one.text), { sliceable: true });
    const sliced = await sliceable.instantiate(options);
    const error = await errorOf(() => sliced.invoke('run', one.args ?? []));
    expect(told(framesOf(error))).toEqual(wanted(lab, one));
  });
});

/** Traps on every way into a guest. */
const WAYS = `
  (import "env" "call" (func $call))
  (memory (export "memory") 1)
  (table (export "table") 1 funcref) (elem (i32.const 0) $inner)
  (func $inner ${mark(1)} unreachable)
  (func (export "malloc") (param i32) (result i32) (i32.const 1024)) (func (export "free") (param i32))
  (func (export "plain") (call $inner))
  (func (export "vector") (param v128) (call $inner))
  (func (export "bytes") (param i32 i32) (result i64) (call $inner) (i64.const 0))
  (func (export "waits") (call $call) (call $inner))`;

const WAY: Readonly<Record<string, (instance: Instance) => unknown>> = {
  'exports of core values': (instance) => instance.exports.plain(),
  'exports with vectors': (instance) => instance.exports.vector(new Uint8Array(16)),
  invoke: (instance) => instance.invoke('plain', []),
  'invoke with vectors': (instance) => instance.invoke('vector', [new Uint8Array(16)]),
  call: (instance) => instance.call('bytes', 'x'),
  callSync: (instance) => instance.callSync('bytes', 'x'),
  'callSync of much': (instance) => instance.callSync('bytes', new Uint8Array(10_000)),
  callRaw: (instance) => instance.callRaw('bytes', new Uint8Array(1)),
  'a function from a table': (instance) => instance.exports.table.get(0)(),
};

const innermost = (error: Error) => told(framesOf(error).slice(0, 1));

onEveryBackend('frames on every way into a guest', (lab) => {
  const expected = lab.backend === 'wasmi' ? [] : [[1, 'inner', marked(wat(WAYS), 1)]];
  const imports = { env: { call: () => {} } };

  test.each(Object.entries(WAY))('%s', async (_, way) => {
    const module = await lab.compile(WAYS);
    for (const instance of [await module.instantiate({ imports }), module.instantiateSync({ imports })]) {
      const error = await errorOf(() => way(instance));
      expect(innermost(error)).toEqual(expected);
      lab.record(error.details?.trap);
    }
  });

  test('steps', async () => {
    const instance = await lab.instantiate(WAYS, { imports });
    const step = await instance.start('waits', []);
    expect(innermost(await errorOf(() => !step.done && step.resume()))).toEqual(expected);
  });

  test('a call of the guest that waits', async () => {
    let thrown: unknown;
    const nested = async (_input: unknown, context: { call(name: string, input: string): Promise<unknown> }) => {
      thrown = await context.call('inside', 'x').catch((error: unknown) => error);
    };
    const text = `(import "env" "f" (func $f (param i32 i32) (result i64))) (memory (export "memory") 1)
      (func (export "malloc") (param i32) (result i32) (i32.const 1024)) (func (export "free") (param i32))
      (func (export "inside") (param i32 i32) (result i64) ${mark(1)} unreachable)
      (func (export "outside") (param i32 i32) (result i64) (call $f (i32.const 0) (i32.const 0)))`;
    const instance = await lab.instantiate(text, { host: { f: nested } });
    await instance.call('outside', '');
    const place = [3, undefined, marked(wat(text), 1)];
    expect(innermost(thrown as Error)).toEqual(lab.backend === 'wasmi' ? [] : [place]);
  });

  test('the start function', async () => {
    const text = `(func $deep (param i32) ${mark(1)} unreachable) (func $start i32.const 1 ${mark(2)} call $deep) (start $start)`;
    const module = await lab.compile(text);
    const places = [
      [0, 'deep', marked(wat(text), 1)],
      [1, 'start', marked(wat(text), 2)],
    ];
    for (const make of [() => module.instantiate(), () => module.instantiateSync()]) {
      expect(told(framesOf(await errorOf(make)))).toEqual(lab.backend === 'wasmi' ? [] : places);
    }
  });

  test('segments that do not fit have no frames', async () => {
    const module = await lab.compile('(memory 1) (data (i32.const 65530) "0123456789")');
    expect(framesOf(await errorOf(() => module.instantiate()))).toEqual([]);
  });

  test('code that has become hot', async () => {
    const text = `(func $div (param i32) (result i32) i32.const 100 local.get 0 ${mark(1)} i32.div_u)
      (func $run (export "run") (param i32) (result i32) (local i32)
        loop local.get 0 i32.const 1000 local.get 1 i32.sub i32.add ${mark(2)} call $div drop
          local.get 1 i32.const 1 i32.add local.tee 1 i32.const 1001 i32.lt_u br_if 0 end i32.const 1)`;
    const module = await lab.compile(text);
    const instance = module.instantiateSync();
    for (let round = 0; round < 2_000; round++) expect(instance.exports.run(1)).toBe(1);
    const places = [
      [0, 'div', marked(wat(text), 1)],
      [1, 'run', marked(wat(text), 2)],
    ];
    expect(told(framesOf(await errorOf(() => instance.exports.run(0))))).toEqual(lab.backend === 'wasmi' ? [] : places);
  });

  test('modules from the cache, and of one engine beside each other', async () => {
    const engine = lab.engine();
    const wasms = [WAYS, `(func) ${WAYS}`].map((text) => wat(text.replace('(func) ', '(import "env" "x" (func)) ')));
    for (const wasm of [...wasms, ...wasms]) {
      const module = await engine.compileCached('one', wasm);
      const instance = await module.instantiate({ imports: { env: { call: () => {}, x: () => {} } } });
      const [frame] = told(framesOf(await errorOf(() => instance.exports.plain())));
      if (lab.backend === 'wasmi') expect(frame).toBeUndefined();
      else expect(frame).toEqual([wasm === wasms[0] ? 1 : 2, 'inner', marked(wasm, 1)]);
    }
  });
});

/** The frames of all hostile guests that trap, as text, by the backend that told them. */
const seen = new Map<string, string[]>();

onEveryBackend('frames of hostile guests', (lab) => {
  test('are the same wherever there are frames, and lead to operators', async () => {
    const lines: string[] = [];
    for (const misdeed of MISDEEDS.filter(({ code }) => code === 'ERR_TRAP')) {
      const wasm = hostileModule(misdeed.module);
      const instance = (await lab.compile(wasm)).instantiateSync({ imports: { env: { note: () => {} } } });
      const call = () =>
        misdeed.bytes ? instance.callRaw(misdeed.export, new Uint8Array(0)) : instance.exports[misdeed.export]();
      const frames = framesOf(await errorOf(call));
      for (const { offset } of frames) expect(offset).toSatisfy((at: number) => at > 8 && at < wasm.length);
      lines.push(...frames.map((frame, place) => `${misdeed.name} ${place}: ${frame}`));
    }
    if (lab.backend === 'wasmi') expect(lines).toEqual([]);
    else expect(lines.length).toBeGreaterThan(20);
    if (lab.backend === 'v8' && seen.has('wasmer')) expect(lines).toEqual(seen.get('wasmer'));
    seen.set(lab.backend, lines);
    lab.record(true);
  });
});

onEveryBackend('frames as values', (lab) => {
  const TEXT = `(func $inner (export "run") ${mark(1)} unreachable) (func (export "other") (call 0))`;
  const at = marked(wat(TEXT), 1);
  const place = `wasm-function[0]:0x${at.toString(16)}`;
  const here = lab.backend !== 'wasmi';

  async function trap(instance: Instance) {
    const { details } = await errorOf(() => instance.exports.run());
    lab.record(details?.trap);
    return details as { readonly trap: string; readonly frames: readonly TrapFrame[] };
  }

  test('are shown as the WebAssembly web interface shows them', async () => {
    const details = await trap(await lab.instantiate(TEXT));
    expect(details.frames.map(String)).toEqual(here ? [`inner (${place})`] : []);
    expect(inspect(details)).toContain(here ? `frames: [ inner (${place}) ]` : 'frames: []');
    const other = await lab.instantiate(TEXT);
    const error = await errorOf(() => other.exports.other());
    expect(String(framesOf(error)[1])).toMatch(here ? /^wasm-function\[1\]:0x[\da-f]+$/ : /undefined/);
    expect(inspect(error)).toContain(here ? `inner (${place}), wasm-function[1]:0x` : 'frames: []');
  });

  test('go into JSON with their offsets, into clones without', async () => {
    const details = await trap(await lab.instantiate(TEXT));
    expect(JSON.parse(JSON.stringify(details))).toEqual({
      trap: 'unreachable',
      frames: here ? [{ function: 0, name: 'inner', offset: at }] : [],
    });
    expect(structuredClone(details)).toEqual({
      trap: 'unreachable',
      frames: here ? [{ function: 0, name: 'inner' }] : [],
    });
  });

  test('cannot be changed, and say the same each time', async () => {
    const { frames } = await trap(await lab.instantiate(TEXT));
    expect(Object.isFrozen(frames) && frames.every((frame) => Object.isFrozen(frame))).toBe(true);
    for (let look = 0; look < 3; look++) expect(told(frames)).toEqual(here ? [[0, 'inner', at]] : []);
  });

  test('names of guests cannot forge lines of a log', async () => {
    const wasm = wat(`(func $n (export "run") unreachable) (func $${'x'.repeat(40)})`);
    const name = Buffer.from(wasm).lastIndexOf(Buffer.from('x'.repeat(40)));
    const forged = wasm.slice();
    // The first function's name becomes a line break: "n" stands before the second function's index and length.
    forged[name - 3] = 0x0a;
    const details = await trap(await lab.instantiate(forged));
    for (const frame of details.frames) expect(String(frame)).toMatch(/^\\n \(wasm-function\[0\]:0x[\da-f]+\)$/);
  });

  test('are looked up when everything is closed as well', async () => {
    for (const way of ['instantiate', 'instantiateSync'] as const) {
      const engine = lab.engine();
      const module = await engine.compile(wat(TEXT));
      const instance = await module[way]();
      const [first, later] = [await trap(instance), await trap(await module[way]())];
      instance.close();
      module.close();
      expect(told(first.frames)).toEqual(here ? [[0, 'inner', at]] : []);
      await engine.close();
      expect(told(later.frames)).toEqual(here ? [[0, 'inner', at]] : []);
      expect(String(later.frames)).toBe(here ? `inner (${place})` : '');
    }
  });

  test('an instance whose module is closed tells them', async () => {
    const module = await lab.compile(TEXT);
    const instances = [await module.instantiate(), module.instantiateSync()];
    module.close();
    for (const instance of instances) {
      expect(told((await trap(instance)).frames)).toEqual(here ? [[0, 'inner', at]] : []);
    }
  });

  test('the bytes that were handed over may be used again', async () => {
    const wasm = wat(TEXT).slice();
    const engine = lab.engine();
    const modules = [engine.compileSync(wasm), engine.compile(wasm), engine.compileCached('x', wasm)];
    wasm.fill(0xff);
    for (const module of modules) {
      const { frames } = await trap((await module).instantiateSync());
      expect(told(frames)).toEqual(here ? [[0, 'inner', at]] : []);
    }
  });
});
