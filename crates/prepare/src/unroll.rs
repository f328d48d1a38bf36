//! Writes the bodies of small innermost loops several times in front of the loop itself. The copies run as long as there
//! is fuel for all of them, which is looked at once a group; the last rounds are left to the loop as it was. So a guest
//! stops exactly where it would have stopped without the copies.
//!
//! ```text
//! loop $again          block $done
//!   …                    block $exact
//!   br_if $again           loop $again
//! end                        br_if $exact   ;; less fuel than all copies can cost, or the host wants to stop
//!                            block $next  … br_if $next  … br $done  end
//!                            …
//!                            … br_if $again …
//!                          end
//!                          br $done
//!                        end
//!                        loop  … br_if …  end
//!                      end
//! ```
//!
//! Chosen are loops that hold no loop, call, growth, work in bulk or `br_table`, take and give no values, and are small.
//! Two copies are written of the largest of them, up to four of smaller ones. Whether they run for long is not known
//! here, but those that do not lose next to nothing.
//!
//! The operators that are added are listed, so that they cost nothing.

use std::ops::Range;

use wasm_encoder::{BlockType, InstructionSink};

use crate::costs::Weights;
use crate::offsets::Stretch;
use crate::operators::{Decoder, code};
use crate::survey::Body;

/// Bytes that a loop may have to be unrolled.
const MAX_BYTES: usize = 192;
/// Bytes that its copies may have together.
const COPIED_BYTES: usize = 2 * MAX_BYTES;
/// How often the body of a loop is written at most. From the fourth copy on little is won.
const MAX_COPIES: usize = 4;

/// Bytes of a body that still gets its loops unrolled: it must not grow to a size that code generators fail at.
const MAX_BODY_BYTES: usize = 1 << 17;

/// Whether a loop of so many bytes in a body of so many is unrolled.
pub(crate) fn is_small(loop_bytes: usize, body_bytes: usize) -> bool {
    loop_bytes <= MAX_BYTES && body_bytes <= MAX_BODY_BYTES
}

/// What an operator is there for that is not the author's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addition {
    /// The block behind whose end the loop itself comes.
    Exact,
    /// The loop of the copies.
    Copies,
    /// A constant, the most that all copies can cost: it stands for whether there is less fuel than that.
    Most,
    /// The block around a copy: its end is the next round.
    Copy,
    /// A branch.
    Branch,
}

/// A function body with its loops unrolled; kept between functions for its buffers.
#[derive(Default)]
pub(crate) struct Unrolled {
    /// The body, from its count of local groups on.
    pub(crate) bytes: Vec<u8>,
    /// Positions of operators that are not the author's, in order; of blocks only those that matter.
    pub(crate) added: Vec<(u32, Addition)>,
    /// Where the body's parts come from.
    stretches: Vec<Stretch>,
}

impl Unrolled {
    /// Unrolls `loops`, which are ranges of loops in `wasm` from their operator to their end, in order.
    pub(crate) fn unroll(
        &mut self,
        wasm: &[u8],
        body: &Body,
        loops: &[Range<usize>],
        weights: &Weights,
    ) -> Body {
        self.bytes.clear();
        self.added.clear();
        self.stretches.clear();
        let mut copied = body.range.start;
        for range in loops {
            self.take(wasm, copied..range.start);
            self.unroll_loop(&wasm[..range.end], range.start, weights);
            copied = range.end;
        }
        self.take(wasm, copied..body.range.end);
        Body {
            range: 0..self.bytes.len(),
            code: body.code - body.range.start,
            ..body.clone()
        }
    }

    /// The stretches of the body that was unrolled last, once.
    pub(crate) fn take_stretches(&mut self) -> Vec<Stretch> {
        std::mem::take(&mut self.stretches)
    }

    /// Takes over a range of the author's bytes.
    fn take(&mut self, wasm: &[u8], range: Range<usize>) {
        self.stretches.push(Stretch {
            written: self.bytes.len() as u32,
            read: range.start as u32,
            copied: true,
        });
        self.bytes.extend_from_slice(&wasm[range]);
    }

    /// Notes that what is written next stands for this place.
    fn stand_for(&mut self, place: usize) {
        self.stretches.push(Stretch {
            written: self.bytes.len() as u32,
            read: place as u32,
            copied: false,
        });
    }

    /// Writes the loop that begins at `start` and ends where `wasm` does, with copies in front of it.
    fn unroll_loop(&mut self, wasm: &[u8], start: usize, weights: &Weights) {
        let copies = (COPIED_BYTES / (wasm.len() - start)).min(MAX_COPIES);
        self.stand_for(start);
        self.sink().block(BlockType::Empty);
        self.add(Addition::Exact).block(BlockType::Empty);
        self.copies(wasm, start, copies, cost(wasm, start, weights));
        self.add(Addition::Branch).br(1).end();
        self.take(wasm, start..start + 2);
        self.copy(wasm, start, 1);
        self.stand_for(start);
        self.sink().end().end();
    }

    /// Writes the loop of the copies, each of which costs at most `most`.
    fn copies(&mut self, wasm: &[u8], start: usize, copies: usize, most: u64) {
        self.add(Addition::Copies).loop_(BlockType::Empty);
        let most = i32::try_from(most * copies as u64).unwrap_or(i32::MAX);
        self.add(Addition::Most).i32_const(most);
        self.add(Addition::Branch).br_if(1);
        for _ in 1..copies {
            self.add(Addition::Copy).block(BlockType::Empty);
            self.copy(wasm, start, 3);
            self.stand_for(start);
            self.add(Addition::Branch).br(3).end();
        }
        self.copy(wasm, start, 2);
        self.stand_for(start);
        self.sink().end();
    }

    /// Copies what is inside the loop, with this many blocks more around it.
    fn copy(&mut self, wasm: &[u8], start: usize, more: u32) {
        let mut decoder = Decoder::new(wasm, start);
        let Some(opening) = decoder.operator() else {
            return;
        };
        let (mut copied, mut nesting) = (opening.end, 0);
        while let Some(operator) = decoder.operator() {
            match operator.code {
                code::BLOCK | code::IF => nesting += 1,
                code::END if nesting == 0 => {
                    return self.take(wasm, copied..operator.start);
                }
                code::END => nesting -= 1,
                code::BR | code::BR_IF if operator.first > nesting => {
                    self.take(wasm, copied..operator.start);
                    self.stand_for(operator.start);
                    let label = operator.first + more;
                    match operator.code {
                        code::BR => self.sink().br(label),
                        _ => self.sink().br_if(label),
                    };
                    copied = operator.end;
                }
                _ => {}
            }
        }
    }

    /// Notes what the operator that is written next is there for.
    fn add(&mut self, addition: Addition) -> InstructionSink<'_> {
        self.added.push((self.bytes.len() as u32, addition));
        self.sink()
    }

    fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }
}

/// The most that one round of the loop can cost that begins at `start` and ends where `wasm` does.
fn cost(wasm: &[u8], start: usize, weights: &Weights) -> u64 {
    let mut decoder = Decoder::new(wasm, start);
    std::iter::from_fn(|| decoder.operator())
        .map(|operator| weights.weight(operator.code))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Costs;
    use crate::costs::Weights;
    use crate::validate::accepted;

    /// What becomes of a function with this body, and how many loops are chosen.
    fn unrolled(body: &str) -> (Unrolled, usize) {
        let wasm = wat::parse_str(format!(
            "(module (memory 1) (func $f (param i32) (local i32) {body}))"
        ))
        .unwrap();
        let weights = Weights::new(&Costs::default());
        let outline = accepted(&wasm);
        let (survey, body) = (&outline.survey, &outline.survey.bodies[0]);
        let mut unrolled = Unrolled::default();
        let loops = &survey.small_loops[body.small_loops.clone()];
        unrolled.unroll(&wasm, body, loops, &weights);
        (unrolled, survey.small_loops.len())
    }

    #[test]
    fn copies_lead_to_each_other_and_to_the_loop_itself() {
        let body = |text: &str| {
            wat::parse_str(format!("(module (func (param i32) (local i32) {text}))")).unwrap()
        };
        let round = "local.get 0 br_if 0 i32.const 1 drop block local.get 1 br_if OUT end";
        let copy = |more: u32| round.replace("OUT", &(2 + more).to_string());
        let (found, _) = unrolled(&format!("block loop {} end end", copy(0)));
        let next = format!("block {} br 3 end", copy(3));
        let copies = format!(
            "loop i32.const 24 br_if 1 {next} {next} {next} {} end",
            copy(2)
        );
        let exact = format!("loop {} end", copy(1));
        let expected = body(&format!(
            "block block block {copies} br 1 end {exact} end end"
        ));
        assert!(expected.ends_with(&found.bytes));
        let added: Vec<_> = found.added.iter().map(|(_, addition)| *addition).collect();
        let [copy, branch] = [Addition::Copy, Addition::Branch];
        assert_eq!(
            added,
            [
                Addition::Exact,
                Addition::Copies,
                Addition::Most,
                branch,
                copy,
                branch,
                copy,
                branch,
                copy,
                branch,
                branch
            ]
        );
    }

    #[test]
    fn only_small_innermost_loops_with_rounds_of_known_cost_are_chosen() {
        let chosen = |body: &str| unrolled(body).1;
        assert_eq!(chosen("loop br 0 end loop nop end"), 2);
        assert_eq!(chosen("loop loop br 0 end loop nop end end"), 2);
        for body in [
            "loop local.get 0 call $f end",
            "loop local.get 0 br_table 0 0 end",
            "loop i32.const 1 memory.grow drop end",
            "loop i32.const 0 i32.const 0 i32.const 9 memory.fill end",
            "loop (result i32) i32.const 1 end drop",
        ] {
            assert_eq!(chosen(body), 0, "{body}");
        }
        let nops = |count: usize| format!("loop {} end", "nop ".repeat(count));
        assert_eq!(
            (chosen(&nops(MAX_BYTES - 3)), chosen(&nops(MAX_BYTES - 2))),
            (1, 0)
        );
    }
}
