// What metering costs programs that compute: each kernel prepared and counted, against the same kernel in V8 without any of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportsByHand } from '../by-hand';
import type { Group } from '../price-list';
import { guestFile } from '../wasm';

const BY_HAND = 'V8, unmetered';

interface Kernel {
  readonly name: string;
  readonly file: string;
  readonly export: string;
  readonly args: readonly number[];
  /** As text where it does not fit a number. */
  readonly result: number | string;
}

function kernels(): Kernel[] {
  return JSON.parse(readFileSync(join(__dirname, '..', '..', 'guests', 'kernels', 'kernels.json'), 'utf8'));
}

export const compute: Group = {
  name: 'compute, metered',
  about:
    'The kernels of guests/kernels, every result checked. Ratios compare engines as well as metering: wasmer’s compiler is not V8’s.',
  peer: BY_HAND,
  overall: { v8: { mean: 1.05, worst: 1.25 } },
  rows: async (contenders) =>
    kernels().map((kernel) => {
      const bytes = guestFile(`kernels/${kernel.file}`);
      const runs = [
        { name: BY_HAND, run: exportsByHand(bytes)[kernel.export] },
        ...contenders.map(({ kind, engine }) => ({
          name: kind,
          run: engine.compileSync(bytes).instantiateSync().exports[kernel.export]!,
        })),
      ];
      return { what: kernel.name, subjects: runs.map(({ name, run }) => ({ name, run: checked(kernel, run) })) };
    }),
};

function checked({ name, args, result }: Kernel, run: (...args: number[]) => number | bigint): (times: number) => void {
  return (times) => {
    for (let index = 0; index < times; index += 1) {
      const actual = run(...args);
      if (String(actual) !== String(result)) throw new Error(`${name} gives ${actual}, expected ${result}`);
    }
  };
}
