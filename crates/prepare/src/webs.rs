//! Splits the locals of a body that hold floats or vectors into *webs*: writes and reads that belong together. Compilers
//! use a local again for values that have nothing to do with each other; what is known of one then says nothing of the
//! other.
//!
//! Each write is a node, and so is each place where two of them meet. Where a meeting is read, directly or through
//! others, everything that meets there is one web.

use crate::FunctionType;
use crate::ValueType;
use crate::operators::{Code, Decoder, Operator, code};
use crate::reach::Reach;
use crate::survey::Body;

/// Copies of a local's node for each byte of a body. One that asks for more has all of a local in one web: a module must
/// not make this costly, each copy takes up to 20 bytes. Programs that we know of ask for 0.7 at most.
const COPIES_PER_BYTE: usize = 4;

/// An open block.
struct Frame {
    opener: Code,
    /// Of a loop: the first of the nodes at its head, one for each slot.
    head: u32,
    /// Where in [`Webs::saved`] its nodes are: those that meet at its end, then those that its `else` begins with.
    saved: usize,
    /// Whether anything has come to its end yet.
    joined: bool,
}

/// Kept between functions for its buffers.
#[derive(Default)]
pub(crate) struct Webs {
    /// For each local its slot, if it can hold a float.
    slots: Vec<Option<u32>>,
    /// Slots of parameters.
    parameters: u32,
    width: usize,
    /// For each access that can be reached the node, and in the end its web; empty if locals are not split.
    accesses: Vec<u32>,
    /// Nodes that are read.
    reads: Vec<u32>,
    /// For each node another one of its web, or itself.
    parents: Vec<u32>,
    /// Nodes at which others meet, with one of those.
    meetings: Vec<(u32, u32)>,
    /// The node of each slot at the place that is looked at.
    current: Vec<u32>,
    saved: Vec<u32>,
    frames: Vec<Frame>,
    copies: usize,
}

impl Webs {
    /// Splits the locals of `body`, the body of a function of type `ty`.
    pub(crate) fn find(&mut self, wasm: &[u8], body: &Body, ty: &FunctionType) {
        self.assign_slots(&wasm[body.range.start..body.code], ty);
        for buffer in [&mut self.accesses, &mut self.reads, &mut self.saved] {
            buffer.clear();
        }
        for buffer in [&mut self.parents, &mut self.current] {
            buffer.clear();
            buffer.extend(0..self.width as u32);
        }
        self.meetings.clear();
        self.frames.clear();
        self.copies = 0;
        if self.width > 0 && self.walk(Decoder::new(&wasm[..body.range.end], body.code), body) {
            self.join();
        } else {
            self.accesses.clear();
            self.parents.truncate(self.width);
        }
    }

    /// A number above those of all webs.
    pub(crate) fn count(&self) -> usize {
        self.parents.len()
    }

    /// The webs that hold parameters.
    pub(crate) fn of_parameters(&mut self) -> impl Iterator<Item = usize> {
        (0..self.parameters).map(|slot| self.web(slot) as usize)
    }

    /// The web of an access to the local, by how many there were before it that can be reached and may be to floats; `None`
    /// if this is not one of those.
    pub(crate) fn access(&self, number: usize, local: u32) -> Option<usize> {
        let slot = self.slots[local as usize]?;
        Some(self.accesses.get(number).copied().unwrap_or(slot) as usize)
    }

    fn assign_slots(&mut self, declarations: &[u8], ty: &FunctionType) {
        self.slots.clear();
        let mut next = 0;
        let mut slot = |float: bool| {
            next += u32::from(float);
            float.then(|| next - 1)
        };
        let floats =
            |ty: &ValueType| matches!(ty, ValueType::F32 | ValueType::F64 | ValueType::V128);
        self.slots
            .extend(ty.params.iter().map(|ty| slot(floats(ty))));
        self.parameters = self.slots.iter().flatten().count() as u32;
        let mut decoder = Decoder::new(declarations, 0);
        for _ in 0..decoder.u32().unwrap_or(0) {
            let count = decoder.u32().unwrap_or(0);
            // The types' bytes are numbers of one byte.
            let float = matches!(decoder.u32(), Some(0x7b..=0x7d));
            self.slots.extend((0..count).map(|_| slot(float)));
        }
        self.width = next as usize;
    }

    /// Follows all operators; whether it was worth it.
    fn walk(&mut self, mut decoder: Decoder<'_>, body: &Body) -> bool {
        let most = COPIES_PER_BYTE * body.range.len();
        let mut reach = Reach::default();
        self.open(code::BLOCK);
        while let Some(operator) = decoder.operator() {
            if let Some(dead) = reach.pass(operator.code) {
                self.operator(&decoder, &operator, dead);
            }
            if self.copies > most {
                return false;
            }
        }
        true
    }

    fn operator(&mut self, decoder: &Decoder<'_>, operator: &Operator, dead: bool) {
        match operator.code {
            code::BLOCK | code::LOOP | code::IF => self.open(operator.code),
            code::ELSE => self.other_side(dead),
            code::END => self.close(dead),
            code::BR | code::BR_IF => self.branch(operator.first),
            code::BR_TABLE => {
                for label in decoder.targets(operator) {
                    self.branch(label);
                }
            }
            code::LOCAL_GET => {
                if let Some(slot) = self.slots[operator.first as usize] {
                    let node = self.current[slot as usize];
                    self.accesses.push(node);
                    self.reads.push(node);
                }
            }
            code::LOCAL_SET | code::LOCAL_TEE => {
                if let Some(slot) = self.slots[operator.first as usize] {
                    let node = self.node();
                    self.current[slot as usize] = node;
                    self.accesses.push(node);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, opener: Code) {
        self.copies += self.width;
        let (head, saved) = (self.parents.len() as u32, self.saved.len());
        match opener {
            code::LOOP => {
                for slot in 0..self.width {
                    let node = self.node();
                    self.meetings.push((node, self.current[slot]));
                    self.current[slot] = node;
                }
            }
            code::IF => {
                self.saved.resize(saved + self.width, 0);
                self.saved.extend_from_slice(&self.current);
            }
            _ => self.saved.resize(saved + self.width, 0),
        }
        self.frames.push(Frame {
            opener,
            head,
            saved,
            joined: false,
        });
    }

    /// A branch from here to the label.
    fn branch(&mut self, label: u32) {
        self.copies += self.width;
        let position = self.frames.len() - 1 - label as usize;
        let frame = &self.frames[position];
        // Nothing is read behind the function's end.
        if position == 0 {
            return;
        }
        if frame.opener == code::LOOP {
            let heads = frame.head..;
            self.meetings
                .extend(heads.zip(self.current.iter().copied()));
        } else {
            self.meet(position);
        }
    }

    /// What is here meets what has come to the end of the frame before.
    fn meet(&mut self, position: usize) {
        let Frame { saved, joined, .. } = self.frames[position];
        self.frames[position].joined = true;
        for slot in 0..self.width {
            let (before, here) = (self.saved[saved + slot], self.current[slot]);
            self.saved[saved + slot] = if !joined || before == here {
                here
            } else {
                let node = self.node();
                self.meetings.extend([(node, before), (node, here)]);
                node
            };
        }
    }

    fn other_side(&mut self, dead: bool) {
        let position = self.frames.len() - 1;
        if !dead {
            self.copies += self.width;
            self.meet(position);
        }
        let before = self.frames[position].saved + self.width;
        self.frames[position].opener = code::ELSE;
        self.current
            .copy_from_slice(&self.saved[before..before + self.width]);
    }

    fn close(&mut self, dead: bool) {
        let position = self.frames.len() - 1;
        let opener = self.frames[position].opener;
        if opener != code::LOOP {
            self.copies += self.width;
            if !dead {
                self.meet(position);
            }
            if opener == code::IF {
                self.other_side(true);
                self.meet(position);
            }
        }
        let Some(Frame { saved, joined, .. }) = self.frames.pop() else {
            return;
        };
        if joined {
            self.current
                .copy_from_slice(&self.saved[saved..saved + self.width]);
        }
        self.saved.truncate(saved);
    }

    fn node(&mut self) -> u32 {
        let node = self.parents.len() as u32;
        self.parents.push(node);
        node
    }

    /// Joins what meets where it is read, and puts webs in the place of nodes.
    fn join(&mut self) {
        self.meetings.sort_unstable();
        let mut seen = vec![false; self.parents.len()];
        while let Some(node) = self.reads.pop() {
            if std::mem::replace(&mut seen[node as usize], true) {
                continue;
            }
            let first = self.meetings.partition_point(|(at, _)| *at < node);
            let mut position = first;
            while let Some(&(at, from)) = self.meetings.get(position)
                && at == node
            {
                self.reads.push(from);
                let (web, other) = (self.web(node), self.web(from));
                self.parents[other as usize] = web;
                position += 1;
            }
        }
        for position in 0..self.accesses.len() {
            self.accesses[position] = self.web(self.accesses[position]);
        }
    }

    /// The node that stands for the node's web. Halves the path it walks.
    fn web(&mut self, mut node: u32) -> u32 {
        loop {
            let parent = self.parents[node as usize];
            if parent == node {
                return node;
            }
            let above = self.parents[parent as usize];
            self.parents[node as usize] = above;
            node = above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::accepted;

    /// The webs of the first function of a module.
    fn found(wasm: &[u8]) -> Webs {
        let outline = accepted(wasm);
        let mut webs = Webs::default();
        webs.find(wasm, &outline.survey.bodies[0], outline.function_type(0));
        webs
    }

    /// The webs of the accesses to local 1, an `f64`, of a function with this body; numbered as they appear.
    fn webs(body: &str) -> Vec<usize> {
        let wasm = wat::parse_str(format!(
            "(module (func (param i32) (result f64) (local f64) {body}))"
        ))
        .unwrap();
        let webs = found(&wasm);
        let mut known = Vec::new();
        (0..webs.accesses.len())
            .map(|number| {
                let web = webs.access(number, 1).unwrap();
                known
                    .iter()
                    .position(|other| *other == web)
                    .unwrap_or_else(|| {
                        known.push(web);
                        known.len() - 1
                    })
            })
            .collect()
    }

    const SET: &str = "f64.const 1 local.set 1";
    const GET: &str = "local.get 1 drop";

    fn of(body: &str) -> Vec<usize> {
        webs(&format!(
            "{} f64.const 0",
            body.replace("SET", SET).replace("GET", GET)
        ))
    }

    #[test]
    fn a_write_begins_a_web() {
        assert_eq!(of("GET SET GET SET SET GET"), [0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn what_meets_and_is_read_is_one_web() {
        assert_eq!(of("SET local.get 0 if SET end GET"), [0, 0, 0]);
        assert_eq!(of("local.get 0 if SET else SET end GET GET"), [0, 0, 0, 0]);
        assert_eq!(
            of("SET local.get 0 if SET GET end SET GET"),
            [0, 1, 1, 2, 2]
        );
        assert_eq!(
            of("SET block local.get 0 br_if 0 SET local.get 0 br_if 0 SET end GET"),
            [0, 0, 0, 0]
        );
        assert_eq!(
            of("block block SET local.get 0 br_table 0 1 end SET end GET"),
            [0, 0, 0]
        );
    }

    #[test]
    fn a_loop_meets_itself_where_its_head_is_read() {
        assert_eq!(
            of("SET loop GET SET local.get 0 br_if 0 end GET"),
            [0, 0, 0, 0]
        );
        assert_eq!(
            of("SET GET loop SET GET local.get 0 br_if 0 end GET"),
            [0, 0, 1, 1, 1]
        );
        assert_eq!(
            of("SET GET loop SET loop GET SET local.get 0 br_if 0 end local.get 0 br_if 0 end"),
            [0, 0, 1, 1, 1]
        );
    }

    #[test]
    fn code_that_cannot_be_reached_has_no_accesses() {
        assert_eq!(of("block SET br 0 GET block GET end end GET"), [0, 0]);
        assert_eq!(
            of("SET local.get 0 if SET unreachable else SET end GET"),
            [0, 1, 2, 2]
        );
    }

    #[test]
    fn a_body_that_would_be_costly_has_one_web_for_each_local() {
        let wasm = wat::parse_str(format!(
            "(module (func (result f64) (local {}) {} local.get 0 f64.const 1 local.set 0 local.get 0 f64.add))",
            "f64 ".repeat(5_000),
            "block end ".repeat(1_000)
        ))
        .unwrap();
        let webs = found(&wasm);
        assert_eq!(webs.count(), 5_000);
        assert_eq!([0, 1, 2].map(|number| webs.access(number, 0)), [Some(0); 3]);
    }
}
