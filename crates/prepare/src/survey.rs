//! The first look at a function body, before the validator's: its caps, and what it calls.

use std::ops::Range;

use crate::costs::{Weights, bulk_shift, entry_cost};
use crate::graph::UNCHECKED;
use crate::nan::is_arithmetic;
use crate::operators::{BlockType, Decoder, Operator, code};
use crate::unroll::is_small;
use crate::{ComplexityCaps, PrepareError, caps};

/// What one function body declares and refers to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// The whole body in the module's bytes, from its count of local groups on.
    pub(crate) range: Range<usize>,
    /// Where its operators begin.
    pub(crate) code: usize,
    /// Declared locals, parameters not counted.
    pub(crate) locals: u32,
    /// Slots of those locals: one each, two for a vector.
    pub(crate) slots: u64,
    /// Functions it calls directly, in [`Survey::calls`].
    pub(crate) calls: Range<usize>,
    /// Types it calls indirectly, in [`Survey::indirect_calls`].
    pub(crate) indirect_calls: Range<usize>,
    /// Its loops that can be unrolled, in [`Survey::small_loops`].
    pub(crate) small_loops: Range<usize>,
    /// Whether it calls functions that are not imported.
    pub(crate) calls_defined: bool,
    /// Whether it has arithmetic on floats.
    pub(crate) floats: bool,
    /// What all of its operators and its entry cost together.
    pub(crate) cost: u64,
}

impl Body {
    /// Whether the entry needs no check, because those around its calls suffice.
    pub(crate) fn unchecked(&self) -> bool {
        !self.calls_defined && self.cost <= UNCHECKED
    }
}

/// What all function bodies refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) bodies: Vec<Body>,
    /// Function indices, body after body.
    pub(crate) calls: Vec<u32>,
    /// Type indices, body after body.
    pub(crate) indirect_calls: Vec<u32>,
    /// From their operators to their ends, body after body.
    pub(crate) small_loops: Vec<Range<usize>>,
    /// Function indices named by `ref.func` in bodies.
    pub(crate) code_references: Vec<u32>,
    /// Function indices named outside of bodies: in elements and globals.
    pub(crate) references: Vec<u32>,
}

/// What of a module a look at a body needs.
pub(crate) struct Terms<'a> {
    pub(crate) caps: &'a ComplexityCaps,
    pub(crate) weights: &'a Weights,
    pub(crate) imported_functions: u32,
}

/// Byte of the type `v128`.
const V128: u8 = 0x7b;

impl Survey {
    /// Looks at the body in `range`. Bytes that do not decode end the look; the validator then refuses them.
    ///
    /// # Errors
    /// - `ERR_MODULE_TOO_COMPLEX` if the body is over one of the caps.
    pub(crate) fn add(
        &mut self,
        wasm: &[u8],
        range: Range<usize>,
        terms: &Terms<'_>,
    ) -> Result<(), PrepareError> {
        caps::check("bodyBytes", range.len() as u64, terms.caps.body_bytes)?;
        let bytes = &wasm[..range.end];
        let mut body = Body {
            range: range.clone(),
            ..Body::default()
        };
        let (calls, indirect_calls) = (self.calls.len(), self.indirect_calls.len());
        let small_loops = self.small_loops.len();
        let mut decoder = Decoder::new(bytes, range.start);
        if let Some((locals, slots)) = locals(&mut decoder, bytes) {
            caps::check("locals", locals, terms.caps.locals)?;
            body.locals = u32::try_from(locals).unwrap_or(u32::MAX);
            body.slots = slots;
            body.code = decoder.position();
            body.cost = entry_cost(body.locals);
            self.operators(decoder, terms, &mut body)?;
        }
        body.calls = calls..self.calls.len();
        body.indirect_calls = indirect_calls..self.indirect_calls.len();
        body.small_loops = small_loops..self.small_loops.len();
        self.bodies.push(body);
        Ok(())
    }

    fn operators(
        &mut self,
        mut decoder: Decoder<'_>,
        terms: &Terms<'_>,
        body: &mut Body,
    ) -> Result<(), PrepareError> {
        let mut nesting = 0;
        // Where the last loop began and how deep, as long as it may be unrolled.
        let mut innermost: Option<(usize, u64)> = None;
        while let Some(operator) = decoder.operator() {
            let Operator { code, first, .. } = operator;
            body.cost += terms.weights.weight(code);
            body.floats |= is_arithmetic(code);
            match code {
                code::BLOCK | code::LOOP | code::IF => {
                    nesting += 1;
                    caps::check("nesting", nesting, terms.caps.nesting)?;
                    if code == code::LOOP {
                        let empty = decoder.block_type(&operator) == BlockType::Empty;
                        innermost = empty.then_some((operator.start, nesting));
                    }
                }
                code::END => {
                    if let Some((start, at)) = innermost
                        && at == nesting
                    {
                        innermost = None;
                        if is_small(operator.end - start, body.range.len()) {
                            self.small_loops.push(start..operator.end);
                        }
                    }
                    nesting = nesting.saturating_sub(1);
                }
                code::BR_TABLE => {
                    innermost = None;
                    caps::check(
                        "branchTargets",
                        u64::from(first) + 1,
                        terms.caps.branch_targets,
                    )?;
                }
                code::CALL => {
                    innermost = None;
                    self.calls.push(first);
                    body.calls_defined |= first >= terms.imported_functions;
                }
                code::CALL_INDIRECT => {
                    innermost = None;
                    self.indirect_calls.push(first);
                    body.calls_defined = true;
                }
                code::MEMORY_GROW | code::TABLE_GROW => {
                    innermost = None;
                }
                code::REF_FUNC => self.code_references.push(first),
                code if bulk_shift(code).is_some() => innermost = None,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads the declarations of locals: how many, and in how many slots.
fn locals(decoder: &mut Decoder<'_>, bytes: &[u8]) -> Option<(u64, u64)> {
    let (mut locals, mut slots) = (0, 0);
    for _ in 0..decoder.u32()? {
        let count = u64::from(decoder.u32()?);
        let wide = *bytes.get(decoder.position())? == V128;
        decoder.u32()?;
        locals += count;
        slots += if wide { 2 * count } else { count };
    }
    Some((locals, slots))
}
