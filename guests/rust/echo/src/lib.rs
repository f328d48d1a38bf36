//! The smallest guests: bytes back as they came, and a greeting.

use aingle_wasm_guest::prelude::*;

/// The input, unchanged.
#[unsafe(no_mangle)]
pub extern "C" fn echo(ptr: u32, len: u32) -> u64 {
    return_ok(try_result!(host_args(ptr, len)))
}

/// A greeting for the name that is the input.
#[aingle_export]
fn greet(name: &str) -> String {
    format!("Hello, {name}!")
}

/// The input's length in bytes, as text: much in, little out.
#[aingle_export]
fn length(input: &[u8]) -> String {
    input.len().to_string()
}

/// As many bytes as the input, a number, says: little in, much out.
#[aingle_export]
fn repeat(count: &str) -> Result<Output, core::num::ParseIntError> {
    let count = count.parse()?;
    let mut output = Output::with_capacity(count);
    output.extend(core::iter::repeat_n(b'x', count));
    Ok(output)
}
