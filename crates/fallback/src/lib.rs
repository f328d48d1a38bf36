//! prepare and the codec compiled to wasm32 for the JavaScript fallback.
//!
//! JavaScript copies its arguments into memory from [`abi::allocate`], calls one of the three operations, reads the
//! [`Answer`] and gives everything back. A panic is a trap: JavaScript then drops the whole instance and takes another.

pub mod abi;
mod answer;
mod operations;

pub use answer::Answer;
