;; Numeric host functions of several types, and one without parameters or result.
(module
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "scale" (func $scale (param f64 f64) (result f64)))
  (import "env" "wide" (func $wide (param i64) (result i64)))
  (import "env" "divide" (func $divide (param i32 i32) (result i32 i32)))
  (import "env" "notify" (func $notify))

  (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "scale") (param f64 f64) (result f64) (call $scale (local.get 0) (local.get 1)))
  (func (export "wide") (param i64) (result i64) (call $wide (local.get 0)))
  (func (export "divide") (param i32 i32) (result i32 i32) (call $divide (local.get 0) (local.get 1)))
  (func (export "notify") (call $notify))
  ;; Adds 1 through the host, n times.
  (func (export "count") (param $n i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $sum) (local.get $n)))
        (local.set $sum (call $add (local.get $sum) (i32.const 1)))
        (br $next)))
    (local.get $sum))
  (func (export "flood") (loop $forever (call $notify) (br $forever))))
