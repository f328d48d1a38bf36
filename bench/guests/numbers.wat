;; Calls of core values: one export, and a loop that calls the host.
(module
  (import "host" "next" (func $next (param i32) (result i32)))
  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))
  ;; Calls the host $times times, each with what it returned before.
  (func (export "repeat") (param $times i32) (result i32)
    (local $value i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $times)))
        (local.set $value (call $next (local.get $value)))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br $again)))
    (local.get $value)))
