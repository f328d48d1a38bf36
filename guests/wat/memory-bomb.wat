;; Grows its memory for ever, refused or not; `until_refused` stops there and says how many pages there are.
(module
  (memory (export "memory") 0)
  (func (export "forever") (loop $again (drop (memory.grow (i32.const 1))) (br $again)))
  (func (export "until_refused") (result i32)
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (memory.size))
  (func (export "by") (param i32) (result i32) (memory.grow (local.get 0))))
