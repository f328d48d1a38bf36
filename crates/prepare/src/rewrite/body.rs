//! Rewrites one function body: fuel charged and checked at the head of each straight-line block, growth and bulk
//! work through helpers, call depth around functions that can recurse.

use aingle_wasm_types::meter::Stop;
use wasm_encoder::{BlockType, InstructionSink};

use super::Rewriting;
use super::helpers::Helper;
use crate::costs::Costs;
use crate::operators::{Decoder, Operator, code};
use crate::survey::Body;

/// The cost of a straight-line block, and where it begins.
struct Block {
    start: usize,
    cost: u64,
}

/// Writes the body of `function`, whose frame takes `weight` units of call depth (0 = not counted).
pub(crate) fn write(
    rewriting: &mut Rewriting<'_>,
    function: u32,
    body: &Body,
    weight: u32,
    out: &mut Vec<u8>,
) {
    let wasm = &rewriting.outline.wasm[..body.range.end];
    let blocks = blocks(rewriting, body, wasm);
    out.extend_from_slice(&wasm[body.range.start..body.code]);
    if weight > 0 {
        let block = rewriting
            .types
            .block(&rewriting.outline.function_type(function).results);
        enter(rewriting, weight, block, out);
    }
    operators(
        rewriting,
        Decoder::new(wasm, body.code),
        wasm,
        &blocks,
        weight > 0,
        out,
    );
    if weight > 0 {
        leave(rewriting, weight, out);
    }
}

/// Cuts the body into straight-line blocks. Code that cannot be reached costs nothing.
fn blocks(rewriting: &Rewriting<'_>, body: &Body, wasm: &[u8]) -> Vec<Block> {
    let mut blocks = vec![Block {
        start: body.code,
        cost: Costs::entry(body.locals),
    }];
    let mut decoder = Decoder::new(wasm, body.code);
    let mut dead = Dead::default();
    while let Some(operator) = decoder.operator() {
        if dead.skips(&operator) {
            continue;
        }
        if let Some(block) = blocks.last_mut() {
            block.cost += rewriting.costs.weight(operator.code);
        }
        if splits(&operator) {
            blocks.push(Block {
                start: operator.end,
                cost: 0,
            });
        }
        dead.after(&operator);
    }
    blocks
}

/// Whether a straight-line block ends with the operator. Calls end one so that the counter is exact while the callee
/// runs.
fn splits(operator: &Operator) -> bool {
    matches!(
        operator.code,
        code::LOOP
            | code::IF
            | code::ELSE
            | code::END
            | code::BR
            | code::BR_IF
            | code::BR_TABLE
            | code::RETURN
            | code::UNREACHABLE
            | code::CALL
            | code::CALL_INDIRECT
    )
}

/// Code after an unconditional branch: everything up to the `else` or `end` of the block the branch stands in.
#[derive(Default)]
struct Dead {
    here: bool,
    nesting: u32,
}

impl Dead {
    /// Whether the operator cannot be reached.
    fn skips(&mut self, operator: &Operator) -> bool {
        if !self.here {
            return false;
        }
        match operator.code {
            code::BLOCK | code::LOOP | code::IF => self.nesting += 1,
            code::ELSE if self.nesting == 0 => self.here = false,
            code::END if self.nesting == 0 => self.here = false,
            code::END => self.nesting -= 1,
            _ => {}
        }
        self.here
    }

    fn after(&mut self, operator: &Operator) {
        self.here = matches!(
            operator.code,
            code::BR | code::BR_TABLE | code::RETURN | code::UNREACHABLE
        );
    }
}

/// Copies the operators, leaving out what cannot be reached.
fn operators(
    rewriting: &mut Rewriting<'_>,
    mut decoder: Decoder<'_>,
    wasm: &[u8],
    blocks: &[Block],
    counted: bool,
    out: &mut Vec<u8>,
) {
    let mut blocks = blocks.iter().peekable();
    let mut copied = decoder.position();
    let mut dead = Dead::default();
    let mut nesting = 0;
    while let Some(operator) = decoder.operator() {
        if dead.skips(&operator) {
            copied = operator.end;
            continue;
        }
        while let Some(block) = blocks.next_if(|block| block.start <= operator.start) {
            if block.cost > 0 && block.start == operator.start {
                out.extend_from_slice(&wasm[copied..operator.start]);
                copied = operator.start;
                let cost = block.cost as i64;
                rewriting
                    .globals
                    .charge(&mut InstructionSink::new(out), |out| {
                        out.i64_const(cost);
                    });
            }
        }
        match operator.code {
            code::BLOCK | code::LOOP | code::IF => nesting += 1,
            code::END => nesting -= 1,
            _ => {}
        }
        out.extend_from_slice(&wasm[copied..operator.start]);
        copied = operator.start;
        if operator.code == code::RETURN && counted {
            InstructionSink::new(out).br(nesting as u32);
            copied = operator.end;
        } else if let Some(helper) = Helper::growing(operator.code, operator.first) {
            let index = rewriting.helper(helper);
            InstructionSink::new(out).call(index);
            copied = operator.end;
        } else if let Some(helper) = Helper::charging(operator.code) {
            let index = rewriting.helper(helper);
            InstructionSink::new(out).call(index);
        }
        out.extend_from_slice(&wasm[copied..operator.end]);
        copied = operator.end;
        dead.after(&operator);
    }
}

fn enter(rewriting: &Rewriting<'_>, weight: u32, block: BlockType, out: &mut Vec<u8>) {
    let depth = rewriting.globals.depth;
    let out = &mut InstructionSink::new(out);
    out.global_get(depth)
        .i32_const(weight as i32)
        .i32_sub()
        .global_set(depth);
    out.global_get(depth)
        .i32_const(0)
        .i32_lt_s()
        .if_(BlockType::Empty);
    rewriting.globals.stop(Stop::Depth, out);
    out.end().block(block);
}

/// After the `end` of the block that [`enter`] opened.
fn leave(rewriting: &Rewriting<'_>, weight: u32, out: &mut Vec<u8>) {
    let depth = rewriting.globals.depth;
    let out = &mut InstructionSink::new(out);
    out.global_get(depth)
        .i32_const(weight as i32)
        .i32_add()
        .global_set(depth)
        .end();
}
