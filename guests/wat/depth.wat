;; Recursion to a depth that is asked for; returns it.
(module
  (func $down (export "down") (param $depth i32) (result i32)
    (if (result i32) (i32.eqz (local.get $depth))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $down (i32.sub (local.get $depth) (i32.const 1)))))))

  ;; The same with a large frame.
  (func $heavy (export "heavy") (param $depth i32) (result i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64) (local $h i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local.set $a (i64.extend_i32_u (local.get $depth)))
    (local.set $b (i64.mul (local.get $a) (i64.const 3)))
    (local.set $c (i64.xor (local.get $b) (i64.const 5)))
    (local.set $d (i64.add (local.get $c) (local.get $a)))
    (if (result i64) (i32.eqz (local.get $depth))
      (then (i64.const 0))
      (else (i64.add (i64.const 1) (call $heavy (i32.sub (local.get $depth) (i32.const 1))))))))
