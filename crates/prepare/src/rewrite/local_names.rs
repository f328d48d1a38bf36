//! The name section of a prepared module: declared locals stand behind the parameters that are ours.

use wasm_encoder::Encode;

use super::Rewriting;
use super::sections::sized;
use crate::operators::Decoder;

/// Subsections: names of locals by function, and of labels, which count blocks of ours too and cannot be kept.
const LOCALS: u8 = 2;
const LABELS: u8 = 3;

impl Rewriting<'_> {
    /// Contents of a custom section for the copy, if they have to change. A name section that does not decode is kept.
    pub(super) fn local_names(&self, contents: &[u8]) -> Option<Vec<u8>> {
        let mut names = Names {
            decoder: Decoder::new(contents, 0),
            contents,
        };
        (names.bytes()? == b"name").then_some(())?;
        let mut out = contents[..names.decoder.position()].to_vec();
        while names.decoder.position() < contents.len() {
            let id = names.byte()?;
            let subsection = names.bytes()?;
            if id != LABELS {
                out.push(id);
                match id {
                    LOCALS => sized(&self.moved(subsection)?, &mut out),
                    _ => sized(subsection, &mut out),
                }
            }
        }
        Some(out)
    }

    /// The names of locals, by function.
    fn moved(&self, subsection: &[u8]) -> Option<Vec<u8>> {
        let mut names = Names {
            decoder: Decoder::new(subsection, 0),
            contents: subsection,
        };
        let mut out = Vec::with_capacity(subsection.len() + subsection.len() / 8);
        for _ in 0..names.number(&mut out)? {
            let function = names.number(&mut out)?;
            for _ in 0..names.number(&mut out)? {
                let local = names.decoder.u32()?;
                self.moved_local(function, local)?.encode(&mut out);
                sized(names.bytes()?, &mut out);
            }
        }
        (names.decoder.position() == subsection.len()).then_some(out)
    }

    fn moved_local(&self, function: u32, local: u32) -> Option<u32> {
        let outline = self.outline;
        let defined = outline.imported.functions..outline.functions.len() as u32;
        if defined.contains(&function) {
            let parameters = outline.function_type(function).params.len() as u32;
            if local >= parameters {
                return local.checked_add(self.depth(function).hidden());
            }
        }
        Some(local)
    }
}

/// A reader of names.
struct Names<'n> {
    decoder: Decoder<'n>,
    contents: &'n [u8],
}

impl<'n> Names<'n> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.decoder.u32()?;
        u8::try_from(byte).ok()
    }

    /// A number, which is copied.
    fn number(&mut self, out: &mut Vec<u8>) -> Option<u32> {
        let number = self.decoder.u32()?;
        number.encode(out);
        Some(number)
    }

    /// As many bytes as the number before them says.
    fn bytes(&mut self) -> Option<&'n [u8]> {
        let length = self.decoder.u32()? as usize;
        let begin = self.decoder.position();
        let bytes = self.contents.get(begin..begin.checked_add(length)?)?;
        self.decoder = Decoder::new(self.contents, begin + length);
        Some(bytes)
    }
}
