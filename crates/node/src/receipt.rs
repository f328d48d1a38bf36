//! The numbers of a call as words of a shared buffer, in the order that `native.ts` reads them.

use aingle_wasm_host::Receipt;

use crate::region::Word;

/// Words of one receipt.
pub(crate) const RECEIPT_WORDS: usize = 9;

/// Fuel used, fuel limit, milliseconds in all, waited and in host functions, host calls, pages, bytes in, bytes out. Fuel
/// is exact, so that JavaScript reads it as a bigint; the others are numbers.
pub(crate) fn words(receipt: &Receipt, queue_ms: f64) -> [Word; RECEIPT_WORDS] {
    let milliseconds = |nanoseconds: u64| Word::Number(nanoseconds as f64 / 1e6);
    let number = |count: u64| Word::Number(count as f64);
    [
        Word::Exact(receipt.fuel_used),
        Word::Exact(receipt.fuel_limit),
        milliseconds(receipt.wall_ns),
        Word::Number(queue_ms),
        milliseconds(receipt.host_ns),
        number(receipt.host_calls),
        number(receipt.memory_pages.into()),
        number(receipt.bytes_in),
        number(receipt.bytes_out),
    ]
}
