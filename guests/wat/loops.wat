;; Work without end in twelve shapes. The loops in an allocator and in a start function are files of their own.
(module
  (type $nullary (func))
  (memory (export "memory") 1 1)
  (table $functions 2 2 funcref)
  (elem (table $functions) (i32.const 0) func $indirect $pong)

  (func (export "empty") (loop $again (br $again)))
  (func (export "br") (local $n i32)
    (loop $again (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $again)))
  (func (export "br_if") (loop $again (br_if $again (i32.const 1))))
  (func (export "br_table") (local $n i32)
    (loop $outer
      (loop $inner
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_table $inner $outer $inner (i32.and (local.get $n) (i32.const 3))))))
  (func (export "nested") (local $n i32)
    (loop $a (loop $b (loop $c (loop $d
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $d (i32.and (local.get $n) (i32.const 1)))
      (br_if $c (i32.and (local.get $n) (i32.const 2)))
      (br_if $b (i32.and (local.get $n) (i32.const 4)))
      (br $a))))))
  (func (export "sequential") (local $n i32)
    (loop $forever
      (loop $first
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $first (i32.and (local.get $n) (i32.const 7))))
      (loop $second
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $second (i32.and (local.get $n) (i32.const 7))))
      (br $forever)))
  (func (export "operands") (param $n i32) (result i32)
    (i32.const 1)
    (loop $again (param i32) (result i32)
      (i32.add (local.get $n))
      (br $again)))
  (func (export "fill") (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $again)))
  (func (export "call") (loop $again (call $leaf) (br $again)))
  (func $leaf)

  ;; These end with whichever comes first, fuel or call depth.
  (func $self (export "self") (call $self))
  (func $ping (export "mutual") (call $pong))
  (func $pong (call $ping))
  (func $indirect (export "indirect") (call_indirect $functions (type $nullary) (i32.const 0))))
