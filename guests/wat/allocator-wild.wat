;; An envelope guest whose allocator gives memory that does not exist.
(module
  (memory (export "memory") 1)
  (func (export "__aingle_guest_allocate") (param i32) (result i32) (i32.const 0xfffffff0))
  (func (export "__aingle_guest_deallocate") (param i32 i32))
  (func (export "run") (param i32 i32) (result i64) (i64.const 0)))
