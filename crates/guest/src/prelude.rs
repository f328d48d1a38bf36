//! Everything a guest needs: `use aingle_wasm_guest::prelude::*;`.

pub use crate::{
    FromInput, GuestError, GuestErrorKind, IntoReply, Output, aingle_export, call_host, host_args,
    host_externs, return_err, return_error, return_ok, return_output, try_result, wasm_error,
};
