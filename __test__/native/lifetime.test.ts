// Worker threads and the collector: nothing that ends early takes the process with it, nothing that is dropped stays.
import { beforeAll, expect, test } from 'vitest';
import { GUEST, moduleFile, runProgram } from './support';

let guest: string;

beforeAll(async () => {
  guest = await moduleFile('lifetime', GUEST);
});

test('worker threads load the addon, use it and end in every way', async () => {
  const { status, signal, output, errors } = await runProgram('workers', [guest]);
  expect({ status, signal }, errors).toEqual({ status: 0, signal: null });
  // By round: ends, exits, terminated; then two at once.
  const round = '0,0,1,0,1';
  expect(output).toBe([round, round, round, 'RuntimeError', 42].join());
}, 120_000);

test('the collector takes what is dropped, in every order, and not what is called', async () => {
  const { output, errors } = await runProgram('collect', [guest], { flags: ['--expose-gc'] });
  expect(
    Object.entries(JSON.parse(output || '{}')).filter(([, done]) => done !== true),
    errors,
  ).toEqual([]);
  expect(Object.keys(JSON.parse(output))).toHaveLength(7);
}, 120_000);

// Bytes are bounds of noise: a leak of one small object a call would be several times as much. Few calls are noisier than many:
// the collector has not settled yet.
test.each([
  ['callRaw', 100_000, 3],
  ['callSync', 100_000, 3],
  ['exports', 100_000, 3],
  ['call', 4_000, 3],
  ['large', 500, 20],
  ['invoke', 40_000, 2],
  ['instances', 20_000, 6],
  ['throws', 100_000, 12],
  ['rejects', 20_000, 6],
])(
  '%s: %i calls leave no memory behind',
  async (kind, calls, megabytes) => {
    const { output, errors } = await runProgram('growth', [guest, kind, `${calls}`], { flags: ['--expose-gc'] });
    expect(output, errors).toMatch(/^-?\d+$/);
    expect(Number(output)).toBeLessThan(megabytes * 1_000_000);
  },
  120_000,
);
