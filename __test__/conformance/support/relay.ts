// A guest of the bytes ABI that hands its input to a host function and returns what came back.

/** As text, with more imports and more definitions if they are wanted. */
export function relay(imports = '', definitions = ''): string {
  return `
  (import "env" "serve" (func $serve (param i32 i32) (result i64)))
  ${imports}
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 4096))
  (func (export "malloc") (param i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get 0)))
    (local.get $at))
  (func (export "free") (param i32) (global.set $next (i32.const 4096)))
  (func (export "relay") (param i32 i32) (result i64) (call $serve (local.get 0) (local.get 1)))
  ${definitions}`;
}
