// One name imported with several types: each import calls its own function.
import { Engine } from 'aingle-wasm';
import { expect, test } from 'vitest';
import { wat } from '../conformance/support/wat';

const OVERLOADS = wat(`
  (import "env" "same" (func $i32 (param i32) (result i32)))
  (import "aingle_v1" "crc32" (func (param i32 i32) (result i32)))
  (import "env" "other" (func $other (result i32)))
  (import "env" "same" (func $i64 (param i64) (result i64)))
  (import "env" "same" (func $f32 (param f32) (result f32)))
  (memory 1)
  (func (export "i32") (param i32) (result i32) (call $i32 (local.get 0)))
  (func (export "i64") (param i64) (result i64) (call $i64 (local.get 0)))
  (func (export "f32") (param f32) (result f32) (call $f32 (local.get 0)))
  (func (export "other") (result i32) (call $other))`);

test('each import calls the function of its type', async () => {
  const engine = new Engine({ backend: 'wasmer' });
  const same = (value: unknown) => value;
  const instance = (await engine.compile(OVERLOADS)).instantiateSync({ imports: { env: { same, other: () => 9 } } });
  const results = [
    instance.exports.i32!(7),
    instance.exports.i64!(-8n),
    instance.exports.f32!(0.5),
    instance.exports.other!(),
  ];
  expect(results).toEqual([7, -8n, 0.5, 9]);
  expect(await instance.invoke('i64', [1n << 40n])).toEqual([1n << 40n]);
});
