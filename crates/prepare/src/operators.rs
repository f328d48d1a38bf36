//! Reads operators from bytes: where each begins and ends, and the immediates the rewriting looks at.
//!
//! The decoder knows WebAssembly 2.0 and nothing else. It may be shown bytes that no validator has seen: it then ends
//! early, never panics, and leaves it to the validator to say what is wrong.

/// An operator's number: the opcode, or 0x100 + the sub-opcode after 0xfc, or 0x200 + the sub-opcode after 0xfd.
pub(crate) type Code = u16;

/// One more than the largest [`Code`].
pub(crate) const CODES: usize = 0x300;
/// First code of the operators after the prefix 0xfc.
pub(crate) const MISC: Code = 0x100;
/// First code of the vector operators.
pub(crate) const VECTOR: Code = 0x200;

/// Codes that the rewriting treats by themselves.
pub(crate) mod code {
    use super::{Code, MISC, VECTOR};

    pub(crate) const UNREACHABLE: Code = 0x00;
    pub(crate) const NOP: Code = 0x01;
    pub(crate) const BLOCK: Code = 0x02;
    pub(crate) const LOOP: Code = 0x03;
    pub(crate) const IF: Code = 0x04;
    pub(crate) const ELSE: Code = 0x05;
    pub(crate) const END: Code = 0x0b;
    pub(crate) const BR: Code = 0x0c;
    pub(crate) const BR_IF: Code = 0x0d;
    pub(crate) const BR_TABLE: Code = 0x0e;
    pub(crate) const RETURN: Code = 0x0f;
    pub(crate) const CALL: Code = 0x10;
    pub(crate) const CALL_INDIRECT: Code = 0x11;
    pub(crate) const SELECT: Code = 0x1b;
    pub(crate) const TYPED_SELECT: Code = 0x1c;
    pub(crate) const LOCAL_GET: Code = 0x20;
    pub(crate) const LOCAL_SET: Code = 0x21;
    pub(crate) const LOCAL_TEE: Code = 0x22;
    pub(crate) const GLOBAL_GET: Code = 0x23;
    pub(crate) const TABLE_SET: Code = 0x26;
    pub(crate) const MEMORY_GROW: Code = 0x40;
    pub(crate) const I32_CONST: Code = 0x41;
    pub(crate) const F32_CONST: Code = 0x43;
    pub(crate) const F64_CONST: Code = 0x44;
    pub(crate) const REF_FUNC: Code = 0xd2;
    pub(crate) const V128_CONST: Code = VECTOR + 12;
    pub(crate) const MEMORY_INIT: Code = MISC + 8;
    pub(crate) const MEMORY_COPY: Code = MISC + 10;
    pub(crate) const MEMORY_FILL: Code = MISC + 11;
    pub(crate) const TABLE_INIT: Code = MISC + 12;
    pub(crate) const TABLE_COPY: Code = MISC + 14;
    pub(crate) const TABLE_GROW: Code = MISC + 15;
    pub(crate) const TABLE_FILL: Code = MISC + 17;
}

/// Whether the operator converts a float to an integer and traps if it does not fit.
pub(crate) const fn is_trapping_conversion(code: Code) -> bool {
    matches!(code, 0xa8..=0xab | 0xae..=0xb1)
}

/// One operator. Offsets are into the bytes the decoder was made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    pub(crate) code: Code,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// First index, label or target count, where there is one.
    pub(crate) first: u32,
    /// Second index, where there is one.
    pub(crate) second: u32,
}

/// The type of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockType {
    /// `[] -> []`
    Empty,
    /// `[] -> [t]`, the type as its byte.
    Value(u8),
    /// The function type of this index.
    Function(u32),
}

/// How the immediates of an operator are laid out: so many LEB128 numbers, then so many bytes; or in a way of its own.
#[derive(Clone, Copy)]
struct Layout {
    numbers: u8,
    bytes: u8,
    special: Option<Special>,
}

/// Layouts of a way of their own.
#[derive(Clone, Copy)]
enum Special {
    /// A prefix, with the number of the operator behind it.
    Misc,
    Vector,
    /// A block type.
    Block,
    /// Labels, with their count before them and one more behind.
    Targets,
    /// Value types, with their count before them.
    Types,
    Unknown,
}

const fn plain(numbers: u8, bytes: u8) -> Layout {
    Layout {
        numbers,
        bytes,
        special: None,
    }
}

const fn special(special: Special) -> Layout {
    Layout {
        numbers: 0,
        bytes: 0,
        special: Some(special),
    }
}

const fn core_layout(opcode: u8) -> Layout {
    match opcode {
        0x00 | 0x01 | 0x05 | 0x0b | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => plain(0, 0),
        0x0c | 0x0d | 0x10 | 0x20..=0x26 | 0x3f..=0x42 | 0xd0 | 0xd2 => plain(1, 0),
        0x11 | 0x28..=0x3e => plain(2, 0),
        0x43 => plain(0, 4),
        0x44 => plain(0, 8),
        0x02..=0x04 => special(Special::Block),
        0x0e => special(Special::Targets),
        0x1c => special(Special::Types),
        0xfc => special(Special::Misc),
        0xfd => special(Special::Vector),
        _ => special(Special::Unknown),
    }
}

const fn misc_layout(opcode: u32) -> Layout {
    match opcode {
        0..=7 => plain(0, 0),
        8 | 10 | 12 | 14 => plain(2, 0),
        9 | 11 | 13 | 15..=17 => plain(1, 0),
        _ => special(Special::Unknown),
    }
}

const fn vector_layout(opcode: u32) -> Layout {
    match opcode {
        0..=11 | 92 | 93 => plain(2, 0),
        12 | 13 => plain(0, 16),
        21..=34 => plain(0, 1),
        84..=91 => plain(2, 1),
        14..=20 | 35..=83 | 94..=255 => plain(0, 0),
        _ => special(Special::Unknown),
    }
}

const CORE: [Layout; 256] = {
    let mut table = [plain(0, 0); 256];
    let mut opcode = 0;
    while opcode < 256 {
        table[opcode] = core_layout(opcode as u8);
        opcode += 1;
    }
    table
};

/// Walks the operators of `bytes` from `position` on.
#[derive(Clone)]
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    /// Offset of the next byte.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next operator, or `None` at the end and at bytes that are not WebAssembly 2.0.
    #[inline]
    pub(crate) fn operator(&mut self) -> Option<Operator> {
        let start = self.position;
        let opcode = self.byte()?;
        let layout = CORE[usize::from(opcode)];
        let (code, first, second) = match layout.special {
            None => {
                let (first, second) = self.immediates(layout)?;
                (Code::from(opcode), first, second)
            }
            Some(special) => self.special(Code::from(opcode), special)?,
        };
        Some(Operator {
            code,
            start,
            end: self.position,
            first,
            second,
        })
    }

    /// The block type of `operator`, a block, loop or if that this decoder's bytes hold.
    pub(crate) fn block_type(&self, operator: &Operator) -> BlockType {
        let byte = self.bytes[operator.start + 1];
        match byte {
            0x40 => BlockType::Empty,
            _ if byte & 0xc0 == 0x40 => BlockType::Value(byte),
            _ => BlockType::Function(operator.first),
        }
    }

    /// The labels of `operator`, a `br_table` that this decoder's bytes hold; the default label is the last.
    pub(crate) fn targets(&self, operator: &Operator) -> impl Iterator<Item = u32> + use<'a> {
        let mut decoder = Decoder::new(self.bytes, operator.start + 1);
        let count = decoder.u32().unwrap_or(0);
        (0..=count).map_while(move |_| decoder.u32())
    }

    /// A LEB128 number; of what does not fit in 32 bits, the low part.
    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        let byte = self.byte()?;
        if byte & 0x80 == 0 {
            Some(u32::from(byte))
        } else {
            self.long_u32(u32::from(byte & 0x7f))
        }
    }

    fn long_u32(&mut self, mut value: u32) -> Option<u32> {
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        while self.byte()? & 0x80 != 0 {}
        Some(value)
    }

    #[inline]
    fn immediates(&mut self, layout: Layout) -> Option<(u32, u32)> {
        let mut values = (0, 0);
        if layout.numbers > 0 {
            values.0 = self.u32()?;
        }
        if layout.numbers > 1 {
            values.1 = self.u32()?;
        }
        if layout.bytes > 0 {
            self.skip(usize::from(layout.bytes))?;
        }
        Some(values)
    }

    fn special(&mut self, code: Code, special: Special) -> Option<(Code, u32, u32)> {
        match special {
            Special::Misc => self.prefixed(MISC, misc_layout),
            Special::Vector => self.prefixed(VECTOR, vector_layout),
            Special::Block => Some((code, self.block()?, 0)),
            Special::Targets => {
                let count = self.u32()?;
                for _ in 0..=count {
                    self.u32()?;
                }
                Some((code, count, 0))
            }
            Special::Types => {
                let count = self.u32()?;
                self.skip(count as usize)?;
                Some((code, 0, 0))
            }
            Special::Unknown => None,
        }
    }

    fn prefixed(&mut self, base: Code, layout: impl Fn(u32) -> Layout) -> Option<(Code, u32, u32)> {
        let number = self.u32()?;
        let layout = layout(number);
        if layout.special.is_some() {
            return None;
        }
        let (first, second) = self.immediates(layout)?;
        Some((base + Code::try_from(number).ok()?, first, second))
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        let position = self
            .position
            .checked_add(count)
            .filter(|&end| end <= self.bytes.len())?;
        self.position = position;
        Some(())
    }

    fn block(&mut self) -> Option<u32> {
        if *self.bytes.get(self.position)? & 0xc0 == 0x40 {
            self.skip(1)?;
            return Some(0);
        }
        self.u32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(bytes: &[u8]) -> Vec<(Code, usize, usize)> {
        let mut decoder = Decoder::new(bytes, 0);
        std::iter::from_fn(|| decoder.operator())
            .map(|op| (op.code, op.start, op.end))
            .collect()
    }

    #[test]
    fn immediates_are_skipped_exactly() {
        let bytes = [
            0x41, 0xff, 0xff, 0x03, // i32.const
            0x28, 0x02, 0x80, 0x01, // i32.load
            0xfc, 0x0a, 0x00, 0x00, // memory.copy
            0xfd, 0x80, 0x01, // a vector operator with a two-byte number
            0x0e, 0x02, 0x00, 0x01, 0x02, // br_table
            0x1c, 0x01, 0x7f, // select with a type
            0x0b,
        ];
        assert_eq!(
            codes(&bytes),
            [
                (0x41, 0, 4),
                (0x28, 4, 8),
                (0x10a, 8, 12),
                (0x280, 12, 15),
                (0x0e, 15, 20),
                (0x1c, 20, 23),
                (0x0b, 23, 24)
            ]
        );
    }

    #[test]
    fn block_types_and_targets_are_read() {
        let bytes = [
            0x02, 0x40, 0x03, 0x7e, 0x04, 0x85, 0x01, 0x0e, 0x01, 0x07, 0x90, 0x01,
        ];
        let mut decoder = Decoder::new(&bytes, 0);
        let [block, looped, branch, table] = std::array::from_fn(|_| decoder.operator().unwrap());
        assert_eq!(decoder.block_type(&block), BlockType::Empty);
        assert_eq!(decoder.block_type(&looped), BlockType::Value(0x7e));
        assert_eq!(decoder.block_type(&branch), BlockType::Function(133));
        assert_eq!(decoder.targets(&table).collect::<Vec<_>>(), [7, 144]);
    }

    #[test]
    fn unknown_and_truncated_operators_end_the_walk() {
        for bytes in [
            &[0x06][..],
            &[0xfe, 0x00],
            &[0xfc, 0x12],
            &[0xfd, 0x80, 0x02],
            &[0x41, 0x80],
            &[0x44, 0],
            &[0x0e, 0x05],
        ] {
            assert!(codes(bytes).is_empty(), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut position = 0;
            for (_, start, end) in codes(&bytes) {
                prop_assert!(start == position && end > start && end <= bytes.len());
                position = end;
            }
        }
    }
}
