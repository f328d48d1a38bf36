//! Calling the host: the same envelopes in the other direction.

use alloc::vec::Vec;

use aingle_wasm_codec::{ErrorPayload, GuestError, encoded_len, seal_in_place};
use aingle_wasm_types::{GuestErrorKind, HEADER_LEN, PackedResult, flags};

use crate::input::{open, unreadable};
use crate::{memory, system};

/// Calls `function`, declared by [`host_externs!`](crate::host_externs), with `payload` and returns what it answered.
///
/// The memory of request and answer is taken back before this returns, so that a guest may call the host as often as it
/// likes within one call of its own. [`call_host!`](crate::call_host!) is the short form.
///
/// # Errors
/// - [`GuestErrorKind::HostCall`], or the kind that the host gave, if the host function returned an error.
/// - [`GuestErrorKind::Serialization`] if the payload is too long for an envelope.
/// - [`GuestErrorKind::Deserialization`] if the answer is not a sound envelope in memory of ours.
pub fn call_host(
    function: extern "C" fn(u32, u32) -> u64,
    payload: &[u8],
) -> Result<Vec<u8>, GuestError<'static>> {
    exchange(function, payload, GuestErrorKind::HostCall)
}

/// Sends `payload` to the other side and reads its answer. An error without a kind of its own becomes one of `kind`.
pub(crate) fn exchange(
    function: extern "C" fn(u32, u32) -> u64,
    payload: &[u8],
    kind: GuestErrorKind,
) -> Result<Vec<u8>, GuestError<'static>> {
    let mark = memory::mark();
    let (address, len) = request(payload)?;
    let answer = read_answer(PackedResult::from_raw(function(address, len)), kind);
    memory::release(mark);
    answer
}

/// Address and length of the request's envelope.
fn request(payload: &[u8]) -> Result<(u32, u32), GuestError<'static>> {
    let too_large = |_| GuestError::new(GuestErrorKind::Serialization, "the request is too large");
    let mut envelope = Vec::with_capacity(encoded_len(payload.len()).map_err(too_large)?);
    envelope.extend_from_slice(&[0; HEADER_LEN]);
    envelope.extend_from_slice(payload);
    seal_in_place(&mut envelope, flags::EXPECTS_RESPONSE, system::checksum).map_err(too_large)?;
    let len = envelope.len() as u32;
    let address = memory::adopt(envelope)
        .ok_or_else(|| GuestError::new(GuestErrorKind::Memory, "no memory for the request"))?;
    Ok((address, len))
}

fn read_answer(packed: PackedResult, kind: GuestErrorKind) -> Result<Vec<u8>, GuestError<'static>> {
    if packed.len() == 0 {
        return match packed.is_error() {
            false => Ok(Vec::new()),
            true => Err(GuestError::new(kind, "failed without a message")),
        };
    }
    let bytes = memory::read(packed.ptr(), packed.len())
        .ok_or_else(|| unreadable("the answer lies outside of the memory allocated for it"))?;
    let (payload, flags) = open(bytes)?;
    if packed.is_error() || flags & flags::ERROR != 0 {
        return Err(sent_error(payload, kind));
    }
    Ok(payload.to_vec())
}

fn sent_error(payload: &[u8], kind: GuestErrorKind) -> GuestError<'static> {
    match ErrorPayload::decode(payload) {
        ErrorPayload::Text(text) => GuestError::new(kind, text.into_owned()),
        ErrorPayload::Structured(error) => GuestError::new(error.kind, error.message.into_owned())
            .at(error.file.into_owned(), error.line),
    }
}
