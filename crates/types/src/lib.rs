//! Base types of aingle-wasm: what the guest kit, the codec, `prepare` and the hosts must agree on.
//!
//! No allocation, no dependency, no `std`: every part of the product can depend on this crate, on every target.
//! A number or a name that two parts share is written here once.
#![no_std]
#![forbid(unsafe_code)]

pub mod abi;
pub mod code;
pub mod flags;
pub mod header;
pub mod kind;
pub mod meter;
mod names;
pub mod packed;
pub mod trap;

pub use code::{ErrorCode, Phase};
pub use header::{HEADER_LEN, Header, HeaderError};
pub use kind::GuestErrorKind;
pub use packed::PackedResult;
pub use trap::TrapKind;

/// A string that names no member of the enumeration it was parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownName;

impl core::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("unknown name")
    }
}

impl core::error::Error for UnknownName {}
