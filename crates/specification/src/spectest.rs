//! The module `spectest` that scripts import from, as tables: each target makes its own objects from them.

use crate::value::Value;

/// The module name.
pub const MODULE: &str = "spectest";

/// A type of number, the only ones that `spectest` uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
}

use NumberType::{F32, F64, I32, I64};

/// Names and parameters of the functions. They have no results and do nothing.
pub const FUNCTIONS: [(&str, &[NumberType]); 7] = [
    ("print", &[]),
    ("print_i32", &[I32]),
    ("print_i64", &[I64]),
    ("print_f32", &[F32]),
    ("print_f64", &[F64]),
    ("print_i32_f32", &[I32, F32]),
    ("print_f64_f64", &[F64, F64]),
];

/// Names and values of the globals. They are constant.
pub const GLOBALS: [(&str, Value); 4] = [
    ("global_i32", Value::I32(666)),
    ("global_i64", Value::I64(666)),
    ("global_f32", Value::F32(666.6f32.to_bits())),
    ("global_f64", Value::F64(666.6f64.to_bits())),
];

/// Name of the table of functions.
pub const TABLE: &str = "table";
/// Least and greatest number of its elements, all null.
pub const TABLE_ELEMENTS: (u32, u32) = (10, 20);

/// Name of the memory.
pub const MEMORY: &str = "memory";
/// Least and greatest number of its pages.
pub const MEMORY_PAGES: (u32, u32) = (1, 2);
