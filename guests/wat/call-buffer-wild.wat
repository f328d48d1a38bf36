;; An envelope guest whose call buffer ends behind its memory. The export returns its input.
(module
  (memory (export "memory") 1)
  (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "__aingle_guest_deallocate") (param i32 i32))
  (func (export "__aingle_guest_reset_arena"))
  (func (export "__aingle_guest_call_buffer") (result i64) (i64.const 0x0000fff000001000))
  (func (export "run") (param $ptr i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))))
