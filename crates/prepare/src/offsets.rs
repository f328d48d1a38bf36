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

/// What `position` stands for among `stretches`, which are in the order in which they were written.
pub(crate) fn read_at(stretches: &[Stretch], position: u32) -> Option<u32> {
    let next = stretches.partition_point(|stretch| stretch.written <= position);
    let stretch = stretches[..next].last()?;
    Some(if stretch.copied {
        stretch.read + (position - stretch.written)
    } else {
        stretch.read
    })
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
    /// The author's functions, in order, each with the range of its prepared body.
    bodies: Vec<(Range<u32>, BodyOffsets)>,
}

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
        Ok(Self {
            bodies: ranges.zip(offsets).collect(),
        })
    }

    /// The offset in the author's module of the operator that the one at `offset` of the prepared module was made from,
    /// or was made for. `None` outside of the author's functions.
    #[must_use]
    pub fn original(&self, offset: u32) -> Option<u32> {
        let next = self
            .bodies
            .partition_point(|(range, _)| range.start <= offset);
        let (range, offsets) = self.bodies[..next].last()?;
        if offset >= range.end {
            return None;
        }
        let read = read_at(&offsets.written, offset - range.start)?;
        if offsets.unrolled.is_empty() {
            Some(read)
        } else {
            read_at(&offsets.unrolled, read)
        }
    }
}
