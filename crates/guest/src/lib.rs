//! The guest kit of aingle-wasm: bytes in, bytes out, from inside WebAssembly.
//!
//! Put [`aingle_export`] on a plain function, and nobody writes a pointer:
//!
//! ```
//! use aingle_wasm_guest::prelude::*;
//!
//! #[aingle_export]
//! fn shout(input: &str) -> Result<String, GuestError<'static>> {
//!     if input.is_empty() {
//!         return Err(wasm_error!(GuestErrorKind::Validation, "nothing to shout"));
//!     }
//!     Ok(input.to_uppercase())
//! }
//! # assert_eq!(shout("hi").unwrap(), "HI");
//! ```
//!
//! Or write the convention by hand, `(ptr: u32, len: u32) -> u64` over envelopes:
//!
//! ```edition2021
//! use aingle_wasm_guest::prelude::*;
//! host_externs!(__my_host_fn);
//! #[no_mangle]
//! pub extern "C" fn my_function(ptr: u32, len: u32) -> u64 {
//!     let input = match host_args(ptr, len) { Ok(bytes) => bytes, Err(_) => return return_err(b"failed to decode input") };
//!     return_ok(&process(input))
//! }
//! # fn process(input: &[u8]) -> Vec<u8> { input.to_vec() }
//! ```
//!
//! The kit exports what the host looks for: an allocator over an arena that is emptied after each call, and a buffer for
//! small inputs. A panic reaches the caller with its message, file and line. There is no limit on the size of a message
//! besides the memory itself. On other targets than wasm32 everything compiles and runs against a memory of its own, so
//! that guests can be tested natively; see [`native`].
#![cfg_attr(all(target_arch = "wasm32", not(feature = "std")), no_std)]

extern crate alloc;

#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
compile_error!(
    "the guest kit keeps its arena without locks: build without the `atomics` target feature"
);

mod arena;
#[cfg(target_arch = "wasm32")]
mod exports;
mod host_call;
mod input;
#[cfg(feature = "serde")]
mod json;
mod macros;
mod memory;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod output;
mod panic;
pub mod prelude;
mod system;

pub use aingle_wasm_codec::{Decoder, Encoder, EndOfInput, GuestError};
pub use aingle_wasm_guest_macros::aingle_export;
pub use aingle_wasm_types::GuestErrorKind;
pub use host_call::call_host;
pub use input::{FromInput, host_args};
pub use output::{IntoReply, Output, return_err, return_error, return_ok, return_output};
#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
pub use panic::report_panic;

/// What the macros' output calls. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "serde")]
    pub use crate::json::{json_input, json_reply};
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::native::missing_host_function;
    pub use alloc::format;
}
