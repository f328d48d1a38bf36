//! Modules with small changes: bytes, and whole operators put in, taken out or exchanged.

use std::ops::Range;

use aingle_wasm_specification::Random;
use wasm_encoder::{CodeSection, RawSection};
use wasmparser::{Parser, Payload};

/// Modules beyond this many replace others.
const MODULES: usize = 4_096;
/// Bytes of a module that is kept.
const BYTES: usize = 4_096;

/// Modules to begin with, and those made of them that were accepted, so that changes add up.
pub(crate) struct Pool {
    modules: Vec<Vec<u8>>,
}

impl Pool {
    pub(crate) fn new(modules: Vec<Vec<u8>>) -> Self {
        Self { modules }
    }

    /// A module of the pool with up to three changes.
    pub(crate) fn mutant(&self, random: &mut Random) -> Vec<u8> {
        let mut wasm = self.any(random).clone();
        for _ in 0..=random.below(3) {
            let spliced = if random.below(4) > 0 {
                splice(&wasm, self.any(random), random)
            } else {
                None
            };
            match spliced {
                Some(spliced) => wasm = spliced,
                None => change_byte(&mut wasm, random),
            }
        }
        wasm
    }

    /// Keeps a module that was accepted.
    pub(crate) fn keep(&mut self, wasm: Vec<u8>, random: &mut Random) {
        if wasm.len() > BYTES {
            return;
        }
        if self.modules.len() < MODULES {
            self.modules.push(wasm);
        } else {
            let place = random.below(self.modules.len());
            self.modules[place] = wasm;
        }
    }

    fn any(&self, random: &mut Random) -> &Vec<u8> {
        &self.modules[random.below(self.modules.len())]
    }
}

/// Changes, doubles or removes a byte behind the magic and version, without which there is nothing to see.
pub(crate) fn change_byte(wasm: &mut Vec<u8>, random: &mut Random) {
    if wasm.len() <= 8 {
        return;
    }
    let place = 8 + random.below(wasm.len() - 8);
    match random.below(16) {
        0 => wasm.insert(place, wasm[place]),
        1 => drop(wasm.remove(place)),
        2..=5 => wasm[place] = random.number() as u8,
        6..=9 => wasm[place] = wasm[place].wrapping_add(1),
        _ => wasm[place] ^= 1 << random.below(8),
    }
}

/// Takes up to four operators out of a function, or puts some of another module in, or both.
fn splice(wasm: &[u8], donor: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let (bodies, gifts) = (bodies(wasm)?, bodies(donor)?);
    if bodies.is_empty() || gifts.is_empty() {
        return None;
    }
    let target = random.below(bodies.len());
    let gift = operators(donor, &gifts[random.below(gifts.len())], random)?;
    let place = operators(wasm, &bodies[target], random)?;
    let (place, gift) = match random.below(3) {
        0 => (place.start..place.start, gift),
        1 => (place, 0..0),
        _ => (place, gift),
    };
    let mut code = CodeSection::new();
    for (position, body) in bodies.iter().enumerate() {
        if position == target {
            let parts = [
                &wasm[body.start..place.start],
                &donor[gift.clone()],
                &wasm[place.end..body.end],
            ];
            code.raw(&parts.concat());
        } else {
            code.raw(&wasm[body.clone()]);
        }
    }
    let mut module = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        match payload.as_section() {
            Some((10, _)) => {
                module.section(&code);
            }
            Some((id, range)) => {
                let data = &wasm[range.start as usize..range.end as usize];
                module.section(&RawSection { id, data });
            }
            None => {}
        }
    }
    Some(module.finish())
}

/// The bodies of a module's functions.
fn bodies(wasm: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload.ok()? {
            bodies.push(body.range().start as usize..body.range().end as usize);
        }
    }
    Some(bodies)
}

/// Up to four operators of a body, its last `end` excepted.
fn operators(wasm: &[u8], body: &Range<usize>, random: &mut Random) -> Option<Range<usize>> {
    let reader = wasmparser::BinaryReader::new(&wasm[body.clone()], body.start as u64);
    let body = wasmparser::FunctionBody::new(reader);
    let mut starts = Vec::new();
    for operator in body.get_operators_reader().ok()?.into_iter_with_offsets() {
        starts.push(operator.ok()?.1 as usize);
    }
    let first = random.below(starts.len().max(1));
    let last = (first + 1 + random.below(4)).min(starts.len().checked_sub(1)?);
    Some(starts[first]..starts[last.max(first)])
}
