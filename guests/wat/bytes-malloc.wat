;; The plain `bytes` convention with C's allocator. `live` counts blocks that were allocated and not freed; freeing a block
;; twice, or one that was never allocated, traps.
(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (global $live (mut i32) (i32.const 0))

  ;; A block is preceded by a word: 1 while it is allocated.
  (func $malloc (export "malloc") (param $len i32) (result i32)
    (local $ptr i32)
    (local.set $ptr (i32.add (global.get $next) (i32.const 8)))
    (global.set $next (i32.and (i32.add (i32.add (local.get $ptr) (local.get $len)) (i32.const 7)) (i32.const -8)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $fits (i32.ne (i32.const -1) (memory.grow
        (i32.shr_u (i32.add (i32.sub (global.get $next) (i32.mul (memory.size) (i32.const 65536))) (i32.const 65535)) (i32.const 16)))))
      (return (i32.const 0)))
    (i32.store (i32.sub (local.get $ptr) (i32.const 8)) (i32.const 1))
    (global.set $live (i32.add (global.get $live) (i32.const 1)))
    (local.get $ptr))

  (func (export "free") (param $ptr i32)
    (if (i32.ne (i32.load (i32.sub (local.get $ptr) (i32.const 8))) (i32.const 1)) (then (unreachable)))
    (i32.store (i32.sub (local.get $ptr) (i32.const 8)) (i32.const 0))
    (global.set $live (i32.sub (global.get $live) (i32.const 1)))
    (if (i32.eqz (global.get $live)) (then (global.set $next (i32.const 1024)))))

  (func (export "live") (result i32) (global.get $live))

  ;; A copy of the input in a block of its own.
  (func (export "echo") (param $ptr i32) (param $len i32) (result i64)
    (local $copy i32)
    (if (i32.eqz (local.get $len)) (then (return (i64.const 0))))
    (local.set $copy (call $malloc (local.get $len)))
    (memory.copy (local.get $copy) (local.get $ptr) (local.get $len))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $copy)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))

  ;; The input itself as the result.
  (func (export "same") (param $ptr i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))

  ;; The input as an error: bit 63 is set.
  (func (export "fail") (param $ptr i32) (param $len i32) (result i64)
    (i64.or (i64.const 0x8000000000000000)
      (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))))
