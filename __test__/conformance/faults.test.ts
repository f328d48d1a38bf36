// Programs that one engine alone gets wrong, and `prepare` right: crates/host/tests/suite/faults.rs has more of them.
import { expect, test } from 'vitest';
import { onEveryBackend } from './support/lab';

/** Functions from an i32 to 1 if it is zero, and else to 2. */
const IS_ZERO = [
  'local.get 0 i32.const 1 i32.add i32.const 1 i32.sub drop i32.const 1 i32.const 2 local.get 0 i32.eqz select',
  'local.get 1 i32.const 1 i32.add i32.const 2 local.get 0 i32.eqz select',
  'local.get 1 i32.const 1 i32.add i32.const 2 local.get 0 i32.const 0 i32.eq select (result i32)',
  'i32.const 2 local.get 1 i32.const 1 i32.add local.get 0 i32.const 0 i32.ne select',
];

/** Functions from an i32 to itself. */
const SAME = [
  'local.get 0 i32.const 7 block (param i32) drop i32.const 9 local.set 0 end',
  'local.get 0 i32.const 1 i32.add local.tee 1 i32.const 256 loop (param i32) drop end i32.const 1 i32.sub',
];

onEveryBackend('faults of engines', (lab) => {
  const run = async (body: string) => {
    const instance = await lab.instantiate(`(func (export "run") (param i32) (result i32) (local i32) ${body})`);
    return [0, 1, -5].map((value) => instance.exports.run!(value));
  };

  test.each(IS_ZERO)('%s', async (body) => {
    expect(lab.record(await run(body))).toEqual([1, 2, 2]);
  });

  test.each(SAME)('%s', async (body) => {
    expect(lab.record(await run(body))).toEqual([0, 1, -5]);
  });
});
