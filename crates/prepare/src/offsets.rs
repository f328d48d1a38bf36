//! From places in a prepared module back to the author's, for traces.

use std::ops::Range;

use wasmparser::{Parser, Payload};

use crate::{PrepareConfig, PrepareError, costs, rewrite, validate};

/// A stretch of bytes written anew, up to where the next begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Where it begins in what was written.
    pub(crate) written: u32,
    /// Where what it stands for begins in what was read.
    pub(crate) read: u32,
    /// Whether it is a copy, byte by byte; otherwise all of it stands for one place.
    pub(crate) copied: bool,
}

impl Stretch {
    fn of_nothing(written: u32) -> Self {
        Self {
            written,
            read: NOTHING,
            copied: false,
        }
    }

    /// What `position`, which is in it, stands for.
    fn at(&self, position: u32) -> u32 {
        if self.copied {
            self.read + (position - self.written)
        } else {
            self.read
        }
    }
}

/// The stretches of one function body.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyOffsets {
    /// From the prepared body, counted from its begin, to what it was written from.
    pub(crate) written: Vec<Stretch>,
    /// From the body with its loops unrolled to the author's module. Empty if there were none.
    pub(crate) unrolled: Vec<Stretch>,
}

/// Where the code of a prepared module stands in its author's. Function indices need no map, as they are the same.
///
/// It is made only when it is wanted, from what [`prepare`](crate::prepare) was given, and takes as long.
///
/// # Example
///
/// ```
/// use aingle_wasm_prepare::{OffsetMap, PrepareConfig, prepare};
///
/// let wasm = wat::parse_str(r#"(module (memory 1) (func (param i32) local.get 0 i32.load drop))"#)?;
/// let config = PrepareConfig::default();
/// let prepared = prepare(&wasm, &config)?.bytes;
/// let load = |bytes: &[u8]| bytes.windows(3).position(|bytes| bytes == [0x28, 2, 0]).unwrap() as u32;
/// let map = OffsetMap::new(&wasm, &config)?;
/// assert_eq!(map.original(load(&prepared)), Some(load(&wasm)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OffsetMap {
    /// Of the whole prepared module: `written` counts from its begin, `read` from that of the author's.
    stretches: Vec<Stretch>,
}

/// What bytes stand for that were not made from a function of the author's.
const NOTHING: u32 = u32::MAX;
/// In a word of [`OffsetMap::words`]: the stretch is a copy.
const COPIED: u32 = 1 << 31;

impl OffsetMap {
    /// The map of what `prepare` makes of the same module with the same configuration.
    ///
    /// # Errors
    /// - Those of [`prepare`](crate::prepare).
    pub fn new(wasm: &[u8], config: &PrepareConfig) -> Result<Self, PrepareError> {
        let weights = costs::Weights::new(&config.costs);
        let outline = validate::validate(wasm, config, &weights)?;
        let mut offsets = Vec::new();
        let prepared = rewrite::rewrite(&outline, config, &weights, Some(&mut offsets))
            .map_err(|error| PrepareError::invalid(error.offset(), error.message()))?;
        let bodies = Parser::new(0).parse_all(&prepared.bytes).flatten();
        let ranges = bodies.filter_map(|payload| match payload {
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                Some(range.start as u32..range.end as u32)
            }
            _ => None,
        });
        let mut map = Self {
            stretches: Vec::new(),
        };
        for (range, body) in ranges.zip(offsets) {
            map.add(&range, &body);
        }
        map.stretches.shrink_to_fit();
        Ok(map)
    }

    /// The offset in the author's module of the operator that the one at `offset` of the prepared module was made from,
    /// or was made for. `None` outside of the author's functions.
    #[must_use]
    pub fn original(&self, offset: u32) -> Option<u32> {
        let next = self
            .stretches
            .partition_point(|stretch| stretch.written <= offset);
        let stretch = self.stretches[..next].last()?;
        (stretch.read != NOTHING).then(|| stretch.at(offset))
    }

    /// The map for those who look offsets up by themselves: two words a stretch of the prepared module, in order. The
    /// first is the offset where the stretch begins. The lower 31 bits of the second are the author's offset that it
    /// stands for, all ones if there is none; with the highest bit the stretch is a copy, so that offsets count on.
    pub fn words(&self) -> impl Iterator<Item = u32> + '_ {
        self.stretches.iter().flat_map(|stretch| {
            let read = stretch.read & !COPIED;
            let copied = if stretch.copied { COPIED } else { 0 };
            [stretch.written, read | copied]
        })
    }

    /// Adds a function whose prepared body is at `range`.
    fn add(&mut self, range: &Range<u32>, body: &BodyOffsets) {
        let ends = body.written.iter().skip(1).map(|next| next.written);
        let ends = ends.chain([range.end - range.start]);
        for (stretch, end) in body.written.iter().zip(ends) {
            let written = range.start + stretch.written;
            let len = end - stretch.written;
            if body.unrolled.is_empty() {
                self.push(
                    len,
                    Stretch {
                        written,
                        ..*stretch
                    },
                );
            } else {
                self.add_unrolled(
                    &body.unrolled,
                    len,
                    Stretch {
                        written,
                        ..*stretch
                    },
                );
            }
        }
        self.push(1, Stretch::of_nothing(range.end));
    }

    /// Adds a stretch that was read from a body with its loops unrolled.
    fn add_unrolled(&mut self, unrolled: &[Stretch], len: u32, stretch: Stretch) {
        let read = if stretch.copied { len } else { len.min(1) };
        let (begin, end) = (stretch.read, stretch.read + read);
        let first = unrolled.partition_point(|source| source.written <= begin);
        let inside = unrolled[first..]
            .iter()
            .take_while(|source| source.written < end);
        let sources = unrolled[..first].last().into_iter().chain(inside);
        for source in sources {
            let from = source.written.max(begin);
            let piece = Stretch {
                written: stretch.written + (from - begin),
                read: source.at(from),
                copied: stretch.copied && source.copied,
            };
            self.push(len, piece);
        }
    }

    /// Adds a stretch of `len` bytes behind the others, unless it goes on as the last one does.
    fn push(&mut self, len: u32, stretch: Stretch) {
        let goes_on = self.stretches.last().is_some_and(|last| {
            last.copied == stretch.copied
                && last.read != NOTHING
                && last.at(stretch.written) == stretch.read
        });
        if len > 0 && !goes_on {
            self.stretches.push(stretch);
        }
    }
}
