//! Outcomes of what ran off the JavaScript thread, handed to `native/runtime.ts` in batches: numbers and small results in
//! shared buffers, everything else in one array.

use std::cell::RefCell;
use std::rc::Rc;

use aingle_wasm_host::{Receipt, Value};

use crate::convert;
use crate::error::Failure;
use crate::host_function::HostMessage;
use crate::js::{Js, Local};
use crate::receipt::{self, RECEIPT_WORDS};
use crate::region::{Region, Word};
use crate::runtime::Runtime;

/// Words before the receipt of an entry: number of the promise, kind, place and length of the bytes.
const HEAD_WORDS: usize = 4;
/// Words of one entry.
const ENTRY_WORDS: usize = HEAD_WORDS + RECEIPT_WORDS;
/// The receipt of an entry that has none.
const NO_RECEIPT: [Word; RECEIPT_WORDS] = [Word::Number(0.0); RECEIPT_WORDS];

/// What a promise is settled with.
pub(crate) type Outcome = Result<Delivery, Failure>;

/// What a promise resolves with.
pub(crate) enum Delivery {
    /// The output of a call, with its receipt and the milliseconds it waited.
    Call {
        bytes: Vec<u8>,
        receipt: Receipt,
        queue_ms: f64,
    },
    /// How a call failed, with its receipt.
    Failed {
        failure: Failure,
        receipt: Receipt,
        queue_ms: f64,
    },
    /// The results of an invocation.
    Values(Vec<Value>),
    /// A host call that a step shows.
    Step(HostMessage),
    /// A value that is made on the JavaScript thread.
    Made(Make),
}

type Make = Box<dyn FnOnce(Js, &Rc<Runtime>) -> Result<Local, Failure> + Send>;

/// How an entry is read; the numbers are those of `native/shared.ts`.
#[derive(Clone, Copy)]
enum Kind {
    /// Resolve with bytes of the shared buffer, and the receipt.
    Bytes = 0,
    /// Resolve with the element of the array as bytes, and the receipt.
    Output = 1,
    /// Resolve with the element of the array.
    Value = 2,
    /// Reject with the element of the array; calls of bytes have a receipt.
    Failure = 3,
    /// Resolve with the element of the array as a step.
    Step = 4,
}

/// The entries of one delivery.
pub(crate) struct Batch {
    words: Region,
    bytes: Region,
    open: RefCell<Open>,
}

/// The entries that are not handed over yet.
#[derive(Default)]
struct Open {
    count: u32,
    bytes_used: usize,
    values: Vec<(u32, Local)>,
}

/// One entry, ready to be written.
struct Entry {
    kind: Kind,
    length: usize,
    receipt: [Word; RECEIPT_WORDS],
    value: Option<Local>,
}

impl Batch {
    pub(crate) fn new(words: Region, bytes: Region) -> Self {
        Self {
            words,
            bytes,
            open: RefCell::default(),
        }
    }

    /// Whether no further entry fits.
    pub(crate) fn is_full(&self) -> bool {
        (self.open.borrow().count as usize + 1) * ENTRY_WORDS * size_of::<f64>()
            > self.words.length()
    }

    /// Adds an entry. To be called if not [`Batch::is_full`].
    pub(crate) fn add(
        &self,
        js: Js,
        runtime: &Rc<Runtime>,
        id: u32,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        let entry = match outcome {
            Ok(Delivery::Call {
                bytes,
                receipt,
                queue_ms,
            }) => self.output(js, &bytes, receipt::words(&receipt, queue_ms))?,
            Ok(Delivery::Failed {
                failure,
                receipt,
                queue_ms,
            }) => Entry {
                receipt: receipt::words(&receipt, queue_ms),
                ..Entry::settled(Kind::Failure, failure.take_value(js)?)
            },
            Ok(Delivery::Values(values)) => {
                Entry::settled(Kind::Value, Some(convert::array(js, &values)?))
            }
            Ok(Delivery::Step(message)) => {
                Entry::settled(Kind::Step, Some(step(js, runtime, message)?))
            }
            Ok(Delivery::Made(make)) => match make(js, runtime) {
                Ok(value) => Entry::settled(Kind::Value, Some(value)),
                Err(failure) => Entry::settled(Kind::Failure, failure.take_value(js)?),
            },
            Err(failure) => Entry::settled(Kind::Failure, failure.take_value(js)?),
        };
        self.write(id, &entry);
        Ok(())
    }

    /// Ends the batch: how many entries it has, and the array of the values that are not in the shared buffers.
    pub(crate) fn close(&self, js: Js) -> Result<Option<(u32, Local)>, Failure> {
        let Open { count, values, .. } = self.open.take();
        if count == 0 {
            return Ok(None);
        }
        let array = js.array(0)?;
        for (index, value) in values {
            js.set_element(array, index, value)?;
        }
        Ok(Some((count, array)))
    }

    /// The entry of an output, whose bytes are copied into the shared buffer if they fit.
    fn output(
        &self,
        js: Js,
        bytes: &[u8],
        receipt: [Word; RECEIPT_WORDS],
    ) -> Result<Entry, Failure> {
        if self.bytes.write(self.open.borrow().bytes_used, bytes) {
            Ok(Entry {
                kind: Kind::Bytes,
                length: bytes.len(),
                receipt,
                value: None,
            })
        } else {
            Ok(Entry {
                kind: Kind::Output,
                length: 0,
                receipt,
                value: Some(js.bytes(bytes)?),
            })
        }
    }

    fn write(&self, id: u32, entry: &Entry) {
        let mut open = self.open.borrow_mut();
        let first = open.count as usize * ENTRY_WORDS;
        let head = [
            id.into(),
            entry.kind as u8 as f64,
            open.bytes_used as f64,
            entry.length as f64,
        ];
        self.words.write_words(first, &head.map(Word::Number));
        self.words.write_words(first + HEAD_WORDS, &entry.receipt);
        let index = open.count;
        open.values.extend(entry.value.map(|value| (index, value)));
        open.bytes_used += entry.length;
        open.count += 1;
    }
}

/// A step as an array: the number of the host call, that of its function, the arguments.
fn step(js: Js, runtime: &Runtime, message: HostMessage) -> Result<Local, Failure> {
    let described = message.describe(js)?;
    let number = js.uint32(runtime.host_calls.borrow_mut().add(message))?;
    let array = js.array(described.len() + 1)?;
    js.set_element(array, 0, number)?;
    for (index, local) in (1..).zip(described) {
        js.set_element(array, index, local)?;
    }
    Ok(array)
}

impl Entry {
    const fn settled(kind: Kind, value: Option<Local>) -> Self {
        Self {
            kind,
            length: 0,
            receipt: NO_RECEIPT,
            value,
        }
    }
}
