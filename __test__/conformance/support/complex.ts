/** For each complexity cap a value, and a module that passes it. */
export const COMPLEX: readonly (readonly [string, number, string])[] = [
  ['moduleBytes', 20, '(func (export "a name of a length"))'],
  ['functions', 2, '(func) (func) (func)'],
  ['bodyBytes', 20, `(func ${'(nop)'.repeat(30)})`],
  ['locals', 10, '(func (local i32 i32 i32 i32 i32 i32 i64 i64 i64 i64 i64))'],
  ['params', 2, '(func (param i32 i32 i32))'],
  ['results', 1, '(func (result i32 i32) (i32.const 1) (i32.const 1))'],
  ['nesting', 3, '(func (block (block (block (block)))))'],
  ['branchTargets', 3, '(func (br_table 0 0 0 0 0 (i32.const 1)))'],
  ['types', 1, '(type (func)) (type (func (param i32)))'],
  ['imports', 1, '(import "a" "b" (func)) (import "a" "c" (func))'],
  ['exports', 1, '(func (export "a") (export "b"))'],
  ['globals', 1, '(global i32 (i32.const 1)) (global i32 (i32.const 1))'],
  ['elements', 1, '(func $f) (elem func $f) (elem func $f)'],
  ['dataSegments', 1, '(memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b")'],
  ['segmentBytes', 4, '(memory 1) (data (i32.const 0) "abcde")'],
  ['nameBytes', 4, '(func (export "abcde"))'],
];
