// Every way to misbehave that guests/ and this suite know, with the code that each must end with.
import { guest } from './guests';
import { puppetText } from './puppet';
import { wat } from './wat';

export interface Misdeed {
  /** Module and export. */
  readonly name: string;
  readonly module: string;
  readonly export: string;
  /** Called with bytes, or as a function without parameters. */
  readonly bytes: boolean;
  readonly code: string;
  /** What `details` must have. */
  readonly details?: Record<string, unknown>;
}

/** Fuel of a call and depth of its calls: small, so that those who take all they get end soon. */
export const FUEL = 20_000n;
export const LIMITS = { callDepth: 500, memoryBytes: 32 * 65_536, tableElements: 10_000, outputBytes: 1_000_000 };

const HOSTILE = puppetText(
  'envelope',
  `(import "env" "note" (func $note (param i32)))
   (table $t 1 funcref)
   (func $deep (param i32) (call $deep (local.get 0)))
   (func (export "depth") (call $deep (i32.const 0)))
   (func (export "flood") (loop (call $note (i32.const 1)) (br 0)))
   (func (export "null call") (call_indirect $t (i32.const 0)))
   (func (export "far call") (call_indirect $t (i32.const 1000000)))
   (func (export "huge fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)))
   (func (export "junk") (param i32 i32) (result i64) (i64.const 0x0000200000000010))`,
);

const MODULES: Readonly<Record<string, () => Uint8Array>> = {
  hostile: () => wat(HOSTILE),
  misbehave: () => guest('misbehave'),
  loops: () => guest('wat/loops'),
  'memory-bomb': () => guest('wat/memory-bomb'),
  'table-bomb': () => guest('wat/table-bomb'),
  'allocator-loop': () => guest('wat/allocator-loop'),
  'allocator-null': () => guest('wat/allocator-null'),
  'allocator-trap': () => guest('wat/allocator-trap'),
  'allocator-wild': () => guest('wat/allocator-wild'),
  'reset-trap': () => guest('wat/reset-trap'),
  traps: () => guest('wat/traps'),
};

export function hostileModule(name: string): Uint8Array {
  return MODULES[name]!();
}

const STOPPED = 'ERR_FUEL_EXHAUSTED';
const POINTER = 'ERR_GUEST_POINTER';

function misdeed(
  module: string,
  bytes: boolean,
  name: string,
  code: string,
  details?: Record<string, unknown>,
): Misdeed {
  return { name: `${module} ${name}`, module, export: name, bytes, code, ...(details && { details }) };
}

function trap(module: string, name: string, kind: string, bytes = false): Misdeed {
  return misdeed(module, bytes, name, 'ERR_TRAP', { trap: kind });
}

const LOOPS = ['empty', 'br', 'br_if', 'br_table', 'nested', 'sequential', 'fill', 'call'];
const RECURSIONS = ['self', 'mutual', 'indirect'];
const TRAPS = [
  'unreachable',
  'memory_out_of_bounds.load',
  'memory_out_of_bounds.store',
  'memory_out_of_bounds.offset',
  'memory_out_of_bounds.fill',
  'memory_out_of_bounds.copy',
  'memory_out_of_bounds.init',
  'memory_out_of_bounds.vector',
  'table_out_of_bounds.get',
  'table_out_of_bounds.set',
  'table_out_of_bounds.fill',
  'table_out_of_bounds.copy',
  'table_out_of_bounds.init',
  'table_out_of_bounds.call',
  'integer_divide_by_zero.i32',
  'integer_divide_by_zero.i32_u',
  'integer_divide_by_zero.i64',
  'integer_overflow.i32',
  'integer_overflow.i64',
  'float_to_integer.nan',
  'float_to_integer.range',
  'float_to_integer.infinite',
  'indirect_call_mismatch.null',
  'indirect_call_mismatch.type',
];

/** The exports of guests/rust/misbehave. */
const RUST: readonly Misdeed[] = (
  [
    ['loop_forever', STOPPED],
    ['recurse', 'ERR_STACK_OVERFLOW'],
    ['grow_forever', STOPPED],
    ['allocate_forever', 'ERR_TRAP', { trap: 'unreachable' }],
    ['error_text', 'ERR_GUEST', { message: 'no such sensor' }],
    ['error_structured', 'ERR_GUEST', { message: 'the sensor is locked', file: 'misbehave/src/errors.rs' }],
    ['error_empty', 'ERR_GUEST'],
    ['error_bit_only', 'ERR_GUEST', { message: 'bit 63 only' }],
    ['error_flag_only', 'ERR_GUEST', { message: 'flag only' }],
    ['pointer_at_end', POINTER],
    ['pointer_across_end', POINTER],
    ['pointer_wild', POINTER, { ptr: 0x7fff_ffff, len: 0xffff_ffff }],
    ['pointer_wraps', POINTER, { ptr: 0x7fff_fff8, len: 0x8000_0010 }],
    ['pointer_whole_memory', 'ERR_ENVELOPE_MAGIC'],
    ['pointer_null', 'ERR_ENVELOPE_MAGIC'],
    ['pointer_error_wild', POINTER, { ptr: 0x7fff_0000, len: 64 }],
    ['pointer_all_ones', POINTER],
    ['envelope_short', 'ERR_ENVELOPE_LENGTH', { actual: 11 }],
    ['envelope_magic', 'ERR_ENVELOPE_MAGIC'],
    ['envelope_swapped', 'ERR_ENVELOPE_MAGIC'],
    ['envelope_version', 'ERR_ENVELOPE_VERSION', { actual: 0, expected: 1 }],
    ['envelope_flags', 'ERR_ENVELOPE_FLAGS'],
    ['envelope_length_over', 'ERR_ENVELOPE_LENGTH'],
    ['envelope_length_under', 'ERR_ENVELOPE_LENGTH'],
    ['envelope_length_huge', 'ERR_ENVELOPE_LENGTH'],
    ['envelope_checksum', 'ERR_ENVELOPE_CHECKSUM'],
    ['envelope_compression', 'ERR_ENVELOPE_COMPRESSION'],
    ['envelope_bomb', 'ERR_OUTPUT_LIMIT'],
    ['envelope_encrypted', 'ERR_ENVELOPE_ENCRYPTION'],
    ['unreachable', 'ERR_TRAP', { trap: 'unreachable' }],
    ['out_of_bounds', 'ERR_TRAP', { trap: 'memory_out_of_bounds' }],
    ['panic', 'ERR_GUEST', { message: 'this guest panics on purpose', file: 'misbehave/src/traps.rs' }],
    ['panic_with', 'ERR_GUEST', { message: 'panicked over "x"' }],
    ['index_out_of_range', 'ERR_GUEST', { message: 'index out of bounds: the len is 3 but the index is 7' }],
    ['divide_by_zero', 'ERR_GUEST', { message: 'attempt to divide by zero' }],
  ] as const
).map(([name, code, details]) => misdeed('misbehave', true, name, code, details));

export const MISDEEDS: readonly Misdeed[] = [
  ...RUST,
  ...LOOPS.map((name) => misdeed('loops', false, name, STOPPED)),
  ...RECURSIONS.map((name) => misdeed('loops', false, name, 'ERR_STACK_OVERFLOW')),
  ...TRAPS.map((name) => trap('traps', name, name.split('.')[0]!)),
  misdeed('hostile', false, 'depth', 'ERR_STACK_OVERFLOW'),
  misdeed('hostile', false, 'flood', STOPPED),
  trap('hostile', 'null call', 'indirect_call_mismatch'),
  trap('hostile', 'far call', 'table_out_of_bounds'),
  misdeed('hostile', false, 'huge fill', STOPPED),
  misdeed('hostile', true, 'junk', 'ERR_ENVELOPE_MAGIC'),
  misdeed('memory-bomb', false, 'forever', STOPPED),
  misdeed('table-bomb', false, 'forever', STOPPED),
  misdeed('allocator-loop', true, 'run', STOPPED),
  misdeed('allocator-null', true, 'run', POINTER, { ptr: 0 }),
  trap('allocator-trap', 'run', 'unreachable', true),
  misdeed('allocator-wild', true, 'run', POINTER, { ptr: 0xffff_fff0 }),
  trap('reset-trap', 'run', 'unreachable', true),
];
