;; One export for each way in which an operator traps, named after the kind of trap.
(module
  (type $nullary (func))
  (type $other (func (param i64)))
  (memory 1 1)
  (table $functions 4 4 funcref)
  (elem (table $functions) (i32.const 0) func $leaf)
  (elem $passive func $leaf)
  (data $bytes "abcd")
  (func $leaf)

  (func (export "unreachable") (unreachable))

  (func (export "memory_out_of_bounds.load") (drop (i32.load (i32.const 65533))))
  (func (export "memory_out_of_bounds.store") (i64.store (i32.const -1) (i64.const 1)))
  (func (export "memory_out_of_bounds.offset") (drop (i32.load offset=4294967295 (i32.const -1))))
  (func (export "memory_out_of_bounds.fill") (memory.fill (i32.const 65530) (i32.const 1) (i32.const 7)))
  (func (export "memory_out_of_bounds.copy") (memory.copy (i32.const 0) (i32.const 65530) (i32.const 7)))
  (func (export "memory_out_of_bounds.init") (memory.init $bytes (i32.const 0) (i32.const 1) (i32.const 4)))
  (func (export "memory_out_of_bounds.vector") (drop (v128.load (i32.const 65521))))

  (func (export "table_out_of_bounds.get") (drop (table.get $functions (i32.const 4))))
  (func (export "table_out_of_bounds.set") (table.set $functions (i32.const -1) (ref.null func)))
  (func (export "table_out_of_bounds.fill") (table.fill $functions (i32.const 2) (ref.null func) (i32.const 3)))
  (func (export "table_out_of_bounds.copy") (table.copy $functions $functions (i32.const 2) (i32.const 0) (i32.const 3)))
  (func (export "table_out_of_bounds.init") (table.init $functions $passive (i32.const 0) (i32.const 0) (i32.const 2)))
  (func (export "table_out_of_bounds.call") (call_indirect $functions (type $nullary) (i32.const 4)))

  (func (export "integer_divide_by_zero.i32") (drop (i32.div_s (i32.const 1) (i32.const 0))))
  (func (export "integer_divide_by_zero.i32_u") (drop (i32.rem_u (i32.const 1) (i32.const 0))))
  (func (export "integer_divide_by_zero.i64") (drop (i64.rem_s (i64.const 1) (i64.const 0))))
  (func (export "integer_overflow.i32") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
  (func (export "integer_overflow.i64") (drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1))))

  (func (export "float_to_integer.nan") (drop (i32.trunc_f64_s (f64.const nan))))
  (func (export "float_to_integer.range") (drop (i32.trunc_f32_u (f32.const 4294967296))))
  (func (export "float_to_integer.infinite") (drop (i64.trunc_f64_s (f64.const inf))))

  (func (export "indirect_call_mismatch.null") (call_indirect $functions (type $nullary) (i32.const 1)))
  (func (export "indirect_call_mismatch.type") (call_indirect $functions (type $other) (i64.const 0) (i32.const 0))))
