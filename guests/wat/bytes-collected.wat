;; The plain `bytes` convention of a collected language: `__new(len, class)`, `__pin(ptr)`, `__unpin(ptr)`. `pinned` counts pins
;; that were not undone; `class` is the class number last asked for.
(module
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 1024))
  (global $pinned (mut i32) (i32.const 0))
  (global $class (mut i32) (i32.const -1))

  (func $new (export "__new") (param $len i32) (param $asked i32) (result i32)
    (local $ptr i32)
    (global.set $class (local.get $asked))
    (local.set $ptr (global.get $next))
    (global.set $next (i32.add (local.get $ptr) (local.get $len)))
    (local.get $ptr))
  (func $pin (export "__pin") (param $ptr i32) (result i32)
    (global.set $pinned (i32.add (global.get $pinned) (i32.const 1)))
    (local.get $ptr))
  (func (export "__unpin") (param $ptr i32)
    (if (i32.eqz (global.get $pinned)) (then (unreachable)))
    (global.set $pinned (i32.sub (global.get $pinned) (i32.const 1)))
    (if (i32.eqz (global.get $pinned)) (then (global.set $next (i32.const 1024)))))

  (func (export "pinned") (result i32) (global.get $pinned))
  (func (export "class") (result i32) (global.get $class))

  ;; A pinned copy of the input.
  (func (export "echo") (param $ptr i32) (param $len i32) (result i64)
    (local $copy i32)
    (local.set $copy (call $pin (call $new (local.get $len) (i32.const 1))))
    (memory.copy (local.get $copy) (local.get $ptr) (local.get $len))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $copy)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))))
