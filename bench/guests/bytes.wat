;; The `bytes` convention with nothing in it: one buffer at a fixed place, and the input is the result.
(module
  (memory (export "memory") 20)
  (func (export "malloc") (param $len i32) (result i32) (i32.const 1024))
  (func (export "free") (param $ptr i32))
  (func (export "echo") (param $ptr i32) (param $len i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32))
      (i64.extend_i32_u (local.get $len)))))
