// Calls of bytes and of numbers, on the caller's thread.
import type { Instance } from 'aingle-wasm';
import { bytesCallByHand, exportsByHand } from '../by-hand';
import type { Contender, Group, Row, Target } from '../price-list';
import { assembled, builtGuest } from '../wasm';

const BY_HAND = 'V8 by hand';
const KIB = 1024;
const SIZES = [
  { bytes: 64, label: '64 B' },
  { bytes: KIB, label: '1 KiB' },
  { bytes: 64 * KIB, label: '64 KiB' },
  { bytes: KIB * KIB, label: '1 MiB' },
];

/** The targets were set in nanoseconds on a machine where V8 by hand took these. */
const BY_HAND_NS = [67, 850, 8_000, 90_000];

function ratios(ns: Record<string, readonly number[]>, index: number): Record<string, Target> {
  return Object.fromEntries(
    Object.entries(ns).map(([kind, list]) => [kind, { ratio: list[index]! / BY_HAND_NS[index]! }]),
  );
}

/** The same call again and again. The result is used, so that no compiler can leave the call out. */
function repeat(call: () => { length: number }): (times: number) => void {
  return (times) => {
    let total = 0;
    for (let index = 0; index < times; index += 1) total += call().length;
    if (total < 0) throw new Error('lengths are not negative');
  };
}

async function callRows(
  contenders: readonly Contender[],
  guest: Uint8Array,
  targets: Record<string, readonly number[]>,
  call: (instance: Instance, input: Uint8Array) => { length: number },
): Promise<Row[]> {
  const byHand = bytesCallByHand(await assembled('bytes'), 'echo');
  const instances = contenders.map(({ kind, engine }) => ({
    kind,
    instance: engine.compileSync(guest).instantiateSync(),
  }));
  return SIZES.map(({ bytes, label }, index) => {
    const input = new Uint8Array(bytes).fill(0x61);
    const ours = instances.map(({ kind, instance }) => ({ name: kind, run: repeat(() => call(instance, input)) }));
    return {
      what: label,
      subjects: [{ name: BY_HAND, run: repeat(() => byHand(input)) }, ...ours],
      targets: ratios(targets, index),
    };
  });
}

export const callRawBytes: Group = {
  name: 'callRaw, bytes ABI',
  about: 'Echo of bytes: written into the guest, called, read back as a fresh Uint8Array.',
  peer: BY_HAND,
  rows: async (contenders) =>
    callRows(
      contenders,
      await assembled('bytes'),
      { wasmer: [160, 250, 3_500, 60_000], v8: [120, 900, 8_000, 90_000] },
      (instance, input) => instance.callRaw('echo', input),
    ),
};

export const callRawEnvelope: Group = {
  name: 'callRaw, envelope ABI',
  about: 'The same with all four checksums made and checked; V8 by hand makes none.',
  peer: BY_HAND,
  rows: async (contenders) =>
    callRows(
      contenders,
      builtGuest('echo'),
      { wasmer: [250, 500, 10_000, 150_000], v8: [300, 1_500, 60_000, 900_000] },
      (instance, input) => instance.callRaw('echo', input),
    ),
};

export const callSync: Group = {
  name: 'callSync, envelope ABI',
  about: 'The same with a result object and its receipt.',
  peer: BY_HAND,
  rows: async (contenders) =>
    callRows(contenders, builtGuest('echo'), {}, (instance, input) => instance.callSync('echo', input).bytes),
};

export const exportsCall: Group = {
  name: 'exports',
  about: 'instance.exports.add(a, b): two numbers in, one out.',
  peer: BY_HAND,
  rows: async (contenders) => {
    const module = await assembled('numbers');
    const next = (value: number) => value + 1;
    const adders = [
      { name: BY_HAND, add: exportsByHand(module, { host: { next } }).add },
      ...contenders.map(({ kind, engine }) => ({
        name: kind,
        add: engine.compileSync(module).instantiateSync({ imports: { host: { next } } }).exports.add!,
      })),
    ];
    return [{ what: '(i32, i32) → i32', subjects: adders.map(({ name, add }) => ({ name, run: repeatAdd(add) })) }];
  },
};

function repeatAdd(add: (a: number, b: number) => number): (times: number) => void {
  return (times) => {
    let sum = 0;
    for (let index = 0; index < times; index += 1) sum = add(sum, 1);
    if (sum !== times) throw new Error(`${times} times 1 is not ${sum}`);
  };
}
