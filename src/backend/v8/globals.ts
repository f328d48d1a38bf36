// Globals of a guest as its host reads and writes them. JavaScript's interface cannot touch a vector, so WebAssembly does it.
import type { GlobalType } from '../../types';
import type { ModuleInfoJson, RawValue, ResolvedGlobal } from '../backend';
import { type FunctionNumbers, fromEngine, halves, joined, toEngine } from './crossing';
import { RESERVED } from './names';

export interface GlobalCell {
  get(): RawValue;
  set(value: RawValue): void;
}

/** A global that is made for an import: what the guest gets, and what its host uses. */
export interface MadeGlobal {
  readonly extern: unknown;
  readonly cell: GlobalCell;
}

/**
 * (module
 *   (global $g (export "g") (mut v128) (v128.const i64x2 0 0))
 *   (func (export "get") (result i64 i64)
 *     (i64x2.extract_lane 0 (global.get $g)) (i64x2.extract_lane 1 (global.get $g)))
 *   (func (export "set") (param i64 i64)
 *     (global.set $g (i64x2.replace_lane 1 (i64x2.splat (local.get 0)) (local.get 1)))))
 */
const VARIABLE =
  'AGFzbQEAAAABCwJgAAJ+fmACfn4AAwMCAAEGFgF7Af0MAAAAAAAAAAAAAAAAAAAAAAsHEQMBZwMAA2dldAAAA3NldAABChwCDAAjAP0dACMA/R0BCw0AIAD9EiAB/R4B' +
  'JAAL';

/** (module (global (export "g") v128 (v128.const i64x2 0 0))) */
const CONSTANT = 'AGFzbQEAAAAGFgF7AP0MAAAAAAAAAAAAAAAAAAAAAAsHBQEBZwMA';
/** Where the constant stands in it. */
const CONSTANT_AT = 15;

/** Makes an imported global with the value that it begins with. */
export function makeGlobal({ type, value }: ResolvedGlobal, numbers: FunctionNumbers): MadeGlobal {
  if (type.value === 'v128') return type.mutable ? variableVector(value) : constantVector(value);
  const engineType = { value: type.value === 'funcref' ? 'anyfunc' : type.value, mutable: type.mutable };
  const [initial] = toEngine([type.value], [value], numbers);
  const global = new WebAssembly.Global(engineType as GlobalType, initial as number);
  return { extern: global, cell: cellOf(global, type, numbers) };
}

/** The exported globals, in their order. */
export function exportedGlobals(
  info: ModuleInfoJson,
  exports: WebAssembly.Exports,
  numbers: FunctionNumbers,
): GlobalCell[] {
  return info.exports.flatMap((item, position) => {
    if (item.kind !== 'global') return [];
    if (item.type.value !== 'v128')
      return [cellOf(exports[item.name] as WebAssembly.Global<WebAssembly.ValueType>, item.type, numbers)];
    return [vectorCell(exports[RESERVED.exactGet + position], exports[RESERVED.exactSet + position])];
  });
}

function cellOf(
  global: WebAssembly.Global<WebAssembly.ValueType>,
  { value: type }: GlobalType,
  numbers: FunctionNumbers,
): GlobalCell {
  return {
    get: () => fromEngine([type], [global.value], numbers)[0]!,
    set: (value) => {
      global.value = toEngine([type], [value], numbers)[0] as number;
    },
  };
}

function variableVector(value: RawValue): MadeGlobal {
  const module = new WebAssembly.Module(Buffer.from(VARIABLE, 'base64'));
  const { g, get, set } = new WebAssembly.Instance(module).exports;
  const cell = vectorCell(get, set);
  cell.set(value);
  return { extern: g, cell };
}

function constantVector(value: RawValue): MadeGlobal {
  const bytes = Buffer.from(CONSTANT, 'base64');
  bytes.set(value as Uint8Array, CONSTANT_AT);
  const { g } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  // Nobody reads a constant of the host's through its guest, and nobody writes it.
  return { extern: g, cell: { get: () => value, set: () => {} } };
}

function vectorCell(get: unknown, set: unknown): GlobalCell {
  return {
    get: () => joined(...(get as () => [bigint, bigint])()),
    set: (value) => (set as (low: bigint, high: bigint) => void)(...halves(value as Uint8Array)),
  };
}
