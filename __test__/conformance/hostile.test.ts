// Every way to misbehave, a thousand times in one process: always the same code, and the process and its other guests go on.
import type { Module } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';
import { puppetText } from './support/puppet';
import { wat } from './support/wat';

const ROUNDS = 1_000;
const FUEL = 20_000n;

const HOSTILE = puppetText(
  'envelope',
  `(import "env" "note" (func $note (param i32)))
   (table $t 1 funcref)
   (func $deep (param i32) (call $deep (local.get 0)))
   (func (export "depth") (call $deep (i32.const 0)))
   (func (export "spin") (loop (br 0)))
   (func (export "flood") (loop (call $note (i32.const 1)) (br 0)))
   (func (export "bomb") (loop (drop (memory.grow (i32.const 1))) (br 0)))
   (func (export "table bomb") (loop (drop (table.grow $t (ref.null func) (i32.const 1000))) (br 0)))
   (func (export "unreachable") unreachable)
   (func (export "outside") (drop (i64.load (i32.const -8))))
   (func (export "divide") (drop (i32.div_s (i32.const 1) (i32.const 0))))
   (func (export "overflow") (drop (i32.div_s (i32.const -2147483648) (i32.const -1))))
   (func (export "convert") (drop (i32.trunc_f32_s (f32.const nan))))
   (func (export "null call") (call_indirect $t (i32.const 0)))
   (func (export "far call") (call_indirect $t (i32.const 1000000)))
   (func (export "huge fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)))
   (func (export "wild") (param i32 i32) (result i64) (i64.const 0x7fffffff00000010))
   (func (export "wild error") (param i32 i32) (result i64) (i64.const 0xfffffffffffffffe))
   (func (export "junk") (param i32 i32) (result i64) (i64.const 0x0000200000000010))`,
);

/** Export, whether it takes bytes, and the code it ends with. */
const WAYS: readonly (readonly [string, boolean, string])[] = [
  ['depth', false, 'ERR_STACK_OVERFLOW'],
  ['spin', false, 'ERR_FUEL_EXHAUSTED'],
  ['flood', false, 'ERR_FUEL_EXHAUSTED'],
  ['bomb', false, 'ERR_FUEL_EXHAUSTED'],
  ['table bomb', false, 'ERR_FUEL_EXHAUSTED'],
  ['unreachable', false, 'ERR_TRAP'],
  ['outside', false, 'ERR_TRAP'],
  ['divide', false, 'ERR_TRAP'],
  ['overflow', false, 'ERR_TRAP'],
  ['convert', false, 'ERR_TRAP'],
  ['null call', false, 'ERR_TRAP'],
  ['far call', false, 'ERR_TRAP'],
  ['huge fill', false, 'ERR_FUEL_EXHAUSTED'],
  ['wild', true, 'ERR_GUEST_POINTER'],
  ['wild error', true, 'ERR_GUEST_POINTER'],
  ['junk', true, 'ERR_ENVELOPE_MAGIC'],
  ['trap', true, 'ERR_TRAP'],
  ['loop', true, 'ERR_FUEL_EXHAUSTED'],
  ['recurse', true, 'ERR_STACK_OVERFLOW'],
];

async function misbehave(module: Module, name: string, bytes: boolean, sync: boolean): Promise<string> {
  using instance = await module.instantiate({ imports: { env: { note: () => {} } } });
  try {
    if (bytes) await (sync ? instance.callSync(name, 'x', { fuel: FUEL }) : instance.call(name, 'x', { fuel: FUEL }));
    else await (sync ? instance.exports[name]!() : instance.invoke(name, [], { fuel: FUEL }));
    return 'returned';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

onEveryBackend('hostile guests', (lab: Lab) => {
  test(`${ROUNDS} rounds of all ${WAYS.length} ways in one process`, { timeout: 300_000 }, async () => {
    const engine = lab.engine({ meteringLimit: FUEL, limits: { callDepth: 500 } });
    const module = await engine.compile(wat(HOSTILE));
    const witness = await (
      await engine.compile(
        wat('(func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))'),
      )
    ).instantiate();
    for (let round = 0; round < ROUNDS; round++) {
      const [name, bytes, code] = WAYS[round % WAYS.length]!;
      const found = await misbehave(module, name, bytes, round % 3 === 0);
      if (found !== code) expect.fail(`${name}, round ${round}: ${found} instead of ${code}`);
      if (witness.exports.add!(round, 1) !== round + 1) expect.fail(`another guest broke in round ${round}`);
    }
    expect(lab.record(engine.stats.instances)).toBe(1);
  });
});
