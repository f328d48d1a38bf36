;; Grows its table for ever, refused or not; `until_refused` stops there and says how many elements there are.
(module
  (table $bomb (export "table") 0 funcref)
  (func (export "forever")
    (loop $again (drop (table.grow $bomb (ref.null func) (i32.const 1000))) (br $again)))
  (func (export "until_refused") (result i32)
    (loop $again (br_if $again (i32.ne (table.grow $bomb (ref.null func) (i32.const 1000)) (i32.const -1))))
    (table.size $bomb))
  (func (export "by") (param i32) (result i32) (table.grow $bomb (ref.null func) (local.get 0))))
