// A guest that answers with what the test laid into its memory: any pointer, any bytes, any damage. It notes what the host did.
import type { Engine, EngineOptions, Instance, InstanceOptions } from 'aingle-wasm';
import type { Lab } from './lab';

const ANSWER = 0; //    i64: what every call returns
const INPUT_AT = 8; //  i32: what the allocator returns
const RESETS = 16; //   i32: how often the arena was reset
const FREED = 24; //    i32: how often a block was given back
const SEEN_PTR = 32; // i32: arguments of the last call
const SEEN_LEN = 36;
const INPUTS = 4_096;
const ANSWERS = 65_536;
const PAGES = 4;

const BODY = `
  (memory (export "memory") ${PAGES})
  (table funcref (elem $ok))
  (func $ok (export "ok") (param i32 i32) (result i64)
    (i32.store (i32.const ${SEEN_PTR}) (local.get 0))
    (i32.store (i32.const ${SEEN_LEN}) (local.get 1))
    (i64.load (i32.const ${ANSWER})))
  (func (export "trap") (param i32 i32) (result i64) unreachable)
  (func $loop (export "loop") (param i32 i32) (result i64) (loop br 0) (i64.const 0))
  (func $recurse (export "recurse") (param i32 i32) (result i64) (call $recurse (local.get 0) (local.get 1)) drop (i64.const 0))
  (data (i32.const ${INPUT_AT}) "\\00\\10\\00\\00")`;

const count = (cell: number) =>
  `(i32.store (i32.const ${cell}) (i32.add (i32.load (i32.const ${cell})) (i32.const 1)))`;

const ENVELOPE_EXPORTS = `
  (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.load (i32.const ${INPUT_AT})))
  (func (export "__aingle_guest_reset_arena") ${count(RESETS)})`;

const BYTES_EXPORTS = `
  (func (export "malloc") (param i32) (result i32) (i32.load (i32.const ${INPUT_AT})))
  (func (export "free") (param i32) ${count(FREED)})`;

export type Abi = 'envelope' | 'bytes';

/** The module's text, with fields of the test's own before it (imports come first). */
export function puppetText(abi: Abi, fields = ''): string {
  return `(module ${fields} ${abi === 'envelope' ? ENVELOPE_EXPORTS : BYTES_EXPORTS} ${BODY})`;
}

export class Puppet {
  readonly instance: Instance;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  static async make(lab: Lab, abi: Abi, options?: InstanceOptions, engineOptions?: EngineOptions): Promise<Puppet> {
    return new Puppet(await lab.instantiate(puppetText(abi), options, engineOptions));
  }

  static async of(engine: Engine, bytes: Uint8Array, options?: InstanceOptions): Promise<Puppet> {
    return new Puppet(await (await engine.compile(bytes)).instantiate(options));
  }

  /** Lays bytes into memory; calls then return their place, marked as an error if asked. */
  answer(bytes: Uint8Array, error = false): void {
    this.instance.memory.write(ANSWERS, bytes);
    this.answerAt(ANSWERS, bytes.length, error);
  }

  /** Calls then return this pointer and length, whatever is there. */
  answerAt(ptr: number, len: number, error = false): void {
    this.answerPacked((BigInt(error ? 1 : 0) << 63n) | (BigInt(ptr) << 32n) | BigInt(len));
  }

  answerPacked(packed: bigint): void {
    const cell = new Uint8Array(8);
    new DataView(cell.buffer).setBigUint64(0, packed, true);
    this.instance.memory.write(ANSWER, cell);
  }

  /** The allocator then returns this address. */
  allocateAt(ptr: number): void {
    const cell = new Uint8Array(4);
    new DataView(cell.buffer).setUint32(0, ptr, true);
    this.instance.memory.write(INPUT_AT, cell);
  }

  get resets(): number {
    return this.#cell(RESETS);
  }

  get freed(): number {
    return this.#cell(FREED);
  }

  /** The bytes that the last call was given, as the guest saw them. */
  seen(): Uint8Array {
    return this.instance.memory.read(this.#cell(SEEN_PTR), this.#cell(SEEN_LEN));
  }

  #cell(at: number): number {
    const bytes = this.instance.memory.read(at, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }
}

export const PUPPET = { inputs: INPUTS, answers: ANSWERS, memoryBytes: PAGES * 65_536 };
