;; A start function that leaves a trace.
(module
  (memory (export "memory") 1)
  (global $started (mut i32) (i32.const 0))
  (func $start
    (global.set $started (i32.add (global.get $started) (i32.const 1)))
    (i32.store (i32.const 0) (i32.const 42)))
  (start $start)
  (func (export "started") (result i32) (global.get $started)))
