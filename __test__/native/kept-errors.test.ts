// Errors that somebody keeps, in a log or a list of failures, keep no guest.
import { beforeAll, expect, test } from 'vitest';
import { BACKENDS } from '../conformance/support/backends';
import { moduleFile, runProgram } from './support';

const GUEST = `
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "free") (param i32))
  (func (export "all") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
  (func (export "trap") (param i32 i32) (result i64) unreachable)
  (func (export "crash") unreachable)
  (func (export "forever") (loop (br 0)))`;

let guest: string;

beforeAll(async () => {
  guest = await moduleFile('kept-errors', GUEST);
});

test.each(BACKENDS)(
  'on %s, they keep no instance, and their stacks begin at the caller',
  async (backend) => {
    const { output, errors } = await runProgram('kept-errors', [backend, guest], { flags: ['--expose-gc'] });
    expect(JSON.parse(output || '{}'), errors).toEqual({ count: 16, kept: [], foreign: [] });
  },
  120_000,
);
