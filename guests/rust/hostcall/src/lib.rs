//! Exports that call the host.

use aingle_wasm_guest::prelude::*;

host_externs!(__my_host_fn);

/// What the host function makes of the input, in capitals.
#[no_mangle]
pub extern "C" fn my_function(ptr: u32, len: u32) -> u64 {
    let input = match host_args(ptr, len) {
        Ok(bytes) => bytes,
        Err(_) => return return_err(b"failed to decode input"),
    };
    return_ok(&try_result!(process(input)))
}

fn process(input: &[u8]) -> Result<Vec<u8>, GuestError<'static>> {
    Ok(call_host!(__my_host_fn, input)?.to_ascii_uppercase())
}

/// The host function's answer as it is.
#[aingle_export]
fn forward(input: &[u8]) -> Result<Vec<u8>, GuestError<'static>> {
    call_host!(__my_host_fn, input)
}

/// The host function applied as often as the input, a number, says, to that number as text.
#[aingle_export]
fn repeat(count: &str) -> Result<Vec<u8>, GuestError<'static>> {
    let times: u32 = count
        .parse()
        .map_err(|_| wasm_error!(GuestErrorKind::Validation, "not a count: {count:?}"))?;
    let mut answer = count.as_bytes().to_vec();
    for _ in 0..times {
        answer = call_host!(__my_host_fn, answer)?;
    }
    Ok(answer)
}

/// The error of the host function as text, or that there was none.
#[aingle_export]
fn catch(input: &[u8]) -> String {
    match call_host!(__my_host_fn, input) {
        Ok(_) => "no error".to_owned(),
        Err(error) => format!("{}: {}", error.kind, error.message),
    }
}

/// Calls the host function for ever.
#[aingle_export]
fn flood(input: &[u8]) {
    loop {
        let _ = call_host!(__my_host_fn, input);
    }
}

/// Calls the host function with a range outside of the memory.
#[no_mangle]
pub extern "C" fn wild_request(_ptr: u32, _len: u32) -> u64 {
    __my_host_fn(0xffff_fff0, 0x20)
}

/// Calls the host function with bytes that are no envelope.
#[no_mangle]
pub extern "C" fn damaged_request(ptr: u32, len: u32) -> u64 {
    __my_host_fn(ptr, len.min(5))
}
