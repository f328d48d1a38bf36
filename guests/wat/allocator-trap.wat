;; An envelope guest whose allocator traps.
(module
  (memory (export "memory") 1)
  (func (export "__aingle_guest_allocate") (param i32) (result i32) (unreachable))
  (func (export "__aingle_guest_deallocate") (param i32 i32))
  (func (export "run") (param i32 i32) (result i64) (i64.const 0)))
