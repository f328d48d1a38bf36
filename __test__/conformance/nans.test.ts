// NaNs: what arithmetic makes is canonical wherever the guest can see its bits; bits that came from elsewhere are left alone. All bits
// are given and taken through memory, where no number of the host can change them.
import { expect, test } from 'vitest';
import { type Lab, onEveryBackend } from './support/lab';

const PAYLOAD = { f32: '7fa12345', f64: '7ff4000012345678' };
/** As {@link PAYLOAD}, made quiet, which is how processors pass a NaN on. */
const QUIET = { f32: '7fe12345', f64: '7ffc000012345678' };
const NEGATIVE = { f32: 'ffa12345', f64: 'fff4000012345678' };
const CANONICAL = { f32: '7fc00000', f64: '7ff8000000000000' };
const NEGATED = { f32: 'ffc00000', f64: 'fff8000000000000' };

type Float = 'f32' | 'f64';
interface Case {
  readonly title: string;
  /** The operand: a float with the payload at address 0 and, as a vector, in all lanes. */
  readonly operand: Float;
  /** What is stored, at address 16. */
  readonly expression: string;
  readonly stored: Float | 'f32x4' | 'f64x2';
  readonly bits: string;
}

const UNARY = ['ceil', 'floor', 'trunc', 'nearest', 'sqrt'];
const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max'];

function load(type: Float): string {
  return `(${type}.load (i32.const 0))`;
}

const VECTOR = '(v128.load (i32.const 0))';
const LANES = { f32: 4, f64: 2 } as const;

function shape(type: Float): 'f32x4' | 'f64x2' {
  return type === 'f32' ? 'f32x4' : 'f64x2';
}

/** A vector of `lanes` that are all `bits`, or whose upper half is 0. */
function lanes(type: Float, bits: string, half = false): string {
  const count = LANES[type];
  return Array.from({ length: count }, (_, i) => (half && i >= count / 2 ? bits.replace(/./g, '0') : bits)).join(' ');
}

/** Operators whose NaN is canonical, in every position of the operand, and with operands that make a new NaN. */
function arithmetic(type: Float): Case[] {
  const zero = `(${type}.const 0)`;
  const one = `(${type}.const 1)`;
  const infinity = `(${type}.const inf)`;
  const vector = shape(type);
  const ones = `(${vector}.splat ${one})`;
  const scalar = (title: string, expression: string): Case => ({
    title: `${type}.${title}`,
    operand: type,
    expression,
    stored: type,
    bits: CANONICAL[type],
  });
  const wide = (title: string, expression: string): Case => ({
    title: `${vector}.${title}`,
    operand: type,
    expression,
    stored: vector,
    bits: lanes(type, CANONICAL[type]),
  });
  return [
    ...UNARY.flatMap((name) => [
      scalar(name, `(${type}.${name} ${load(type)})`),
      wide(name, `(${vector}.${name} ${VECTOR})`),
    ]),
    ...BINARY.flatMap((name) => [
      scalar(`${name}, left`, `(${type}.${name} ${load(type)} ${one})`),
      scalar(`${name}, right`, `(${type}.${name} ${one} ${load(type)})`),
      scalar(`${name}, both`, `(${type}.${name} ${load(type)} ${load(type)})`),
      wide(`${name}, left`, `(${vector}.${name} ${VECTOR} ${ones})`),
      wide(`${name}, right`, `(${vector}.${name} ${ones} ${VECTOR})`),
    ]),
    scalar('div of zeros', `(${type}.div ${zero} ${zero})`),
    scalar('sub of infinities', `(${type}.sub ${infinity} ${infinity})`),
    scalar('mul of zero and infinity', `(${type}.mul ${zero} ${infinity})`),
    scalar('sqrt of -1', `(${type}.sqrt (${type}.const -1))`),
    wide('div of zeros', `(${vector}.div (${vector}.splat ${zero}) (${vector}.splat ${zero}))`),
    // Their own results are left as they are, and what they are given is canonical.
    { ...scalar('neg of a sum', `(${type}.neg (${type}.add ${load(type)} ${one}))`), bits: NEGATED[type] },
    scalar('abs of a sum', `(${type}.abs (${type}.add ${load(type)} ${one}))`),
    {
      ...scalar('copysign of a sum', `(${type}.copysign (${type}.add ${load(type)} ${one}) (${type}.const -1))`),
      bits: NEGATED[type],
    },
    {
      ...wide('neg of a sum', `(${vector}.neg (${vector}.add ${VECTOR} ${ones}))`),
      bits: lanes(type, NEGATED[type]),
    },
    scalar('a sum through a call', `(call $${type} (${type}.add ${load(type)} ${one}))`),
    scalar('a sum through a branch', `(block (result ${type}) (br 0 (${type}.add ${load(type)} ${one})))`),
    wide('a sum in every lane', `(${vector}.splat (${type}.add ${load(type)} ${one}))`),
  ];
}

const CONVERSIONS: readonly Case[] = [
  {
    title: 'f32.demote_f64',
    operand: 'f64',
    expression: `(f32.demote_f64 ${load('f64')})`,
    stored: 'f32',
    bits: CANONICAL.f32,
  },
  {
    title: 'f64.promote_f32',
    operand: 'f32',
    expression: `(f64.promote_f32 ${load('f32')})`,
    stored: 'f64',
    bits: CANONICAL.f64,
  },
  {
    title: 'f32x4.demote_f64x2_zero',
    operand: 'f64',
    expression: `(f32x4.demote_f64x2_zero ${VECTOR})`,
    stored: 'f32x4',
    bits: lanes('f32', CANONICAL.f32, true),
  },
  {
    title: 'f64x2.promote_low_f32x4',
    operand: 'f32',
    expression: `(f64x2.promote_low_f32x4 ${VECTOR})`,
    stored: 'f64x2',
    bits: lanes('f64', CANONICAL.f64),
  },
];

/** Operators that pass bits on, and places that only hold them. */
function untouched(type: Float): Case[] {
  const vector = shape(type);
  const integer = type === 'f32' ? 'i32' : 'i64';
  const literal = type === 'f32' ? 'nan:0x212345' : 'nan:0x4000012345678';
  const scalar = (title: string, expression: string, bits = PAYLOAD[type]): Case => ({
    title: `${type}, ${title}`,
    operand: type,
    expression,
    stored: type,
    bits,
  });
  const wide = (title: string, expression: string, bits = PAYLOAD[type]): Case => ({
    title: `${vector}, ${title}`,
    operand: type,
    expression,
    stored: vector,
    bits: lanes(type, bits),
  });
  return [
    scalar('load and store', load(type)),
    scalar('const', `(${type}.const ${literal})`),
    scalar('reinterpret', `(${type}.reinterpret_${integer} (${integer}.reinterpret_${type} ${load(type)}))`),
    scalar('param and result', `(call $${type} ${load(type)})`),
    scalar('global', `(global.set $${type} ${load(type)}) (global.get $${type})`),
    scalar('select', `(select ${load(type)} (${type}.add ${load(type)} ${load(type)}) (i32.const 1))`),
    scalar('neg', `(${type}.neg ${load(type)})`, NEGATIVE[type]),
    scalar('abs', `(${type}.abs (${type}.neg ${load(type)}))`),
    scalar('copysign', `(${type}.copysign ${load(type)} (${type}.const -1))`, NEGATIVE[type]),
    scalar('a lane', `(${vector}.extract_lane 1 ${VECTOR})`),
    wide('load and store', VECTOR),
    wide('splat', `(${vector}.splat ${load(type)})`),
    wide('neg', `(${vector}.neg ${VECTOR})`, NEGATIVE[type]),
    wide('abs', `(${vector}.abs ${VECTOR})`),
    wide('pmin', `(${vector}.pmin ${VECTOR} (${vector}.splat (${type}.const 1)))`),
    wide('pmax', `(${vector}.pmax ${VECTOR} (${vector}.splat (${type}.const 1)))`),
    wide('bitselect', `(v128.bitselect ${VECTOR} ${VECTOR} (v128.const i64x2 -1 0))`),
  ];
}

const MADE: readonly Case[] = [...arithmetic('f32'), ...arithmetic('f64'), ...CONVERSIONS];
const CASES: readonly Case[] = [...MADE, ...untouched('f32'), ...untouched('f64')];

/** Some of {@link MADE} in which every processor passes the operand's payload on. */
const PASSES_ON = /\.(add, left|mul, right)$/;

/** One module with a function for each case, named by its index. */
const MODULE = `(memory (export "memory") 1)
  (global $f32 (mut f32) (f32.const 0)) (global $f64 (mut f64) (f64.const 0))
  (func $f32 (param f32) (result f32) (local.get 0)) (func $f64 (param f64) (result f64) (local.get 0))
  ${CASES.map(({ stored, expression }, index) => {
    const store = stored === 'f32' || stored === 'f64' ? stored : 'v128';
    return `(func (export "${index}") (i32.const 16) ${expression} (${store}.store))`;
  }).join('\n')}`;

/** The bits as little-endian bytes; several values separated by spaces. */
function bytesOf(bits: string): Uint8Array {
  const values = bits.split(' ').map((value) => Buffer.from(value, 'hex').reverse());
  return new Uint8Array(Buffer.concat(values));
}

/** The stored bits and the fuel of each case. */
async function runAll(lab: Lab, canonicalizeNans?: boolean): Promise<{ bits: Uint8Array; fuel: bigint }[]> {
  const options = canonicalizeNans === undefined ? {} : { canonicalizeNans };
  const instance = await lab.instantiate(MODULE, {}, options);
  return CASES.map(({ operand, bits }, index) => {
    instance.memory.write(0, bytesOf(lanes(operand, PAYLOAD[operand])));
    instance.exports[index]!();
    return { bits: instance.memory.read(16, bytesOf(bits).length), fuel: instance.fuelUsed };
  });
}

onEveryBackend('NaNs', (lab) => {
  test('are canonical where arithmetic made them, and untouched elsewhere', async () => {
    const found = await runAll(lab);
    const titled = found.map(({ bits }, index) => ({ title: CASES[index]!.title, bits }));
    expect(titled).toEqual(CASES.map(({ title, bits }) => ({ title, bits: bytesOf(bits) })));
    lab.record(found);
  });

  test('canonicalizeNans: true is the default and says nothing new', async () => {
    expect(await runAll(lab, true)).toEqual(await runAll(lab));
  });

  test('canonicalizeNans: false leaves what the machine makes, except on wasmi, and changes no count', async () => {
    const on = await runAll(lab);
    const off = await runAll(lab, false);
    expect(off.map(({ fuel }) => fuel)).toEqual(on.map(({ fuel }) => fuel));
    const passing = MADE.filter(({ title }) => PASSES_ON.test(title));
    expect(passing).toHaveLength(8);
    for (const [index, item] of CASES.entries()) {
      const { title, operand, stored } = item;
      const quiet = operand === stored ? QUIET[operand] : lanes(operand, QUIET[operand]);
      if (lab.backend === 'wasmi' || index >= MADE.length) expect([title, off[index]]).toEqual([title, on[index]]);
      else if (passing.includes(item)) expect([title, off[index]!.bits]).toEqual([title, bytesOf(quiet)]);
    }
  });
});
