// What metering costs programs that compute: prepared and counted, against the same program in V8 without any of it. Every result is checked.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportsByHand } from '../by-hand';
import type { Contender, Group } from '../price-list';
import { guestByHand, guestOf } from '../programs/guests';
import { PROGRAMS } from '../programs/index';
import { guestFile } from '../wasm';

const BY_HAND = 'V8, unmetered';
const TARGETS: Group['overall'] = { v8: { mean: 1.05, worst: 1.25 } };

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

export const computePrograms: Group = {
  name: 'compute, real programs',
  about:
    'WebAssembly of npm packages (bench/programs). Ratios compare engines as well as metering: wasmer’s compiler is not V8’s, and wasmi interprets.',
  peer: BY_HAND,
  overall: TARGETS,
  rows: async (contenders) =>
    PROGRAMS.map(({ name, bytes, setUp }) => {
      const expected = setUp(guestByHand(bytes))();
      return {
        what: name,
        subjects: subjects(
          contenders,
          () => setUp(guestByHand(bytes)),
          ({ engine }) => setUp(guestOf(engine, bytes)),
          (output) => Buffer.compare(output, expected) === 0,
        ),
      };
    }),
};

export const compute: Group = {
  name: 'compute, kernels',
  about:
    'The kernels of guests/kernels: small loops, where metering costs most, and in V8 as much hangs on where the machine code happens to lie.',
  peer: BY_HAND,
  overall: {},
  rows: async (contenders) =>
    kernels().map(({ name, file, export: kernel, args, result }) => {
      const bytes = guestFile(`kernels/${file}`);
      const bound = (run: (...args: number[]) => unknown) => () => run(...args);
      return {
        what: name,
        subjects: subjects(
          contenders,
          () => bound(exportsByHand(bytes)[kernel]),
          ({ engine }) => bound(engine.compileSync(bytes).instantiateSync().exports[kernel]!),
          (actual) => String(actual) === String(result),
        ),
      };
    }),
};

/** The same work by hand and by all contenders, its outcome checked each time. */
function subjects<Outcome>(
  contenders: readonly Contender[],
  byHand: () => () => Outcome,
  by: (contender: Contender) => () => Outcome,
  isRight: (outcome: Outcome) => boolean,
) {
  const runs = [
    { name: BY_HAND, run: byHand() },
    ...contenders.map((contender) => ({ name: contender.kind, run: by(contender) })),
  ];
  return runs.map(({ name, run }) => ({
    name,
    run: (times: number) => {
      for (let index = 0; index < times; index += 1) {
        if (!isRight(run())) throw new Error(`${name} gives a wrong result`);
      }
    },
  }));
}
