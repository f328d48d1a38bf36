;; An envelope guest whose arena cannot be reset. The export returns an empty result.
(module
  (memory (export "memory") 1)
  (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "__aingle_guest_deallocate") (param i32 i32))
  (func (export "__aingle_guest_reset_arena") (unreachable))
  (func (export "run") (param i32 i32) (result i64) (i64.const 0)))
