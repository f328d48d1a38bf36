// Calls of a generated module, made of its seed, and what they come to.
import { createHash } from 'node:crypto';
import { AingleWasmError, type Instance, type Module, type Value, type ValueType } from 'aingle-wasm';

const CALLS = 8;

export interface Call {
  readonly name: string;
  readonly args: readonly Value[];
}

/** What a call came to, and what it left. */
export interface Step {
  /** `returned`, or the code with the kind of trap. */
  readonly end: string;
  readonly results?: string;
  readonly fuel: bigint;
  readonly memory: string;
}

/** Calls of functions whose values JavaScript can carry. */
export function plan(seed: number, module: Module): readonly Call[] {
  const random = generator(seed);
  const functions = module.exports.flatMap((item) =>
    item.kind === 'function' && [...item.type.params, ...item.type.results].every((type) => /^[if](32|64)$/.test(type))
      ? [{ name: item.name, params: item.type.params }]
      : [],
  );
  if (functions.length === 0) return [];
  return Array.from({ length: CALLS }, () => {
    const { name, params } = functions[random() % functions.length]!;
    return { name, args: params.map((type) => argument(type, random)) };
  });
}

/** Makes the calls on a new instance until one is stopped. */
export function observe(module: Module, calls: readonly Call[]): readonly Step[] {
  const env = Object.fromEntries(module.imports.map((item) => [item.name, silent(item)]));
  let instance: Instance;
  try {
    instance = module.instantiateSync({ imports: { env }, abi: 'bytes', afterTrap: 'keep' });
  } catch (error) {
    return [{ end: `not instantiated: ${endOf(error)}`, fuel: 0n, memory: '' }];
  }
  const steps: Step[] = [];
  for (const { name, args } of calls) {
    let step: Pick<Step, 'end' | 'results'>;
    try {
      step = { end: 'returned', results: text(instance.exports[name]!(...args)) };
    } catch (error) {
      step = { end: endOf(error) };
    }
    steps.push({ ...step, fuel: instance.fuelUsed, memory: digest(instance) });
    if (instance.state === 'poisoned') break;
  }
  instance.close();
  return steps;
}

/** A host function that gives zeros. */
function silent(item: Module['imports'][number]) {
  if (item.kind !== 'function') throw new Error(`${item.name} is no function`);
  const zeros = item.type.results.map((type) => (type === 'i64' ? 0n : 0));
  return () => (zeros.length > 1 ? zeros : zeros[0]);
}

/** The code, with the kind of trap. Anything but a coded error is a fault. */
function endOf(error: unknown): string {
  if (!(error instanceof AingleWasmError)) throw error;
  const trap = error.details?.trap;
  return trap === undefined ? error.code : `${error.code} ${trap}`;
}

/** Results with the sign of zeros and without the payload of NaNs. */
function text(returned: unknown): string {
  const values = Array.isArray(returned) ? returned : [returned];
  return values.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join(' ');
}

function digest({ memory, module }: Instance): string {
  const hasMemory = module.exports.some(({ kind }) => kind === 'memory');
  if (!hasMemory) return '';
  return createHash('sha1').update(memory.read(0, memory.byteLength)).digest('hex');
}

/** Arguments at which operators often change their behaviour. */
const EDGES = [0, 1, -1, 0x7fff_ffff, -0x8000_0000, 2 ** 31, 2 ** 32, 2 ** 63, -(2 ** 63), 0.5, -0, 1e300];

function argument(type: ValueType, random: () => number): Value {
  const edge = EDGES[random() % EDGES.length]!;
  const isEdge = random() % 2 === 0;
  switch (type) {
    case 'i32':
      return isEdge ? edge | 0 : random() | 0;
    case 'i64':
      return isEdge ? BigInt(Math.trunc(edge)) : (BigInt(random()) << 32n) | BigInt(random());
    default:
      return isEdge ? edge : (random() - 2 ** 31) / 2 ** (random() % 40);
  }
}

/** Numbers below 2^32; the same seed gives the same ones. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
    return (bits ^ (bits >>> 16)) >>> 0;
  };
}
