;; The plain `bytes` convention with `allocate(len)` and `deallocate(ptr, len)`. `balance` is the sum of lengths allocated and
;; not given back.
(module
  (memory (export "memory") 1 16)
  (global $next (mut i32) (i32.const 1024))
  (global $balance (mut i32) (i32.const 0))

  (func (export "allocate") (param $len i32) (result i32)
    (local $ptr i32)
    (local.set $ptr (global.get $next))
    (if (i32.gt_u (i32.add (local.get $ptr) (local.get $len)) (i32.mul (memory.size) (i32.const 65536)))
      (then (return (i32.const 0))))
    (global.set $next (i32.add (local.get $ptr) (local.get $len)))
    (global.set $balance (i32.add (global.get $balance) (local.get $len)))
    (local.get $ptr))

  (func (export "deallocate") (param $ptr i32) (param $len i32)
    (global.set $balance (i32.sub (global.get $balance) (local.get $len)))
    (if (i32.eqz (global.get $balance)) (then (global.set $next (i32.const 1024)))))

  (func (export "balance") (result i32) (global.get $balance))

  ;; The input with the lowest bit of every byte changed, in place.
  (func (export "flip") (param $ptr i32) (param $len i32) (result i64)
    (local $at i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $len)))
        (i32.store8 (i32.add (local.get $ptr) (local.get $at))
          (i32.xor (i32.load8_u (i32.add (local.get $ptr) (local.get $at))) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))))
